# SPDX-License-Identifier: Apache-2.0
"""Networks that come trained, with cards that say on what, how, and how well."""

from keras_unetmm.presets.store import PresetError, card, names

__all__ = ["PresetError", "card", "from_preset", "names"]


def __getattr__(name):
    """Loads what needs a backend when it is first used: reading cards does not."""
    if name == "from_preset":
        from keras_unetmm.presets.load import from_preset

        return from_preset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
