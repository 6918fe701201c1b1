# SPDX-License-Identifier: Apache-2.0
"""Runs a file, or a folder that `unetmm firmware` wrote, on the engine's C, built for this computer."""

import functools
from pathlib import Path

import numpy as np

from keras_unetmm.engine import process
from keras_unetmm.engine.folder import FLAGS, network_of, program_of
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.engine.lower import lower
from keras_unetmm.engine.ports import DTYPES
from keras_unetmm.engine.schedule import whole
from keras_unetmm.engine.sources import hosted_sources
from keras_unetmm.engine.store import load as load_folder
from keras_unetmm.interpreters import runtime
from keras_unetmm.interpreters.runtime import Arena, Run, batches, dequantised
from keras_unetmm.runtime.tables import tables
from keras_unetmm.tflite_file.graph import load, read
from keras_unetmm.types import FileLike, Tensor

RUNTIMES = (*runtime.RUNTIMES, "engine")


def run(file: FileLike, x: Tensor, runtime: str = "tflm", arena_bytes: int | None = None) -> Run:
    """Runs a .tflite file, or a folder that `unetmm firmware` wrote.

    Examples:
        >>> image = np.zeros((48, 32, 3), "float32")
        >>> tflite.run("model.tflite", image, runtime="litert").values[0].shape
        (1, 48, 32, 3)

    Args:
        file: path or bytes; for the engine also the path of a folder.
        x: array, or a list of one for each input of the file. Floats are quantised as the file says; arrays of the
            input's own type go in as they are. `(H, W, C)`, or `(N, H, W, C)` to run N images one after the other.
        runtime: `"tflm"`, TensorFlow Lite for Microcontrollers with reference kernels; `"litert"`, LiteRT as on a
            phone or PC; `"litert-reference"`, LiteRT with the kernels that TFLM's come from; `"engine"`, the C that
            `unetmm firmware` writes, compiled for this computer and run in a process of its own.
        arena_bytes: int, the arena that TFLM is given; by default as much as it wants.

    Returns:
        A `Run`. On the engine, a file with float ends gives the integers behind them, `arena.head` is how much of its memory
        it wrote (a folder by its schedule, a file by whole maps), and `arena.tail` is 0.

    Raises:
        ValueError: for an unknown runtime or an input that does not fit; for the engine also if it lacks a kernel, if there
            is no C compiler, or if the folder is not as it was written.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        RunError: if the file cannot be run, or no interpreter be started; a `TFLMError` if TFLM lacks an operator, the
            arena is too small, or TFLM crashes or hangs.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(map(repr, RUNTIMES))}. Received: {runtime!r}.")
    if runtime != "engine":
        return _interpreted(file, x, runtime, arena_bytes)
    if arena_bytes is not None:
        raise ValueError(
            f"arena_bytes is for TFLM: the engine takes what it needs. Received: {arena_bytes!r} with runtime='engine'. "
            "Leave it out."
        )
    inputs, outputs, program, network = _prepared(file)
    stacks = batches(x, inputs)
    ran = process.run(program, network, [[stack[i] for stack in stacks] for i in range(len(stacks[0]))])
    arrays = tuple(np.concatenate([np.atleast_1d(part) for part in parts]) for parts in zip(*ran.outputs, strict=True))
    values = tuple(dequantised(array, details) for array, details in zip(arrays, outputs, strict=True))
    return Run(arrays, values, Arena(ran.high_water, 0, ran.high_water))


def _interpreted(file, x, kind, arena_bytes):
    return runtime.run(file, x, kind, arena_bytes)


def _prepared(file):
    """The details of inputs and outputs, the program and its `EngineNetwork`."""
    if not isinstance(file, (bytes, bytearray)) and Path(file).is_dir():
        made = load_folder(file)
        sides = ([_details(port) for port in made.description[side]] for side in ("inputs", "outputs"))
        return *sides, program_of(made), network_of(made.description)
    return _built(load(file))


@functools.lru_cache(maxsize=8)
def _built(content):
    graph = read(integer_io(content)).main
    network = lower(graph, tables)
    program = process.built(hosted_sources(whole(network, seconds=0.05)), FLAGS)
    sides = ([_tensor_details(graph.tensors[i]) for i in numbers] for numbers in (graph.inputs, graph.outputs))
    return *sides, program, network


def _details(port):
    quantization = (port["scale"] or 0.0, port["zero_point"])
    return {"shape": tuple(port["shape"]), "dtype": DTYPES[port["type"]], "quantization": quantization}


def _tensor_details(tensor):
    quantization = (tensor.scales[0], tensor.zero_points[0]) if len(tensor.scales) else (0.0, 0)
    return {"shape": tensor.shape, "dtype": DTYPES[tensor.type], "quantization": quantization}
