# SPDX-License-Identifier: Apache-2.0
"""Running a target's compiler as a program of its own, in a folder of its own and for a limited time."""

import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass

from keras_unetmm.targets.verdict import CompilerError

_SECONDS = 120  # of CPU time
_MEMORY = 2**30  # bytes that a compiler may take: Vela has taken 23 GiB for a file of 500 bytes
STATIC = "Use the rules alone: compile=False, or unetmm check --static"


@dataclass(frozen=True)
class Said:
    """What a program wrote.

    Attributes:
        status: int, its exit status.
        output: str, standard output, then standard error.
    """

    status: int
    output: str

    @property
    def last_line(self):
        """The last line that says something."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else "nothing"


def find(program, module=None):
    """Returns the command that runs a compiler, as a list, or None if there is none.

    Args:
        program: str, to be sought on the PATH.
        module: str, a Python module that does the same.
    """
    found = shutil.which(program)
    if found:
        return [found]
    return [sys.executable, "-m", module] if module and importlib.util.find_spec(module.partition(".")[0]) else None


def _limit():
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(name, command, folder, seconds):
    """Runs a compiler in a folder and returns what it `Said`.

    Raises:
        CompilerError: if it cannot be started, or is not done in time.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            preexec_fn=_limit,
            env={
                **os.environ,
                "OPENBLAS_NUM_THREADS": "1",
                "PYTHONUNBUFFERED": "1",
            },  # else what Vela's Python says comes after what its library said
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise CompilerError(f"{name} was not done with the file after {seconds:,} seconds. {STATIC}.") from None
    except OSError as error:
        raise CompilerError(f"{name} cannot be started: {error}. Install it again. {STATIC}.") from error
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise CompilerError(f"{name} was not done with the file after {_SECONDS} seconds of processor time. {STATIC}.")
    if done.returncode and ("MemoryError" in done.stderr or "bad_alloc" in done.stderr):
        raise CompilerError(f"{name} needs more than {_MEMORY:,} bytes of memory for the file. {STATIC}.")
    return Said(done.returncode, f"{done.stdout}\n{done.stderr}")
