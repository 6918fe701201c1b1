# SPDX-License-Identifier: Apache-2.0
"""A rectangle of places of a map."""

import math
from typing import NamedTuple

Span = tuple[int, int]


class Region(NamedTuple):
    """Places of a map, counted from a corner: what lies above or left of it is negative.

    Attributes:
        rows, columns: `(low, high)`, in places of the map, `high` not included.
    """

    rows: Span
    columns: Span

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns it has."""
        return (self.rows[1] - self.rows[0], self.columns[1] - self.columns[0])

    @property
    def area(self) -> int:
        """How many places it has."""
        return math.prod(self.shape)

    def hull(self, other: "Region") -> "Region":
        """Returns the smallest region that holds both.

        >>> Region((0, 4), (0, 4)).hull(Region((-1, 2), (3, 6)))
        Region(rows=(-1, 4), columns=(0, 6))
        """
        return Region(*((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(self, other, strict=True)))

    def at(self, row: int, column: int) -> "Region":
        """Returns it as seen from the map's own corner, if its corner lies at that place of the map."""
        return Region(*((low + first, high + first) for (low, high), first in zip(self, (row, column), strict=True)))
