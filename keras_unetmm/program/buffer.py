# SPDX-License-Identifier: Apache-2.0
"""Bytes of a memory that hold something for a while: what planner, tiler and engine place."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How much of a map a buffer holds: all of it, one tile, or some rows that move on."""

    WHOLE = "whole"
    TILE = "tile"
    ROWS = "rows"


@dataclass(frozen=True)
class Buffer:
    """Some bytes that are needed from one step to another.

    Attributes:
        owner: what they belong to, such as the name of a map or of a step.
        kind: `Kind`; None for what holds no map, such as scratch.
        first, last: int, the steps in which they are needed, both included.
        bytes: int.
        carried: bool, whether they hold what a later step reads.
        offset: int, bytes from the start of the memory, or of the block that they are placed with.
        shape: tuple of int, of a map that is whole.
        moved: bool, whether the map is copied once, from or to the place where a step has it.
    """

    owner: Hashable
    kind: Kind | None
    first: int
    last: int
    bytes: int
    carried: bool = False
    offset: int = 0
    shape: tuple[int, ...] = ()
    moved: bool = False

    @property
    def steps(self) -> frozenset[int]:
        """The steps in which it is needed."""
        return frozenset(range(self.first, self.last + 1))

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.offset + self.bytes

    def lives_with(self, other: "Buffer") -> bool:
        """Whether both are needed in some step."""
        return self.first <= other.last and other.first <= self.last
