"""Runs kernels without the engine's driver, in random blocks over maps with gaps, under sanitizers (see alone.c)."""

import math
import subprocess
from pathlib import Path

import numpy as np

from keras_unetmm.engine import process
from keras_unetmm.engine.emit import Constants
from keras_unetmm.engine.kernels import KERNELS
from keras_unetmm.engine.kernels.kernel import All, Parameters, Same, Values, Window, raster
from keras_unetmm.tflite_file.graph import read

_FLAGS = ("-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_ACCESS = {Same: "UNETMM_SAME", Window: "UNETMM_WINDOW", All: "UNETMM_ALL"}
_TYPES = """
typedef struct layout { int access, rows, width, image_rows, stride, bytes; } layout;
typedef struct kernel_case {
    unetmm_kernel *function; const void *parameters; int input_count; layout inputs[UNETMM_INPUTS];
    int taps, dilation; unetmm_axis rows, columns; int walk_rows, walk_width, walk_image_rows; layout output;
    int accumulates, state, scratch_fixed, scratch_pixel;
} kernel_case;
"""


def run(content, inputs, tables, folder, seed=0, build=None):
    """Returns the outputs of a file whose operators read its inputs only, by each operator's kernel on its own.

    Args:
        content: bytes of a .tflite file.
        inputs: list of arrays.
        tables: as the kernels take it.
        folder: path, for the program and what it reads and writes.
        seed: int, of the gaps between pixels.
        build: function from the folder and the names of the kernels' sources, which runs the program; on this computer by
            default.
    """
    graph, rng = read(content).main, np.random.default_rng(seed)
    kernels = [kernel for operator in graph.operators for kernel in _kernels(graph, operator, tables)]
    constants, text, rows = Constants("case"), [], []
    for kernel in kernels:
        parameters = "NULL"
        if kernel.parameters is not None:
            parameters = f"&parameters_{len(rows)}"
            fields = _fields(kernel.parameters, constants)
            text.append(f"static const {kernel.parameters.struct} parameters_{len(rows)} = {fields};\n")
        rows.append(_case(graph, kernel, parameters, rng))
    headers = "".join(f'#include "{name}"\n' for name in sorted({"unetmm.h", *(kernel.header for kernel in kernels)}))
    table = f"enum {{ CASES = {len(rows)} }};\nstatic const kernel_case cases[CASES] = {{\n" + ",\n".join(rows) + "\n};\n"
    definitions = constants.definitions().replace("const ", "static const ")
    (folder / "cases.h").write_text(headers + _TYPES + definitions + "".join(text) + table)
    made = dict(zip(graph.inputs, inputs, strict=True))
    data = b"".join(np.ascontiguousarray(made[tensor]).tobytes() for kernel in kernels for tensor, _ in kernel.inputs)
    (folder / "in").write_bytes(data)
    (build or build_and_run)(folder, sorted({kernel.source for kernel in kernels}))
    return _outputs(graph, kernels, (folder / "out").read_bytes())


def _kernels(graph, operator, tables):
    made = KERNELS[operator.name](graph, operator, tables)
    return made if isinstance(made, list) else [made]


def build_and_run(folder, sources, flags=()):
    """Builds the program for this computer, under sanitizers, and runs it."""
    files = [Path(__file__).with_suffix(".c"), *(process.C / source for source in sources)]
    command = [process.compiler(), *_FLAGS, *_SANITIZERS, *flags, f"-I{folder}", f"-I{process.C}", *map(str, files)]
    subprocess.run([*command, "-o", str(folder / "program")], check=True)
    subprocess.run([str(folder / "program"), str(folder / "in"), str(folder / "out")], check=True)


def _outputs(graph, kernels, content):
    made, at = {}, 0
    for kernel in kernels:
        tensor = graph.tensors[kernel.output]
        count = math.prod(tensor.shape)
        made[kernel.output] = np.frombuffer(content, tensor.type.lower(), count, at).reshape(tensor.shape)
        at += made[kernel.output].nbytes
    assert at == len(content)
    return [made[number] for number in graph.outputs]


def _case(graph, kernel, parameters, rng):
    output = graph.tensors[kernel.output]
    walk = kernel.walk or raster(output.shape)[:3]
    seen = raster(output.shape)[:3] if kernel.accumulates else walk
    layouts, taps, axes = [], (0, 1), ["{1, 1, 0, 0}"] * 2
    for tensor, access in kernel.inputs:
        shape = graph.tensors[tensor].shape
        pixels = walk if isinstance(access, Same) else raster(shape)[:3]
        layouts.append(_layout(graph.tensors[tensor], pixels, access, rng))
        if isinstance(access, Window):
            taps = access.taps, access.dilation
            axes = [f"{{{a.step}, {a.over}, {a.first}, {a.last}}}" for a in (access.rows, access.columns)]
    fixed = kernel.scratch(0)
    numbers = (
        *(
            kernel.function,
            parameters,
            len(layouts),
            f"{{{', '.join(layouts) or '{0, 0, 0, 0, 0, 0}'}}}",
            *taps,
            *axes,
            *walk,
        ),
        *(_layout(output, seen, Same(), rng), int(kernel.accumulates), kernel.state, fixed, kernel.scratch(1) - fixed),
    )
    return f"    {{{', '.join(map(str, numbers))}}}"


def _layout(tensor, seen, access, rng):
    """A map's pixels, with a gap of some elements between them."""
    size = math.prod(tensor.shape) // (seen[0] * seen[1]) * tensor.element_bytes
    stride = size + int(rng.choice([0, 0, 1, 3])) * tensor.element_bytes
    return f"{{{_ACCESS[type(access)]}, {seen[0]}, {seen[1]}, {seen[2]}, {stride}, {size}}}"


def _fields(parameters, constants):
    return "{" + ", ".join(_field(value, constants) for value in parameters.fields.values()) + "}"


def _field(value, constants):
    if isinstance(value, Parameters):
        return _fields(value, constants)
    if isinstance(value, Values):
        return constants.add(value)
    return "NULL" if value is None else "(-2147483647 - 1)" if int(value) == -(2**31) else str(int(value))
