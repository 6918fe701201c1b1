"""Networks of parallel branches, on which an order decides what an arena needs. TFLM joins ten maps at most."""

from functools import partial

import keras
import numpy as np

SIZE = (32, 32)
_conv = partial(keras.layers.Conv2D, padding="same", activation="relu")


def _chain(x, widths, kernel=3):
    for filters in widths:
        x = _conv(filters, kernel)(x)
    return x


def equal():
    """Ten branches of five convolutions, all alike, concatenated."""
    x = keras.Input((*SIZE, 8))
    return keras.Model(x, keras.layers.Concatenate()([_chain(x, [8] * 5) for _ in range(10)]))


def unlike(seed):
    """Ten branches of four convolutions of 1 to 29 channels that end in 1 to 3."""
    rng, x = np.random.default_rng(seed), keras.Input((*SIZE, 8))
    widths = [[int(w) for w in (*rng.integers(1, 30, 3), rng.integers(1, 4))] for _ in range(10)]
    return keras.Model(x, keras.layers.Concatenate()([_chain(x, branch) for branch in widths]))


def inception():
    """Four blocks of 1x1, 3x3, 5x5 and pooled branches (Szegedy et al., 1409.4842, table 1, a quarter of the channels)."""
    rows = [(16, 24, 32, 4, 8, 8), (32, 32, 48, 8, 24, 16), (48, 24, 52, 4, 12, 16), (40, 28, 56, 6, 16, 16)]
    x = image = keras.Input((*SIZE, 48))
    for ones, reduced3, threes, reduced5, fives, pooled in rows:
        pool = keras.layers.MaxPooling2D(3, 1, padding="same")(x)
        branches = [_conv(ones, 1)(x), _conv(threes, 3)(_conv(reduced3, 1)(x)), _conv(fives, 5)(_conv(reduced5, 1)(x))]
        x = keras.layers.Concatenate()([*branches, _conv(pooled, 1)(pool)])
    return keras.Model(image, x)


def residual():
    """Eight branches of two inverted residuals each, of 2 to 9 channels widened six times, concatenated."""
    x, ends = keras.Input((*SIZE, 8)), []
    for channels in range(2, 10):
        y = _conv(channels, 1)(x)
        for _ in range(2):
            z = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(_conv(6 * channels, 1)(y))
            y = keras.layers.Add()([y, keras.layers.Conv2D(channels, 1)(z)])
        ends.append(y)
    return keras.Model(x, keras.layers.Concatenate()(ends))


WIDE = {
    "10 branches alike": equal,
    **{f"10 branches unlike, seed {seed}": partial(unlike, seed) for seed in range(3)},
    "4 inception blocks": inception,
    "8 residual branches": residual,
}
