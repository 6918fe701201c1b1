# SPDX-License-Identifier: Apache-2.0
"""What a user can mend is one message; what goes with the next version is one warning."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import TextIO, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from keras_unetmm import deprecation

T = TypeVar("T")


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Turns what a user can mend into one message and exit status 2."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        said = str(error)
        if isinstance(error, ModuleNotFoundError) and str(error).startswith("No module named"):
            said += ". Run pip install keras-unetmm again, which brings what it depends on."
        Console(stderr=True, soft_wrap=True).print(f"[bold red]Error:[/] {escape(said)}", highlight=False)
        raise typer.Exit(2) from None


def warn(text: object) -> None:
    """Prints a warning, apart from what the command prints."""
    Console(stderr=True, soft_wrap=True).print(f"[bold yellow]Warning:[/] {escape(str(text))}", highlight=False)


@contextlib.contextmanager
def warned_once() -> Iterator[None]:
    """Prints what the library warns a user of, each text once, without the line of code that it comes from."""
    seen: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not issubclass(category, UserWarning):
            others(message, category, filename, lineno, file, line)
        elif str(message) not in seen:
            seen.add(str(message))
            warn(message)

    with warnings.catch_warnings():
        others, warnings.showwarning = warnings.showwarning, show
        warnings.simplefilter("always", UserWarning)
        yield


def renamed(old_name: str, old: T | None, new_name: str, new: T, default: T, values: Mapping[T, T] | None = None) -> T:
    """The value of an option that has a new name; the old one is warned of."""
    return deprecation.renamed(old_name, old, new_name, new, default, values=values, say=warn)
