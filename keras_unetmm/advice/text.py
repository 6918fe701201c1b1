# SPDX-License-Identifier: Apache-2.0
"""Advice as lines for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from keras_unetmm.advice.option import BOUNDED, ESTIMATED, KINDS

_BEFORE = {BOUNDED: "at least ", ESTIMATED: "about "}
_FITS = {True: ", fits", False: ", too much", None: ""}


def as_lines(options: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Returns options, as `Option.as_json` gives them, as lines: two for each, the second its command."""
    for option in options:
        bytes_ = figure(option)
        yield f"{KINDS[option['kind']]}: {bytes_ + '. ' if bytes_ else ''}{option['said']}."
        if option["command"]:
            yield f"    {option['command']}"


def figure(option: dict[str, Any]) -> str:
    """Returns an option's bytes and whether that fits, in a few words; nothing without bytes."""
    if option["bytes"] is None:
        return ""
    return f"{_BEFORE.get(option['how'], '')}{option['bytes']:,} bytes{_FITS[option['fits']]}"
