# SPDX-License-Identifier: Apache-2.0
"""Where the gates of SAT and AT (arXiv 1804.05181) look: its figures 6 and 7."""

import re
import sys

import keras
import numpy as np

from keras_unetmm.analysis.stages import checked, values
from keras_unetmm.graph.expand import expand
from keras_unetmm.graph.trace import trace
from keras_unetmm.layers import Attend, SelectAttendTransfer
from keras_unetmm.types import Tensor


def attention_maps(model: keras.Model, images: Tensor) -> dict[str, np.ndarray]:
    """Returns the attention map of every gate, `{gate: array (N, *spatial)}` with values from 0 to 1.

    Gates are named by their path: `skip0_keep`, inside a dense block `enc0_block_gate1`.

    Args:
        model: a functional `keras.Model` with `skips="sat"` or `"at"`, or Tiramisu with such `dense_skips`.
        images: array `(N, *spatial, C)`, as the model takes them.

    Raises:
        ValueError: for a model without such gates, or images that do not fit.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> analysis.attention_maps(model, np.zeros((1, 32, 32, 3)))["skip0_keep"].shape
        (1, 32, 32)
    """
    images = checked(model, images)
    gates = {}
    for call in trace(model, images.shape[1:-1]):
        if call.within and isinstance(call.within[-1], Attend) and call.operation.name == "sigmoid":
            inside = len(call.within) > 1 and isinstance(call.within[-2], SelectAttendTransfer)
            gates["_".join(part.name for part in call.within[: -1 if inside else None])] = call.name
    if not gates:
        raise ValueError(
            "model must have gates that attend. "
            f"Received: {model.name!r}, which has none. Build it with skips='sat' or 'at'."
        )
    parts = expand(model, (None, *images.shape[1:]))
    arrays = values(parts, [parts.get_layer(name).output for name in gates.values()], images)
    found = {gate: np.squeeze(array, -1) for gate, array in zip(gates, arrays, strict=True)}
    return dict(sorted(found.items(), key=lambda gate: _level(gate[0])))


def _level(gate):
    """Skips come first, finest first; other gates keep their order."""
    skip = re.search(r"(?:^|_)skip(\d+)_keep$", gate)
    return int(skip[1]) if skip else sys.maxsize
