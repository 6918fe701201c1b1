# SPDX-License-Identifier: Apache-2.0
"""Advice as lines for people."""

from collections.abc import Iterator, Sequence

from keras_unetmm.advice.option import BOUNDED, ESTIMATED, KINDS
from keras_unetmm.types import JsonObject

_BEFORE = {BOUNDED: "at least ", ESTIMATED: "about "}
_FITS = {True: ", fits", False: ", too much", None: ""}


def as_lines(options: Sequence[JsonObject]) -> Iterator[str]:
    """Returns options, as `Option.as_json` gives them, as lines: two for each, the second its command."""
    for option in options:
        bytes_ = figure(option)
        yield f"{KINDS[option['kind']]}: {bytes_ + '. ' if bytes_ else ''}{option['said']}."
        if option["command"]:
            yield f"    {option['command']}"


def figure(option: JsonObject) -> str:
    """Returns an option's bytes and whether that fits, in a few words; nothing without bytes."""
    if option["bytes"] is None:
        return ""
    return f"{_BEFORE.get(option['how'], '')}{option['bytes']:,} bytes{_FITS[option['fits']]}"
