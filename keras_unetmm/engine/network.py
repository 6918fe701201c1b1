# SPDX-License-Identifier: Apache-2.0
"""A file as the engine sees it: maps of pixels, and operators that walk over them."""

from dataclasses import dataclass, field

from keras_unetmm.engine.kernels.kernel import All, Kernel, Same, raster

COMPUTES, READS, WRITES = 0, 1, 2


@dataclass
class Map:
    """A map of pixels in raster order, or a view of some channels of another one.

    Attributes:
        name: str, of the file's tensor.
        shape: tuple of int, the tensor's.
        type: str, of its elements.
        rows, width, image_rows: int; rows are counted over all images of a batch.
        bytes: int, of one pixel.
        root: int, the map that holds its bytes: its own number, or the map that it is a view of.
        offset: int, bytes of its first channel in a pixel of the root.
        flat: bool, whether it has the root's bytes under another shape, so that the root must be whole.
        down, across: int, rows and columns of it that one pixel of the root holds, as after a depth-to-space.
        step: int, bytes from one pixel to the next within a pixel of the root, or, if `down` and `across` are 1, a row.
        pitch: int, bytes from one stored pixel to the next of a flat map: of the shape that it is a view of.
    """

    name: str
    shape: tuple
    type: str
    rows: int
    width: int
    image_rows: int
    bytes: int
    root: int
    offset: int = 0
    flat: bool = False
    down: int = 1
    across: int = 1
    step: int = 0
    pitch: int = 0

    @property
    def shuffled(self):
        """Whether one pixel of the root holds several of its pixels."""
        return self.down * self.across > 1

    @property
    def pixels(self):
        """Pixels of the whole map."""
        return self.rows * self.width


@dataclass
class Operator:
    """What runs: a kernel over maps, or the reading of an input, or the writing of an output.

    Attributes:
        name: str, the file's operators that it stands for.
        kind: `COMPUTES`, `READS` or `WRITES`.
        inputs: tuple of `(map, access)`, access as in `keras_unetmm.engine.kernels.kernel`.
        output: int, map; None for what writes.
        rows, width, image_rows: int, of its walk.
        kernel: `Kernel`, or None.
        port: int, number of the network's input or output.
    """

    name: str
    kind: int
    inputs: tuple
    output: int | None
    rows: int
    width: int
    image_rows: int
    kernel: Kernel | None = None
    port: int = 0

    @property
    def pixels(self):
        """Pixels of the whole walk."""
        return self.rows * self.width

    @property
    def accumulates(self):
        """Whether its output is complete only when its walk has ended."""
        return self.kernel is not None and self.kernel.accumulates

    @property
    def macs(self):
        """Multiply-accumulates of the whole walk."""
        return 0 if self.kernel is None else self.kernel.macs * self.pixels


@dataclass
class EngineNetwork:
    """Maps and operators, the latter in an order in which they can run.

    Attributes:
        maps: list of `Map`.
        operators: list of `Operator`.
        inputs, outputs: lists of maps, in the file's order.
    """

    maps: list = field(default_factory=list)
    operators: list = field(default_factory=list)
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)

    def add_map(self, name, shape, kind, element_bytes):
        """Adds a map with bytes of its own and returns its number."""
        rows, width, image_rows, channels = raster(shape)
        self.maps.append(
            Map(
                name,
                tuple(shape),
                kind,
                rows,
                width,
                image_rows,
                channels * element_bytes,
                len(self.maps),
                step=channels * element_bytes,
            )
        )
        return len(self.maps) - 1

    def makers(self):
        """Returns a dict from a map that has bytes of its own to the operator that makes it."""
        return {op.output: i for i, op in enumerate(self.operators) if op.output is not None}

    def root(self, number):
        """Returns the map that holds a map's bytes."""
        return self.maps[number].root

    def whole_roots(self):
        """Returns the roots that must be complete before they are read: those read as a whole, or under another shape."""
        return {
            self.root(m) for op in self.operators for m, access in op.inputs if isinstance(access, All) or self.maps[m].flat
        }


def reader(network, number, port):
    """Returns the operator that reads an input of the network into a map."""
    m = network.maps[number]
    return Operator("read", READS, (), number, m.rows, m.width, m.image_rows, None, port)


def writer(network, number, port):
    """Returns the operator that writes a map out."""
    m = network.maps[number]
    return Operator("write", WRITES, ((number, Same()),), None, m.rows, m.width, m.image_rows, None, port)
