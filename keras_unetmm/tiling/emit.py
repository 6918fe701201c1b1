# SPDX-License-Identifier: Apache-2.0
"""Emission of a program: the files of a choice, measured on TFLM, and the buffers of the arena that they share."""

import hashlib
from collections.abc import Iterable

from keras_unetmm import __version__
from keras_unetmm.interpreters.runtime import RunError
from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.kernels.tflm_reference import REFERENCE
from keras_unetmm.planner.plan import as_it_is
from keras_unetmm.program.buffer import Buffer, Kind
from keras_unetmm.program.program import Program
from keras_unetmm.program.step import IMAGE, INSIDE, OUTPUT, MapFormat, Port, Step
from keras_unetmm.tiling.analyse import TilingNetwork
from keras_unetmm.tiling.layout import Layout
from keras_unetmm.tiling.part import Key, Mask, Masked
from keras_unetmm.tiling.part_compiler import PartCompiler, PlannedPart
from keras_unetmm.tiling.partition import ends
from keras_unetmm.tiling.strategy import Choice, Tile
from keras_unetmm.tiling.strategy_parts import StrategyParts
from keras_unetmm.types import JsonObject


def emit(
    compiler: PartCompiler,
    choice: Choice,
    size: Tile,
    network: JsonObject | None = None,
    skips: str = "keep",
) -> Program:
    """Returns the `Program` of a choice.

    Args:
        compiler: `PartCompiler`.
        choice: `keras_unetmm.tiling.strategy.Choice`.
        size: `(height, width)` of the image itself, of which `compiler.size` are the next multiples.
        network: dict or None, what the network's file says of itself, see `keras_unetmm.tflite.metadata`.
        skips: str, what was asked for.

    Raises:
        TilingError: if a part cannot be written or planned.
        RunError: if TFLM takes another arena than was predicted.
    """
    parts = StrategyParts(compiler, choice.strategy)
    emitter = _Emitter(parts, parts.parts(choice.tiles), parts.arena_for(choice.tiles))
    graph, strategy = compiler.network, choice.strategy
    height, width = size
    return Program(
        files=emitter.files,
        steps=tuple(emitter.steps()),
        carried=tuple(emitter.carried()),
        input=map_format(graph, graph.image),
        output=map_format(graph, graph.output),
        size=(height, width),
        padded_size=compiler.size,
        ram_bytes=emitter.layout.bytes,
        ram_bound=emitter.layout.bound,
        levels=strategy.levels,
        bottleneck=strategy.bottleneck,
        skips=skips,
        recomputed=tuple(graph.map_name(i) for i in parts.partition.skips if i in strategy.recomputed),
        border=compiler.border,
        halo=max(part.halo(graph) for part in emitter.planned.values()),
        kernels=compiler.kernels,
        untiled_macs=compiler.macs,
        network=network,
        version=__version__,
    )


def map_format(network: TilingNetwork, tensor: int) -> MapFormat:
    """Returns the `MapFormat` of a map."""
    found, scale = network.graph.tensors[tensor], network.scale(tensor)
    return MapFormat(
        type=found.type.lower(),
        channels=found.shape[3] if len(found.shape) == 4 else None,
        scale=found.scales[0] if found.scales else None,
        zero_point=found.zero_points[0] if found.zero_points else 0,
        pixels=float(scale),
    )


class _Emitter:
    """Makes the steps and the carried buffers of parts that are planned and placed."""

    def __init__(self, parts: StrategyParts, planned: dict[str, PlannedPart], layout: Layout) -> None:
        self.parts, self.planned, self.layout, self.network = parts, planned, layout, parts.network
        self.files = {f"{name}.tflite": part.planned.content for name, part in planned.items()}

    def steps(self) -> Iterable[Step]:
        """Yields the `Step`s in their order."""
        for number, (name, part) in enumerate(self.planned.items()):
            content = self.files[f"{name}.tflite"]
            _validate_measured(name, part, content)
            if part.part is None:
                inputs, outputs = ([entry.tensor for entry in entries] for entries in ends(self.parts.carried))
            else:
                inputs, outputs = list(part.part.inputs), list(part.part.outputs)
            kind = Kind.WHOLE if part.part is None else Kind.TILE
            yield Step(
                name=name,
                sha256=hashlib.sha256(content).hexdigest(),
                arena=Buffer(name, kind, number, number, part.arena, offset=self.layout.addresses[name]),
                tail_bytes=part.tail,
                operators=len(part.planned.graph.operators),
                flash_bytes=len(content),
                macs=part.macs,
                tile=part.tile,
                grid=part.grid,
                inputs=tuple(self._port(part, key, name) for key in inputs),
                outputs=tuple(self._port(part, key, name) for key in outputs),
            )

    def carried(self) -> list[Buffer]:
        """Returns the buffers of carried maps, by the steps that make and read them, and their offsets."""
        found = [
            Buffer(
                owner=self.network.map_name(entry.tensor),
                kind=Kind.WHOLE,
                first=entry.first,
                last=entry.last,
                bytes=self.parts.compiler.bytes(entry.tensor),
                carried=True,
                offset=self.layout.addresses[entry],
                shape=self.network.shape(entry.tensor, self.parts.compiler.size),
                moved=entry in self.layout.moved,
            )
            for entry in self.parts.carried
        ]
        return sorted(found, key=lambda buffer: (buffer.first, buffer.last, buffer.offset))

    def _port(self, part: PlannedPart, key: Key, name: str) -> Port:
        """An input or output of a part: which map, and which places of it, from the tile's corner."""
        found = None if part.part is None else part.part.inputs.get(key, part.part.outputs.get(key))
        if isinstance(key, Mask):
            return Port(INSIDE, MapFormat("int8", 1, 1.0, 0, float(key.scale)), found)
        tensor = key.tensor if isinstance(key, Masked) else key
        names = {self.network.image: IMAGE, **({self.network.output: OUTPUT} if name == "tail" else {})}
        return Port(names.get(tensor, self.network.map_name(tensor)), map_format(self.network, tensor), found)


def _validate_measured(name: str, part: PlannedPart, content: bytes) -> None:
    """Raises a `RunError` unless TFLM, where it is there, takes what was predicted: here with the scratch of its kernels."""
    if part.measured is None:
        return
    predicted = part.arena
    if library_of(part.planned.kernels).scratch_of != REFERENCE.scratch_of:
        predicted = as_it_is(content, "reference").greedy_head
    if part.measured.head != predicted:
        raise RunError(f"TFLM takes {part.measured.head:,} bytes for the {name}, and {predicted:,} were predicted.")
