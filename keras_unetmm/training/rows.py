# SPDX-License-Identifier: Apache-2.0
"""The networks that `unetmm train --task` chooses from: rows of the tables for microcontrollers, in several widths."""

from dataclasses import dataclass

RESTORATION = ("denoise", "deblur", "upscale")
TASKS = (*RESTORATION, "segment")
MULTIPLE = 16  # pixels that a size of a `--fit` has to be a multiple of: four levels


@dataclass(frozen=True)
class Row:
    """A network that a recipe can name.

    Args:
        name: str.
        expression: str, the Python of a function that returns it, with places for `channels` and `classes`.
    """

    name: str
    expression: str

    def text(self, channels, classes=1):
        """The Python of a function that returns the network for images of so many channels."""
        return self.expression.format(channels=channels, classes=classes)


def _nafnet(width, skips, name):
    return Row(
        f"nafnet-width{width}-{name}",
        f'partial(models.NAFNet, "mcu_width16_tiled", width={width}, skips={skips}, input_shape=(None, None, {{channels}}))',
    )


def _unet(channels, skips):
    shape = "input_shape=(None, None, {channels})"
    return Row(
        f"unet-width{channels}-{skips}",
        f'partial(models.UNet, "mcu_width8", channels={channels}, skips="{skips}", classes={{classes}}, {shape})',
    )


_SHARED = "skips.UNetMinusMinus((8, 8, 8, 4))"
_NAFNETS = (
    *(_nafnet(width, _SHARED, "unet--") for width in (8, 16, 24, 32)),
    *(_nafnet(width, '"full"', "full") for width in (8, 16, 32)),
)
_UNETS = (*(_unet(width, "sat") for width in (4, 8, 12, 16, 24, 32)), *(_unet(width, "full") for width in (4, 8, 16)))
ROWS = {**dict.fromkeys(RESTORATION, _NAFNETS), "segment": _UNETS}
DEFAULT = {**dict.fromkeys(RESTORATION, "nafnet-width16-unet--"), "segment": "unet-width8-sat"}
"""The row of each task without `--fit`."""


def row_of(task, name):
    """Returns the row of a task by its name.

    Raises:
        ValueError: for a name that is not there, which lists those that are.
    """
    found = {row.name: row for row in ROWS[task]}
    if name not in found:
        raise ValueError(f"network of the task {task} must be one of {', '.join(found)}. Received: {name!r}.")
    return found[name]
