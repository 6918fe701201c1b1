"""Old names of arguments, which keep working with a warning for one version."""

import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def _warn(text: str) -> None:
    warnings.warn(text, FutureWarning, stacklevel=4)


def renamed(old_name: str, old: T | None, new_name: str, new: T, default: T, say: Callable[[str], None] = _warn) -> T:
    """The value of an argument that has a new name, whichever name it was given by.

    Args:
        old_name, new_name: str, as the user writes them.
        old: value by the old name, or None if it was not given.
        new: value by the new name.
        default: value of `new` if it was not given.
        say: function that says the warning; a `FutureWarning` by default.

    Raises:
        ValueError: if both are given.
    """
    if old is None:
        return new
    if new != default:
        raise ValueError(f"{new_name} must come without {old_name}, its old name. Received: both. Leave {old_name} out.")
    say(f"{old_name} is now called {new_name}. The old name goes with the next version.")
    return old
