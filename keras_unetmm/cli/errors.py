"""What a user can mend is one message; what goes with the next version is one warning."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

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


def renamed(old_name: str, old: T | None, new_name: str, new: T, default: T, values: Mapping[Any, T] | None = None) -> T:
    """The value of an option that has a new name; the old one is warned of."""
    return deprecation.renamed(old_name, old, new_name, new, default, values=values, say=warn)
