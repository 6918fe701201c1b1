# SPDX-License-Identifier: Apache-2.0
"""A network for an Ethos-U without an interpreter: Vela's command stream and weights as C, and how to run them."""

import json
from dataclasses import dataclass
from math import prod

import numpy as np

from keras_unetmm.engine.folder import FORMAT, MANIFEST, Folder, sha256
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.engine.ports import CASES, DTYPES, Port, example
from keras_unetmm.engine.store import save, validate_folder
from keras_unetmm.engine.text import checked_name
from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.boards.npus import memory_mode
from keras_unetmm.firmware.packages.ethos_u import files
from keras_unetmm.firmware.place import parsed
from keras_unetmm.firmware.write import reference_outputs, resized
from keras_unetmm.interpreters.runtime import TITLES, reference_runtime
from keras_unetmm.targets.shuffles import without_shuffles
from keras_unetmm.targets.targets import check
from keras_unetmm.targets.vela_stream import LeftToProcessorError, streamed
from keras_unetmm.targets.verdict import SUPPORTED
from keras_unetmm.tflite_file.entry_points import validate_one_entry_point
from keras_unetmm.tflite_file.graph import load, read


@dataclass(frozen=True)
class NPUNetwork:
    """A network that an NPU runs.

    Attributes:
        name: str, a C identifier.
        accelerator: str.
        stream: `keras_unetmm.targets.vela_stream.Stream`.
        inputs, outputs: tuples of `keras_unetmm.engine.ports.Port`.
        expected: list of arrays: the outputs for the first of the self-test's inputs.
        reference: str, the interpreter that gave them.
    """

    name: str
    accelerator: str
    stream: object
    inputs: tuple
    outputs: tuple
    expected: list
    reference: str


def write_npu(content, output, name, npu, wanted, place="", progress=None):
    """Writes the package of a network for an Ethos-U and returns what is to know of it.

    Args:
        content, output, name, progress: as for `keras_unetmm.firmware.write.write`.
        npu: `Board`, one of `keras_unetmm.firmware.boards.npus.NPUS`.
        wanted: `Wanted`, of which the size and `ram`, the bytes of SRAM, are taken.
        place: str, such as `"weights=SRAM"`.

    Returns:
        dict of `name`, `board`, `memory_mode`, `arena_bytes`, `fast_bytes`, `flash_bytes`, `shuffles`, what Vela predicts,
        `files` and `sha256`.

    Raises:
        BoardError: a `ValueError`, for an operator that the NPU does not run, what NPUs do not take, or too little `ram`.
        CompilerError: a `ValueError`, if Vela is not installed or fails.
    """
    said = progress or (lambda what: None)
    checked_name(name)
    if wanted.schedule != "auto" or wanted.memories != 1:
        raise BoardError(
            f"board {npu.name} takes neither schedule nor memories, for Vela finds the schedule. Received: "
            f"{wanted.schedule!r} and {wanted.memories}. Leave both out; use place for the memories."
        )
    mode = memory_mode(npu, parsed(place, npu))
    validate_folder(output, name, npu.name)
    content = load(content)
    validate_one_entry_point(content)
    content = integer_io(content)
    content = content if wanted.size is None else resized(content, wanted.size)
    graph = read(content).main
    sides = tuple(tuple(_port(graph.tensors[i]) for i in side) for side in (graph.inputs, graph.outputs))
    case = [[example(port, 0, i) for i, port in enumerate(sides[0])]]
    title = TITLES[reference_runtime()]
    said(f"running {title}")
    (expected,) = reference_outputs(content, case)
    replaced, shuffles = without_shuffles(content)
    if shuffles:
        said("comparing without shuffles")
        (again,) = reference_outputs(replaced, case)
        if any(not np.array_equal(one, other) for one, other in zip(expected, again, strict=True)):
            raise BoardError(
                "convolutions must give the bytes of the shuffles that they replace. Received: others. Please report it."
            )
    said("asking Vela")
    try:
        stream = _stream(replaced, npu, mode, wanted.ram)
    except LeftToProcessorError:
        _validate_operators(replaced, npu)
        raise
    network = NPUNetwork(name, npu.name, stream, *sides, expected, title)
    made = _folder(network, graph, files(network))
    said("writing")
    save(made, output)
    return _report(network, shuffles, made)


