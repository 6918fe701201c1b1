# SPDX-License-Identifier: Apache-2.0
"""What stands for a label in a user's masks: a gray value, a colour, or a name in a file of annotations."""

import colorsys
import re
from dataclasses import dataclass

import numpy as np
from PIL import ImageOps

from keras_unetmm.data.images import DamagedFileError, opened
from keras_unetmm.data.lossy_masks import nearest
from keras_unetmm.data.masks import SCALED, mask_values, read_mask
from keras_unetmm.data.own_files import few

Value = int | float | str  # what stands for a label in a file: a gray value, or a colour "#rrggbb"
IGNORED = 255  # the label of what counts nowhere
MOST = 64  # labels that are told apart without being named
_SMALL = 64  # gray values below this are labels themselves


@dataclass(frozen=True)
class Labels:
    """The labels of masks, 0 for the background.

    Args:
        names: tuple of str, of the labels 0, 1, ...
        marks: tuple of what stands for each in a file: an int, a colour `(r, g, b)`, or a str in annotations.
        ignore: int or colour of pixels that count nowhere, or None.

    Raises:
        ValueError: if there are fewer than two labels, or names or marks that are not told apart.
    """

    names: tuple
    marks: tuple
    ignore: int | tuple | None = None

    def __post_init__(self):
        every = [*self.marks, *([] if self.ignore is None else [self.ignore])]
        if len(self.names) < 2 or len(set(self.names)) != len(self.names) or len(set(every)) != len(every):
            raise ValueError(
                "classes must be two or more names, the background first, each with a value or colour of its own. Received: "
                f"{dict(zip(self.names, self.marks, strict=True))}, ignore={self.ignore!r}."
            )
        if len(self.names) > IGNORED or (not self.coloured and not all(_is_gray_value(mark) for mark in every)):
            raise ValueError(f"classes must be at most 255 gray values from 0 to 255, or colours. Received: {self.marks}.")

    @property
    def classes(self):
        """Channels of a network's prediction: 1 for two labels."""
        return 1 if len(self.names) == 2 else len(self.names)

    @property
    def ignored(self):
        """The label of pixels that count nowhere, or None."""
        return None if self.ignore is None else IGNORED

    @property
    def coloured(self):
        """Whether colours or names stand for the labels."""
        return not all(isinstance(mark, int) for mark in self.marks)

    def table(self):
        """The dict that makes these labels again: names, and an int, `"#rrggbb"` or a name for each."""
        return {name: _written(mark) for name, mark in zip(self.names, self.marks, strict=True)}


def labels_of(classes, ignore=None):
    """Returns the `Labels` of a dict from names to an int or a colour `"#rrggbb"`, or of a list of names.

    Args:
        classes: dict or sequence; the background first.
        ignore: int or `"#rrggbb"`, or None.

    Raises:
        ValueError: for labels that are not told apart, or a colour that is none.
    """
    if not isinstance(classes, dict):
        classes = {name: i for i, name in enumerate(classes)}
    marks = tuple(map(_mark, classes.values()))
    if any(isinstance(mark, tuple) for mark in marks):
        marks = tuple((mark,) * 3 if isinstance(mark, int) else mark for mark in marks)
    return Labels(tuple(classes), marks, None if ignore is None else _mark(ignore))


def read_labels(path, labels):
    """Reads the mask of an image: uint8 `(H, W)` of labels 0, 1, ... and 255 for what counts nowhere.

    Args:
        path: str or path of an image: labels as gray values, 0 and 255, 1 bit, a palette, or colours.
        labels: `Labels`.

    Raises:
        DamagedFileError: a `ValueError`, if the file cannot be read.
        ValueError: if it holds a value or colour that is no label.
    """
    ends = {mark: label for label, mark in enumerate(labels.marks)}
    if labels.ignore is not None:
        ends[labels.ignore] = IGNORED
    if not labels.coloured:
        return read_mask(path, len(labels.names), labels.ignored, ends, own=True)
    codes = {_code(mark): label for mark, label in ends.items()}
    found, inverse, shape = _colours(path)
    unknown = [code for code in found.tolist() if code not in codes]
    if unknown:
        raise ValueError(
            f"{path} must hold only the colours {few(map(_hex, codes))}. Received: {few(map(_hex, unknown))} as well. "
            "Name those colours in classes, or pass the one to leave out as ignore; JPEG changes colours: save masks as PNG."
        )
    return np.array([codes[code] for code in found.tolist()], "uint8")[inverse].reshape(shape)


