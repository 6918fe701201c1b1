# SPDX-License-Identifier: Apache-2.0
"""A network as a program that runs tile by tile, in an arena that holds one tile and what the skips keep."""

import math
import os
from collections.abc import Callable, Iterator, Sequence

from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.planner.planner import plan
from keras_unetmm.program.program import Program
from keras_unetmm.tflite_file.entry_points import validate_one_entry_point
from keras_unetmm.tflite_file.graph import load
from keras_unetmm.tflite_file.metadata import metadata
from keras_unetmm.tiling.analyse import TilingError, TilingNetwork
from keras_unetmm.tiling.emit import emit
from keras_unetmm.tiling.part_compiler import PartCompiler
from keras_unetmm.tiling.search import SKIPS, Row, Search, Untiled, best_of_each_bottleneck
from keras_unetmm.tiling.strategy import Choice, Tile
from keras_unetmm.tiling.write import whole_file

BORDERS = ("once", "same")


def tile(
    file: bytes | str | os.PathLike[str],
    size: Sequence[int],
    *,
    ram: int | None = None,
    levels: int | None = None,
    tile: int | Sequence[int] | None = None,
    skips: str = "keep",
    kernels: str = "any",
    border: str = "once",
    progress: Callable[[], object] | None = None,
) -> Program:
    """Cuts a network's file into parts that run tile by tile, and lays out one arena for all.

    The head makes the skips and the bottleneck's input of each tile of the image; the body computes the bottleneck; the
    tail makes each tile of the output. Where that takes less memory the bottleneck is tiled, too, and only what sees the
    whole map runs whole: a part before it, `body_head`, and one behind it, `body_tail`, do the rest, or if nothing sees the
    whole map, the body runs on tiles. Tiles overlap by halos. The output is the same byte for byte for every tile, and
    however the bottleneck runs.

    Args:
        file: path or bytes of a .tflite file that `keras_unetmm.tflite.convert` made, for whatever size the levels divide;
            its scales are those of every tile.
        size: `(height, width)` of the image.
        ram: int, bytes: the program with the fewest multiply-accumulates whose arena is no larger. None: the smallest.
        levels: int, how many levels run tile by tile; by default the best number, or with a tile all that fit. Where maps
            are padded depends on it, so the output's bytes near the border do too.
        tile: int, or `(height, width)`: the tile in pixels, for head and tail; by default the best, for each.
        skips: `"keep"`, what the encoder leaves for the decoder stays in the arena; `"recompute"`, the tail recomputes it
            from the image, where that can be done; `"mixed"`, whatever is best for each.
        kernels: as for `keras_unetmm.tflite.plan`; the heads in the program are those with these kernels.
        border: `"once"`, nothing is padded inside head and tail: the image is padded once, with the pixels at its border,
            and what the tail reads with zeros. Where nothing of the border is seen, the output is that of the file itself.
            Or `"same"`, every convolution finds zeros outside the image, as in the file: the output is that of the file,
            for one more product, with a mask, before each convolution that pads.
        progress: function without arguments, called once a plan that is tried.

    Returns:
        A `keras_unetmm.program.program.Program`; `keras_unetmm.program.store.save` writes it to a folder.

    Raises:
        TilingError: a `ValueError`, for an operator that sees the whole map in a level that is tiled, a budget below the
            smallest program, or a tile or size that does not fit.
        TFLiteFileError: if the file is damaged.

    Examples:
        >>> program = tflite.tile("model.tflite", (48, 32))
        >>> [step.name for step in program.steps]
        ['head', 'body', 'tail']
    """
    if levels is not None and type(levels) is not int:
        raise ValueError(f"levels must be a number of levels, or None. Received: {levels!r}.")
    compiler = compiler_of(file, size, kernels, border)
    asked = checked_tile(tile)
    search = _search(compiler, skips, progress)
    if ram is not None and (not isinstance(ram, int) or ram < 1):
        raise ValueError(f"ram must be a number of bytes. Received: {ram!r}.")
    if asked is not None and levels is None:  # one number for all tiles, so that they give the same bytes
        levels = search.fitting_levels(None, None)[-1]
    choice = _chosen(search, search.fitting_levels(levels, asked), asked, ram)
    height, width = size
    return emit(compiler, choice, (height, width), metadata(file), skips)