def _port(tensor):
    if tensor.type not in DTYPES or prod(tensor.shape[:1]) != 1:
        raise BoardError(
            f"an input or output must hold integers of one image. Received: {tensor.name!r}, {tensor.type.lower()} of "
            f"{'x'.join(map(str, tensor.shape))}. Convert the model with unetmm convert."
        )
    scale = float(np.float32(tensor.scales[0])) if len(tensor.scales) else None
    point = int(tensor.zero_points[0]) if len(tensor.zero_points) else 0
    return Port(
        tensor.name, tensor.type, tuple(tensor.shape), 1, 1, 1, prod(tensor.shape), tensor.element_bytes, scale, point
    )


def _validate_operators(content, npu):
    family = npu.name.rpartition("-")[0]
    left = [operator for operator in check(content, family).operators if operator.verdict != SUPPORTED]
    if left:
        named = "; ".join(f"operator {each.index}, {each.name}: {each.why}" for each in left[:3])
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        instead = next((f" Use {each.instead} instead, or convert" for each in left if each.instead), " Convert")
        raise BoardError(
            f"the NPU must run every operator, for without TFLM nothing runs the others. Received: {named}{more}.{instead} "
            f"the model with unetmm convert --target {family}. unetmm check --target {family} lists them all."
        )


def _stream(content, npu, mode, ram):
    """Vela's, or the smaller one that it can make if there is little SRAM."""
    found = streamed(content, npu.name, mode, ram)
    if ram is not None and _sram(found) > ram:
        found = streamed(content, npu.name, mode, ram, smallest=True)
    if ram is not None and _sram(found) > ram:
        raise BoardError(
            f"ram={ram:,} is below what Vela needs of SRAM for this network on {npu.name}: {_sram(found):,} bytes, "
            f"{_sram(found) - ram:,} more. Give it as much, take a smaller size, or run it on the core by rows: unetmm "
            "firmware without --board."
        )
    return found


def _sram(stream):
    """Bytes of SRAM that the NPU and the firmware share."""
    if stream.mode == "Dedicated_Sram":
        return stream.fast
    return stream.arena + (len(stream.weights) if stream.mode == "Sram_Only" else 0)


def _folder(network, graph, texts):
    said = {
        "format": FORMAT,
        "name": network.name,
        "board": network.accelerator,
        "memory_mode": network.stream.mode,
        "files": {file: sha256(text) for file, text in sorted(texts.items())},
    }
    return Folder(network.name, {**texts, MANIFEST: json.dumps(said, indent=1, sort_keys=True) + "\n"}, said)


def _report(network, shuffles, made):
    stream = network.stream
    digests = made.description["files"]
    return {
        "name": network.name,
        "board": network.accelerator,
        "system_config": stream.system,
        "memory_mode": stream.mode,
        "arena_bytes": stream.arena,
        "fast_bytes": stream.fast,
        "sram_bytes": _sram(stream),
        "flash_bytes": len(stream.commands) + len(stream.weights),
        "commands_bytes": len(stream.commands),
        "weights_bytes": len(stream.weights),
        "io_bytes": {"inputs": [port.bytes for port in network.inputs], "outputs": [port.bytes for port in network.outputs]},
        "operators": stream.summary["npu_operators"],
        "cycles": stream.summary["cycles"],
        "shuffles": shuffles,
        "compared_input": CASES[0],
        "files": sorted(made.files),
        "sha256": sha256("".join(f"{digests[file]} {file}\n" for file in sorted(digests))),
    }