def found_labels(paths, on_error="raise"):
    """Finds out what labels masks hold, by looking at some of them.

    Two values are background and foreground; small values are the labels themselves, up to the largest, 255 beside them
    counts nowhere; else each value or colour, in rising order, is a label.

    Args:
        paths: list of paths.
        on_error: `"raise"`, or `"skip"` to pass over damaged files.

    Returns:
        `Labels`.

    Raises:
        ValueError: if all of them hold one value, or too many to be labels.
    """
    values, colours, scaled = set(), set(), False
    for path in paths:
        try:
            form, pixels, gray = _looked_at(path)
        except DamagedFileError:
            if on_error == "raise":
                raise
            continue
        if form == "colours":
            colours |= set(_colours(path)[0].tolist())
            _validate_count(path, colours)
            continue
        if form == "transparent":
            raise ValueError(f"{path} must be opaque. Received: a picture with transparent pixels. Save it without them.")
        white, scaled = {"1": 1, "16": 65535}.get(form, 255), scaled or form in SCALED
        seen = set(np.unique(pixels).tolist())
        if gray is not None and not _small(seen):
            seen = set(np.unique(gray).tolist())
        values |= {255 if value == white and seen <= {0, white} else value for value in seen}
        _validate_count(path, values)
    if not colours and not values:
        raise DamagedFileError(f"masks must hold one that can be read. Received: {few(paths)}. Put the right masks there.")
    if colours:
        marks = sorted(colours | {_code((value,) * 3) for value in values})
        return _named([_rgb(code) for code in marks], paths)
    return _of_values(sorted(values), paths, scaled)


def _looked_at(path):
    """What `mask_values` returns, of a JPEG black and white, of a palette of many colours these."""
    with opened(path, "a mask") as image:
        form, pixels, gray = mask_values(path, image)
    if image.mode == "P" and gray is None and not _small({*np.unique(pixels).tolist()} - {255}):
        form = "colours"
    if image.format in ("JPEG", "MPO") and not form:
        pixels = nearest(path, pixels, (0, 255))
    return form, pixels, gray


def _of_values(values, paths, scaled=False):
    ends = set(values)
    if ends <= {0, 255} or ends <= {0, 1}:
        if len(ends) < 2:
            raise _one_value(paths, f"the value {values[0]}")
        return Labels(("background", "foreground"), (0, 1))
    if not all(_is_gray_value(value) for value in values):
        raise ValueError(
            f"{paths[0].parent} must hold masks with gray values from 0 to 255. Received: {few(values)}. Name each with "
            "classes, or save the labels as bytes."
        )
    if scaled:  # gray of 2 or 4 bits: 255 is one of its shades, and small values are not numbers of labels
        return _named(values, paths)
    ignore = 255 if 255 in ends and _small(ends - {255}) and len(ends) > 2 else None
    small = sorted(ends - {ignore})
    if _small(small):
        marks = range(max(small) + 1)
        return Labels(("background", *(f"class{i}" for i in marks[1:])), tuple(marks), ignore)
    return _named(small, paths)


def _named(marks, paths):
    if len(marks) < 2:
        raise _one_value(paths, f"the mark {_written(marks[0])}")
    names = [f"class{i}" for i in range(1, len(marks))]
    return Labels(("background", *names), tuple(marks))


def _one_value(paths, what):
    return ValueError(
        f"masks must hold two labels or more. Received: {what} in every pixel of the {len(paths)} files looked at, such as "
        f"{paths[0]}. Put the right masks there, or name what they hold (--classes NAME=VALUE,...)."
    )


def _validate_count(path, found):
    if len(found) > MOST:
        raise ValueError(
            f"{path} must be a mask, whose pixels are labels. Received: more than {MOST} values or colours in masks up "
            "to this one. Is it a photograph, or saved as JPEG? Save masks as PNG, or name their "
            "values (--classes NAME=VALUE,...)."
        )


def _colours(path):
    """The colours of an image as sorted numbers, which of them each pixel has, and `(height, width)`."""
    with opened(path, "a mask") as image:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    codes = pixels.astype("uint32") @ np.array([65536, 256, 1], "uint32")
    found, inverse = np.unique(codes, return_inverse=True)
    return found, inverse.reshape(-1), codes.shape


def _small(values):
    return all(0 <= value < _SMALL for value in values)


def _is_gray_value(mark):
    return isinstance(mark, int) and 0 <= mark <= 255


def _mark(value):
    if isinstance(value, str) and value.startswith("#"):
        if not re.fullmatch("#[0-9a-fA-F]{6}", value):
            raise ValueError(f'a colour of classes must be "#rrggbb", such as "#ff8000". Received: {value!r}.')
        return _rgb(int(value[1:], 16))
    if isinstance(value, (tuple, list)):
        return tuple(value)
    return value


def _written(mark):
    return _hex(_code(mark)) if isinstance(mark, tuple) else mark


def _code(mark):
    return mark[0] << 16 | mark[1] << 8 | mark[2]


def _rgb(code):
    return code >> 16, code >> 8 & 255, code & 255


def _hex(code):
    return f"#{code:06x}"


def palette(count):
    """Colours of labels, uint8 `(256, 3)`: black for 0, then well apart; white for a single label, gray for 255."""
    hues = [(label * 0.61803398875) % 1 for label in range(256)]
    table = np.rint([[255 * part for part in colorsys.hsv_to_rgb(hue, 0.8, 1.0)] for hue in hues]).astype("uint8")
    table[0], table[IGNORED] = 0, 128
    return table if count > 2 else np.where(np.arange(256)[:, None] == 1, 255, table).astype("uint8")