def trade_off(
    file: bytes | str | os.PathLike[str],
    size: Sequence[int],
    levels: int | None = None,
    skips: str = "keep",
    kernels: str = "any",
    border: str = "once",
) -> "tuple[TradeOff, Untiled]":
    """Plans every program with square tiles: memory against multiply-accumulates.

    Args:
        file, size, levels, skips, kernels, border: as for `tile`.

    Returns:
        A sized iterable of lists, one for each tile, made when it is asked for: the best program with the bottleneck whole,
        and the one with it tiled if that takes less memory, dicts of `levels`, `bottleneck`, `tile`, `recomputed`,
        `ram_bytes`, `macs` and `macs_ratio`. And a dict of the network run whole, `as_is` and `planned`, bytes of arena, and
        `macs`.

    Raises:
        As `tile`.
    """
    compiler = compiler_of(file, size, kernels, border)
    search = _search(compiler, skips)
    fitting = search.fitting_levels(levels, None)
    graph = compiler.network.graph
    content = whole_file(compiler.network, range(len(graph.operators)), graph.inputs, graph.outputs, compiler.size)
    whole = plan(content, kernels)
    untiled: Untiled = {
        "as_is": whole.greedy_head,
        "planned": whole.planned.head if whole.planned else None,
        "macs": compiler.macs,
    }
    return TradeOff(search, [(level, square) for level in fitting for square in search.square_tiles(level)]), untiled


class TradeOff:
    """The rows of a table, planned tile by tile.

    Args:
        search: `Search`.
        cases: list of `(levels, tile)`.
    """

    def __init__(self, search: Search, cases: list[tuple[int, Tile]]) -> None:
        self.search, self.cases = search, cases

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[list[Row]]:
        for level, square in self.cases:
            found = self.search.all_at(level, square)
            yield [self.search.row(best) for best in best_of_each_bottleneck(found)]


def compiler_of(
    file: bytes | str | os.PathLike[str], size: Sequence[int], kernels: str = "any", border: str = "once"
) -> PartCompiler:
    """Returns the `keras_unetmm.tiling.part_compiler.PartCompiler` of a file for a size, padded to what the levels divide.

    Raises:
        ValueError: for a size that is none, an unknown library of kernels, or another border.
    """
    sound = isinstance(size, (tuple, list)) and len(size) == 2 and all(isinstance(s, int) and s > 0 for s in size)
    if not sound:
        raise ValueError(f"size must be (height, width) in pixels. Received: {size!r}.")
    library_of(kernels)  # raises for an unknown one
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(map(repr, BORDERS))}. Received: {border!r}.")
    content = load(file)
    validate_one_entry_point(content)
    network = TilingNetwork(content)
    multiple = math.lcm(*(scale.numerator for scale in network.scales if scale is not None))
    height, width = (-(-side // multiple) * multiple for side in size)
    return PartCompiler(network, (height, width), kernels, border)


def checked_tile(tile: int | Sequence[int] | None) -> Tile | None:
    """Returns `(height, width)` of a tile given by one number or two, or None."""
    sides = (tile, tile) if isinstance(tile, int) and not isinstance(tile, bool) else tile
    if sides is None:
        return None
    if not isinstance(sides, (tuple, list)) or len(sides) != 2 or not all(type(s) is int and s > 0 for s in sides):
        raise ValueError(f"tile must be a number of pixels, or (height, width). Received: {tile!r}.")
    return sides[0], sides[1]


def _search(compiler: PartCompiler, skips: str, progress: Callable[[], object] | None = None) -> Search:
    """The search for what is asked for; a `ValueError` for unknown `skips`."""
    if skips not in SKIPS:
        raise ValueError(f"skips must be one of {', '.join(map(repr, SKIPS))}. Received: {skips!r}.")
    return Search(compiler, skips, progress or (lambda: None))


def _chosen(search: Search, levels: list[int], tile: Tile | None, ram: int | None) -> Choice:
    if tile is not None:
        found = search.best_at(levels[0], tile, ram)
    elif ram is None:
        found = search.smallest(levels)
    else:
        found = search.within(levels, ram) or search.smallest(levels)
    if ram is not None and found.ram > ram:
        raise TilingError(
            f"ram={ram:,} is below the smallest program, which takes {found.ram:,} bytes"
            + (f" with tile={tile[0]}x{tile[1]}" if tile else "")
            + ". Give it as much, a smaller image or a narrower network"
            + (", or skips='mixed'." if search.skips == "keep" else ".")
        )
    return found.choice
