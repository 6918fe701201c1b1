# SPDX-License-Identifier: Apache-2.0
"""Which channels Select-Attend-Transfer gates (arXiv 1804.05181) have switched off."""

import keras
import numpy as np

from keras_unetmm.analysis.stages import values
from keras_unetmm.graph.nodes import parts as parts_of
from keras_unetmm.layers import Select, SelectAttendTransfer
from keras_unetmm.types import Tensor


def switched_off(model: keras.Model) -> dict[str, float]:
    """Returns the share of channels that a Select multiplies by 0, `{gate: share}`, and of all as `"total"`.

    The paper reports 55 to 67 % for its trained networks. Gates are named by their path, `skip0_keep`.

    Args:
        model: a `keras.Model` with `skips="sat"` or `"st"`, or Tiramisu with such `dense_skips`; inside other layers, too.

    Raises:
        ValueError: for a model without Select.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> sorted(analysis.switched_off(model))
        ['skip0_keep', 'total']
    """
    gates = {name: select.scales() <= 0 for name, select in selects(model)}
    if not gates:
        raise ValueError(
            "model must have gates that select channels. "
            f"Received: {getattr(model, 'name', model)!r}, which has none. Build it with skips='sat' or 'st'."
        )
    shares = {name: float(off.mean()) for name, off in gates.items()}
    return shares | {"total": float(np.concatenate(list(gates.values())).mean())}


def selected_channels(
    model: keras.Model, images: Tensor, gate: str = "skip0_keep"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a gate's maps before and after it selects channels, and its weights: figure 5 of the paper.

    Args:
        model: a functional `keras.Model` with `skips="sat"` or `"st"`.
        images: array `(N, *spatial, C)`, as the model takes them.
        gate: str, its name as in `switched_off`.

    Returns:
        `(before, after, scales)`, arrays `(N, *spatial, C)` twice and `(C,)`.

    Raises:
        ValueError: for a model without such a gate, or images that do not fit.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> before, after, scales = analysis.selected_channels(model, np.ones((1, 32, 32, 3)))
        >>> before.shape, scales.shape
        ((1, 32, 32, 4), (4,))
    """
    gates = dict(selects(model))
    layer = model.get_layer(gate) if gate in gates and gate in [layer.name for layer in model.layers] else None
    if layer is None:
        raise ValueError(f"gate must be one of {', '.join(gates) or 'none'}, a layer of the model. Received: {gate!r}.")
    (before,), scales = values(model, [layer.input], images), gates[gate].scales()
    return before, before * scales, scales


def selects(model):
    """Yields the gates that select channels: their names, `skip0_keep`, and their `keras_unetmm.layers.Select`."""
    yield from _selects(model, ())


def _selects(layer, path):
    for part in parts_of(layer, recursive=False):
        if isinstance(part, Select):
            names = path if isinstance(layer, SelectAttendTransfer) else (*path, part.name)
            yield "_".join(names), part
        else:
            yield from _selects(part, (*path, part.name))
