# SPDX-License-Identifier: Apache-2.0
"""What may be chosen: a strategy, tiles for its parts, and what both cost."""

from dataclasses import dataclass

Tile = tuple[int, int]  # (height, width) in pixels of the image


@dataclass(frozen=True)
class Strategy:
    """How a network is tiled, whatever the tiles.

    Attributes:
        levels: int, the finest levels, which run tile by tile.
        recomputed: frozenset of the tensors that the tail recomputes; the other skips are kept.
        bottleneck_tiled: bool, whether the bottleneck runs tile by tile, too, but for what sees the whole map.
    """

    levels: int
    recomputed: frozenset[int] = frozenset()
    bottleneck_tiled: bool = False

    @property
    def bottleneck(self) -> str:
        """`"tiled"` or `"whole"`."""
        return "tiled" if self.bottleneck_tiled else "whole"


@dataclass(frozen=True)
class Choice:
    """What a program is made for.

    Attributes:
        strategy: `Strategy`.
        tiles: dict from the names of the parts that run tile by tile, in their order, to their tiles.
    """

    strategy: Strategy
    tiles: dict[str, Tile]


@dataclass(frozen=True)
class Candidate:
    """A choice and what it costs.

    Attributes:
        choice: `Choice`.
        ram: int, bytes.
        macs: int, multiply-accumulates of an image.
    """

    choice: Choice
    ram: int
    macs: int
