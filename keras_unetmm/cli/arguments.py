# SPDX-License-Identifier: Apache-2.0
"""Arguments that are read from text, and checked."""

from pathlib import Path

from keras_unetmm.cli.errors import warn

RUNTIMES = "tflm (the default), litert-reference (where there is no TFLM) or litert"


def runtime_of(asked: str | None, runs_file: bool = True) -> str:
    """The runtime of `--runtime`; by default TFLM. If that is missing and a file runs, what takes its place is said."""
    from keras_unetmm.interpreters.runtime import TITLES, reference_runtime

    chosen = asked or reference_runtime()
    if asked is None and chosen != "tflm" and runs_file:
        warn(f"TFLM is not installed here: {TITLES[chosen]} take its place.")
    return chosen


def parsed_size(text: str) -> tuple[int, ...]:
    """The sizes of `--size`, two of images or three of volumes."""
    sizes = text.lower().split("x")
    if len(sizes) not in (2, 3) or not all(size.isdigit() and int(size) for size in sizes):
        raise ValueError(
            f"--size must be HEIGHTxWIDTH in pixels, such as 64x64, or DEPTHxHEIGHTxWIDTH of volumes. Received: {text!r}."
        )
    return tuple(map(int, sizes))


def parsed_bytes(name: str, text: str) -> int:
    """The bytes of `--{name}`, such as 256K."""
    from keras_unetmm.planner import fits

    try:
        return fits.parsed_bytes(text)
    except ValueError as error:
        raise ValueError(f"--{name} cannot be read: {error}") from None


def parsed_tile(text: str) -> tuple[int, int]:
    """The height and width of `--tile`, in pixels."""
    sides = text.lower().split("x")
    if len(sides) not in (1, 2) or not all(side.isdigit() and int(side) for side in sides):
        raise ValueError(f"--tile must be a number of pixels, such as 32, or HEIGHTxWIDTH. Received: {text!r}.")
    return (int(sides[0]), int(sides[-1]))


def parsed_numbers(name: str, text: str | None) -> list[float] | None:
    """The numbers of `--{name}`, one or one a channel, with commas between."""
    try:
        return None if text is None else [float(number) for number in text.split(",")]
    except ValueError:
        raise ValueError(f"--{name} must be a number, or one a channel with commas between. Received: {text!r}.") from None


def validate_folder_exists(path: Path) -> None:
    """Raises `ValueError` if the folder of a file to write is not there."""
    if not path.parent.is_dir():
        raise ValueError(f"{path} must lie in a folder that exists. Received: {path.parent}, which does not. Make it first.")
