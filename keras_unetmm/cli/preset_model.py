# SPDX-License-Identifier: Apache-2.0
"""The name of a preset in the place of MODEL.keras, for `unetmm convert`."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from keras_unetmm.cli.backend import quiet_backend
from keras_unetmm.cli.files import write
from keras_unetmm.types import Normalization

if TYPE_CHECKING:
    import keras

_USUAL = {"io": "int8", "output_kind": "auto", "outliers": "cut"}


def is_preset(path: Path) -> bool:
    """Whether a path is no file but the name of a preset."""
    if path.exists() or path.suffix:
        return False
    from keras_unetmm.presets.store import names

    return str(path) in names()


def write_retargeted(name: str, target: str, output: Path, asked: dict[str, object]) -> None:
    """Writes a preset's own file for a target: no calibration, the same bytes.

    Args:
        name: of the preset.
        target: as of `unetmm convert`.
        output: the file to write.
        asked: the other options of `unetmm convert` by name; none may be set.

    Raises:
        ValueError: for an option that the file as it is does not follow, and as `retargeted`.
    """
    others = [key for key, value in asked.items() if value != _USUAL.get(key)]
    if others:
        raise ValueError(
            f"--calibration must be given with --{others[0].replace('_', '-')}, for without it the preset's own file is "
            "taken as it is. Received: none."
        )
    from keras_unetmm.presets.retarget import retargeted
    from keras_unetmm.targets.verdict_table import as_table

    with Console(stderr=True).status("converting"):
        content, verdict, shuffles = retargeted(name, target)
    write(output, content)
    Console().print(as_table(f"{output} on {target}", verdict))
    Console().print(verdict.note, highlight=False)
    made = f", with convolutions in place of {shuffles} pixel shuffles" if shuffles else ""
    Console().print(
        f"{output}: {len(content):,} bytes, made of the preset's own file{made}: the same bytes come out.",
        highlight=False,
        soft_wrap=True,
    )


def float_preset(name: str) -> "tuple[keras.Model, tuple[int, ...], Normalization | None]":
    """Returns a preset's network in floats, the size of its file, and the `(mean, std)` that it takes, or None."""
    with quiet_backend():
        from keras_unetmm.presets.load import from_preset
        from keras_unetmm.presets.table import PRESETS

        return from_preset(name), PRESETS[name].size, PRESETS[name].normal
