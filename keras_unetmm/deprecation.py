# SPDX-License-Identifier: Apache-2.0
"""Old names of arguments and of their values, which keep working with a warning for one version."""

import warnings
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")
ON_ERROR = {"refuse": "raise"}  # values of `on_error` by those of `damaged`, its old name


def _warn(text: str) -> None:
    warnings.warn(text, FutureWarning, stacklevel=4)


def renamed(
    old_name: str,
    old: T | None,
    new_name: str,
    new: T,
    default: T,
    *,
    values: Mapping[T, T] | None = None,
    say: Callable[[str], None] = _warn,
) -> T:
    """The value of an argument that has a new name, whichever name it was given by.

    Args:
        old_name, new_name: str, as the user writes them.
        old: value by the old name, or None if it was not given.
        new: value by the new name.
        default: value of `new` if it was not given.
        values: dict of new values by the old ones, of those that have new names, too.
        say: function that says the warning; a `FutureWarning` by default.

    Raises:
        ValueError: if both are given.
    """
    if old is not None and new != default:
        raise ValueError(f"{new_name} must come without {old_name}, its old name. Received: both. Leave {old_name} out.")
    given = new if old is None else old
    value = values.get(given, given) if values else given
    if old is not None or value != given:
        before, now = (old_name if old is not None else new_name), new_name
        if value != given:
            before, now = f"{before} {given!r}", f"{now} {value!r}"
        say(f"{before} is now called {now}. The old name goes with the next version.")
    return value
