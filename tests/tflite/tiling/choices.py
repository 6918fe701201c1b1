"""A choice for a program, from tiles in the order of its parts."""

from keras_unetmm.tiling.strategy import Choice, Strategy
from keras_unetmm.tiling.strategy_parts import StrategyParts


def chosen(compiler, levels, head, tail, inner=None, recomputed=frozenset()):
    """Returns the `Choice` of tiles.

    Args:
        compiler: `keras_unetmm.tiling.part_compiler.PartCompiler`.
        levels: int.
        head, tail: tiles.
        inner: tuple of the tiles of a tiled bottleneck's parts, in their order; None for a bottleneck that runs whole.
        recomputed: frozenset of tensors.
    """
    strategy = Strategy(levels, recomputed, inner is not None)
    return Choice(strategy, dict(zip(StrategyParts(compiler, strategy).tiled, (head, *(inner or ()), tail), strict=True)))
