# SPDX-License-Identifier: Apache-2.0
"""Which integer form stands for a layer on each target: what the target says, or what the user has chosen instead."""

from dataclasses import replace

from keras_unetmm.targets.options import CHOICES
from keras_unetmm.targets.targets import target_of


def options_of(target, choices):
    """Returns the `keras_unetmm.targets.options.LoweringOptions` of a target, with other choices where they are given.

    Raises:
        ValueError: for an unknown target, layer or form.
    """
    options = target_of(target).options
    for name, form in choices.items():
        if name not in CHOICES:
            raise ValueError(
                f"An argument must be one of the function's, or a form: {', '.join(CHOICES)}. Received: {name}={form!r}. "
                "What the output is, is output_kind."
            )
        if form not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, CHOICES[name]))}. Received: {form!r}.")
    return replace(options, **choices)
