"""Which channels Select-Attend-Transfer gates (arXiv 1804.05181) have switched off."""

import numpy as np

from keras_unetmm.graph.nodes import parts as parts_of
from keras_unetmm.layers import Select, SelectAttendTransfer


def switched_off(model):
    """Returns the share of channels that a Select multiplies by 0, `{gate: share}`, and of all as `"total"`.

    The paper reports 55 to 67 % for its trained networks. Gates are named by their path, `skip0_keep`.

    Args:
        model: a `keras.Model` with `skips="sat"` or `"st"`, or Tiramisu with such `dense_skips`; inside other layers, too.

    Raises:
        ValueError: for a model without Select.
    """
    gates = {name: select.scales() <= 0 for name, select in selects(model)}
    if not gates:
        raise ValueError(
            "model must have gates that select channels. "
            f"Received: {getattr(model, 'name', model)!r}, which has none. Build it with skips='sat' or 'st'."
        )
    shares = {name: float(off.mean()) for name, off in gates.items()}
    return shares | {"total": float(np.concatenate(list(gates.values())).mean())}


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
