# SPDX-License-Identifier: Apache-2.0
"""Builds a network for this computer with any C compiler and runs it in a process of its own."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

C = Path(__file__).parent / "c"
_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
_TYPES = {"INT8": "int8", "UINT8": "uint8", "INT16": "int16", "INT32": "int32", "INT64": "int64", "BOOL": "bool"}


class HostError(ValueError):
    """There is no C compiler, or the network could not be built or run on this computer."""


@dataclass(frozen=True)
class Ran:
    """What a run gave.

    Attributes:
        outputs: list of lists of numpy arrays: of every run, every output.
        high_water: int, bytes of the arena up to the last one that the network wrote.
    """

    outputs: list
    high_water: int


@dataclass(frozen=True)
class Said:
    """What a program printed, and its status."""

    text: str
    status: int


def output_of(program, timeout=600, arguments=()):
    """Runs a program without input; returns what it `Said`."""
    done = _ended([str(program), *arguments], None, timeout)
    return Said((done.stdout + done.stderr).decode(errors="replace"), done.returncode)


def _ended(command, data, timeout):
    """Runs a network's program to its end."""
    try:
        return subprocess.run(command, input=data, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise HostError(
            f"the network's program must end within {timeout:,.0f} seconds. Received: no end. Take a smaller image."
        ) from error


def compiler():
    """Returns the command of a C compiler: that of the variable CC, or cc, gcc or clang.

    Raises:
        HostError: if there is none.
    """
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return name
    raise HostError(
        "the engine needs a C compiler on this computer, for it proves every network by running it. Received: none of cc, "
        "gcc and clang on the PATH. Install one (on Debian: apt-get install gcc), or name it in the variable CC."
    )


def cache():
    """Returns the folder in which what was built is kept."""
    base = (
        os.environ.get("KERAS_UNETMM_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_unetmm"
    )
    folder = Path(base) / "engine"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"keras_unetmm-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():  # programs of somebody else's must not be run
            raise HostError(f"{folder} must be yours. Received: a folder of another user. Set KERAS_UNETMM_CACHE.") from None
    return folder


def built(sources, flags=FLAGS, include=(), cc=None):
    """Returns the path of a program built of C sources, from the cache if it was built before.

    Args:
        sources: dict from a file's name to its text; headers among them are found by the others.
        flags: sequence of str, for the compiler.
        include: folders of headers that do not change.
        cc: command of the compiler, or None for `compiler()`.

    Raises:
        HostError: if there is no compiler, or it refuses the sources.
    """
    cc = cc or compiler()
    folder = cache()
    names = [name for name in sources if name.endswith(".c")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda name: _object(cc, name, sources, flags, folder, include), names))
    key = hashlib.sha256("\n".join([cc, *flags, *map(str, objects)]).encode()).hexdigest()[:32]
    program = folder / key
    if not program.exists():
        _compile([cc, *flags, *map(str, objects), "-o"], program)
    return program


def _object(cc, name, sources, flags, folder, include):
    used = included(name, sources)
    texts = "".join(f"{file}\n{sources[file]}\n" for file in used)
    key = hashlib.sha256("\n".join([cc, *flags, *map(str, include), texts]).encode()).hexdigest()[:32]
    made = folder / f"{key}.o"
    if not made.exists():
        with tempfile.TemporaryDirectory() as work:
            for file in used:
                (Path(work) / file).write_text(sources[file])
            _compile([cc, *flags, *(f"-I{path}" for path in include), "-c", str(Path(work) / name), "-o"], made)
    return made


def included(name, sources):
    """Returns the names of a source and of those of `sources` that it includes: what its object is made of."""
    found = [name]
    for file in found:
        found += [other for other in _INCLUDE.findall(sources[file]) if other in sources and other not in found]
    return found


def _compile(command, target):
    """Runs a compiler; what it makes appears whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        part = Path(file.name)
    try:
        done = subprocess.run([*command, str(part)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise HostError(f"the compiler {command[0]} refused the network's C:\n{done.stderr[-2000:]}")
        part.chmod(0o755)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def run(program, network, runs, timeout=600, step=1_000_000):
    """Runs a built program once for every list of inputs.

    Args:
        program: path, as `built` returns it, of sources with `unetmm_host.c` among them.
        network: `EngineNetwork`.
        runs: list of lists of numpy arrays, the network's inputs in order.
        timeout: float, seconds.
        step: int, multiply-accumulates after which the network returns to its caller.

    Returns:
        A `Ran`.

    Raises:
        ValueError: if an input has another shape or type than the network's.
        HostError: if the program fails.
    """
    data = b"".join(_bytes(network, inputs) for inputs in runs)
    done = _ended([str(program), str(len(runs)), str(step)], data, timeout)
    if done.returncode:
        raise HostError(
            f"the network's program ended with status {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}"
        )
    outputs, at = [], 0
    for _ in runs:
        outputs.append([])
        for number in network.outputs:
            m = network.maps[number]
            size = m.pixels * m.bytes
            outputs[-1].append(np.frombuffer(done.stdout[at : at + size], _TYPES[m.type]).reshape(m.shape))
            at += size
    return Ran(outputs, int(done.stdout[at:]))


def _bytes(network, inputs):
    parts = []
    for number, given in zip(network.inputs, inputs, strict=True):
        m, x = network.maps[number], np.asarray(given)
        if x.shape != m.shape or x.dtype != _TYPES[m.type]:
            raise ValueError(
                f"input must be {_TYPES[m.type]} of the shape {m.shape}. Received: {x.dtype} of the shape {x.shape}."
            )
        parts.append(np.ascontiguousarray(x).tobytes())
    return b"".join(parts)
