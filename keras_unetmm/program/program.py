# SPDX-License-Identifier: Apache-2.0
"""The program that the tiler writes and the runtime runs: its steps, its buffers, and its files."""

from dataclasses import dataclass
from functools import cached_property

from keras_unetmm.program.buffer import Buffer
from keras_unetmm.program.description import FORMAT, digest, of_carried, of_format, of_step
from keras_unetmm.program.step import MapFormat, Step
from keras_unetmm.types import JsonObject


@dataclass(frozen=True)
class Program:
    """A network that runs step by step in one arena. `unetmm tile` writes one.

    Attributes:
        files: dict from file names to bytes, one a step.
        steps: tuple of `Step`, in the order in which they run.
        carried: tuple of `Buffer`, the maps that are kept from one step to another.
        input, output: `MapFormat`, of the image and of the result.
        size: `(height, width)` of the image in pixels.
        padded_size: the next multiples of what the levels divide.
        ram_bytes: int, of the arena; `ram_bound`: the least that any placement of these buffers takes.
        levels: int, the finest levels, which run tile by tile.
        bottleneck: `"whole"` or `"tiled"`.
        skips: `"keep"`, `"recompute"` or `"mixed"`, what was asked for.
        recomputed: tuple of str, the skips that the tail recomputes.
        border: `"once"` or `"same"`.
        halo: int, pixels that a tile needs around it, at most.
        kernels: str, the library of kernels that the plans are safe for.
        untiled_macs: int, multiply-accumulates of the network run whole.
        network: dict or None, what the network's file says of itself.
        version: str, of the package that made it.
    """

    files: dict[str, bytes]
    steps: tuple[Step, ...]
    carried: tuple[Buffer, ...]
    input: MapFormat
    output: MapFormat
    size: tuple[int, int]
    padded_size: tuple[int, int]
    ram_bytes: int
    ram_bound: int
    levels: int
    bottleneck: str
    skips: str
    recomputed: tuple[str, ...]
    border: str
    halo: int
    kernels: str
    untiled_macs: int
    network: JsonObject | None
    version: str

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """All that lies in the arena: each step's own, and what is carried."""
        return (*(step.arena for step in self.steps), *self.carried)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an image, halos and tiles beyond the border included."""
        return sum(step.macs * step.runs for step in self.steps)

    @property
    def macs_ratio(self) -> float:
        """Those for one of the network run whole."""
        return round(self.macs / max(self.untiled_macs, 1), 4)

    @property
    def flash_bytes(self) -> int:
        """Of all files."""
        return sum(step.flash_bytes for step in self.steps)

    @property
    def ram_bytes_with_tails(self) -> int:
        """Bytes of the arena, and of what each step's interpreter takes beside it."""
        return self.ram_bytes + sum(step.tail_bytes for step in self.steps)

    @cached_property
    def description(self) -> JsonObject:
        """The content of `program.json`."""
        names = [step.name for step in self.steps]
        said = {
            "format": FORMAT,
            "version": self.version,
            "size": list(self.size),
            "padded_size": list(self.padded_size),
            "levels": self.levels,
            "bottleneck": self.bottleneck,
            "tile": list(self.steps[-1].tile),
            "skips": self.skips,
            "halo": self.halo,
            "kernels": self.kernels,
            "border": self.border,
            "ram_bytes": self.ram_bytes,
            "ram_bound": self.ram_bound,
            "ram_bytes_with_tails": self.ram_bytes_with_tails,
            "flash_bytes": self.flash_bytes,
            "macs": self.macs,
            "untiled_macs": self.untiled_macs,
            "macs_ratio": self.macs_ratio,
            "order": [f"{step.name} on {'the whole map' if step.whole else 'all tiles'}" for step in self.steps],
            "input": of_format(self.input),
            "output": of_format(self.output),
            "network": self.network,
            "parts": {step.name: of_step(step) for step in self.steps},
            "carried": [of_carried(buffer, names) for buffer in self.carried],
            "recomputed": list(self.recomputed),
        }
        return {**said, "sha256": digest(said)}

    def reads(self, step: int, name: str) -> Buffer:
        """Returns the buffer from which a step reads a carried map: the copy that goes to it, if there are two.

        Args:
            step: int, its place in `steps`.
            name: str, of the map.
        """
        return min((b for b in self.carried if b.owner == name and b.last >= step), key=lambda buffer: buffer.last)

    def writes(self, step: int, name: str) -> list[Buffer]:
        """Returns the buffers into which a step writes a carried map."""
        return [buffer for buffer in self.carried if buffer.owner == name and buffer.first == step]
