# SPDX-License-Identifier: Apache-2.0
"""Checks of what networks are given."""


def is_count(value, least=1):
    """Whether a value is an integer and not below the least."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def checked_image_shape(input_shape):
    """Returns `(height, width, channels)`; height and width may be None.

    Raises:
        ValueError: for anything else.
    """
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if len(shape) != 3 or not is_count(shape[2]) or not all(size is None or is_count(size) for size in shape[:2]):
        raise ValueError(
            "input_shape must be (height, width, channels), where height and width may be None. "
            f"Received: {input_shape}. For colour images of any size pass (None, None, 3)."
        )
    return shape


def check_flags(**flags):
    """Refuses values that are neither True nor False, of which `"no"` would count as True.

    Raises:
        ValueError: with the argument's name.
    """
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False. Received: {value!r}.")
