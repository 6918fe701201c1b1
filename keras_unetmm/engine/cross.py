# SPDX-License-Identifier: Apache-2.0
"""Code size and stack of a network on a Cortex-M7, from a cross-compiler's own tables, where one is installed."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from keras_unetmm.engine.build_files import SELFTEST
from keras_unetmm.engine.process import HostError, cache, included

COMPILER = "arm-none-eabi-gcc"
CORE = ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16")
_FLAGS = ("-std=c11", "-O3", "-ffunction-sections", "-fdata-sections", "-fcallgraph-info=su")
_LIBRARY = 64  # bytes of stack that a function of the C library takes, which the compiler knows nothing of
_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_BYTES = re.compile(r"\\n(\d+) bytes \((\w+)")
_INDIRECT = "__indirect_call"


def available():
    """Whether the cross-compiler is there, with the headers of a C library."""
    if shutil.which(COMPILER) is None:
        return False
    done = subprocess.run(
        [COMPILER, "-E", "-x", "c", "-"], input="#include <string.h>\n", capture_output=True, text=True, check=False
    )
    return done.returncode == 0


def measured(made):
    """Returns `(code, stack)` of a `Folder` in bytes, or `(None, None)` without a cross-compiler.

    The code is what a firmware that calls all of the network's functions links, but for the C library. The stack is the
    deepest chain of calls below `NAME_run`; a callback that is given to `NAME_begin` comes on top.

    Raises:
        HostError: if the cross-compiler refuses the sources.
    """
    if not available():
        return None, None
    without = {*SELFTEST, f"{made.name}_selftest.c", f"{made.name}_weights.c"}  # which hold no code of the network's
    sources = [file for file in made.files if file.endswith(".c") and file not in without]
    version, kept = _run([COMPILER, "--version"], None), cache()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: _object(source, made.files, version, kept), sources))
    roots = [f"{made.name}_{call}" for call in ("begin", "step", "run")]
    with tempfile.TemporaryDirectory() as work:
        _run([COMPILER, *CORE, "-nostdlib", "-r", "-Wl,--gc-sections", *(f"-Wl,-u,{r}" for r in roots), *map(str, objects),
              "-Wl,-e," + roots[0], "-o", "linked.o"], work)  # fmt: skip
        listed = _run(["arm-none-eabi-size", "-A", "linked.o"], work)
    code = sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", listed, re.M))
    graphs = "".join(path.with_suffix(".ci").read_text() for path in objects)
    return code, deepest(graphs, roots[2], _kernels(made))


def _object(source, files, version, folder):
    """The object of a source, from the cache if it was made before: kernels are the same in every network."""
    used = included(source, files)
    texts = "".join(f"{file}\n{files[file]}\n" for file in used)
    key = hashlib.sha256("\n".join([COMPILER, version, *CORE, *_FLAGS, texts]).encode()).hexdigest()[:32]
    made = folder / f"{key}.o"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=folder) as name:
            work = Path(name)
            for file in used:
                (work / file).write_text(files[file])
            _run([COMPILER, *CORE, *_FLAGS, "-c", source], work)
            for suffix in (".ci", ".o"):  # what is asked for comes last
                (work / source).with_suffix(suffix).replace(made.with_suffix(suffix))
    return made


def _run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"the cross-compiler {command[0]} refused the network's C:\n{done.stderr[-2000:]}")
    return done.stdout


def _kernels(made):
    """What may be called through a pointer: the network's kernels, and the callbacks for whole images."""
    kernels = {op["kernel"] for op in made.description["figures"]["operators"]} - {None}
    return kernels | {"unetmm_image_read", "unetmm_image_write"}


def deepest(graphs, root, indirect):
    """Returns the most bytes of stack below a function.

    Args:
        graphs: str, what gcc writes with `-fcallgraph-info=su`, of all sources together.
        root: str, the function.
        indirect: set of the functions that calls through pointers may reach.

    Raises:
        HostError: if functions call each other in a circle, or one takes a stack that depends on its arguments.
    """
    own, calls = {}, {}
    for title, label in _NODE.findall(graphs):
        found = _BYTES.search(label)
        if found is not None:
            if found[2] != "static":
                raise HostError(f"the stack of {title} must be known when it is compiled. Received: {found[2]}.")
            own[title] = int(found[1])
    for source, target in _EDGE.findall(graphs):
        calls.setdefault(source, set()).update(indirect if target == _INDIRECT else {target})
    depths = {}

    def depth(function):
        if function not in depths:
            depths[function] = None
            below = [depth(target) for target in calls.get(function, ())]
            depths[function] = own.get(function, _LIBRARY) + max(below, default=0)
        if depths[function] is None:
            raise HostError(f"no function of the engine may call itself. Received: {function}, which does.")
        return depths[function]

    return depth(root)
