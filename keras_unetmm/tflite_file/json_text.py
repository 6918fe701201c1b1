# SPDX-License-Identifier: Apache-2.0
"""JSON that others wrote: parsed within bounds, and held against a table of what each key must be."""

import json
import math

_MOST_ITEMS = 4096  # of a list


def parsed(content, most=2**20):
    """Returns what JSON of at most so many bytes holds.

    Raises:
        ValueError: if it is longer, no JSON, nested too deeply, or holds a NaN or an infinity.
    """
    if len(content) > most:
        raise ValueError(f"it has {len(content):,} bytes, more than {most:,}")
    try:
        return json.loads(content, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_number(text):
    raise ValueError(f"{text} is no number")


def record(**rules):
    """A rule: a dict with exactly these keys, each of which its own rule takes."""

    def check(value, where):
        if not isinstance(value, dict):
            _refuse(where, "an object", value)
        for key in rules.keys() ^ value.keys():
            raise ValueError(f"{where}{'.' * bool(where)}{key} is {'missing' if key in rules else 'no key that is known'}")
        for key, rule in rules.items():
            rule(value[key], f"{where}{'.' * bool(where)}{key}")

    return check


def partial(**rules):
    """A rule: a dict in which each of these keys that is there is what its own rule takes; others may be there, too."""

    def check(value, where):
        if not isinstance(value, dict):
            _refuse(where, "an object", value)
        for key in rules.keys() & value.keys():
            rules[key](value[key], f"{where}{'.' * bool(where)}{key}")

    return check


def listed(rule, least=0, most=_MOST_ITEMS):
    """A rule: a list of so many values, each of which another rule takes."""

    def check(value, where):
        if not isinstance(value, list) or not least <= len(value) <= most:
            _refuse(where, f"a list of {least} to {most} values", value)
        for i, item in enumerate(value):
            rule(item, f"{where}[{i}]")

    return check


def whole(low, high):
    """A rule: a whole number from `low` to `high`."""

    def check(value, where):
        if type(value) is not int or not low <= value <= high:
            _refuse(where, f"a whole number from {low:,} to {high:,}", value)

    return check


def number(low, high):
    """A rule: a finite number from `low` to `high`."""

    def check(value, where):
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            _refuse(where, f"a number from {low:g} to {high:g}", value)

    return check


def text(most=1000):
    """A rule: a text of at most so many characters."""

    def check(value, where):
        if not isinstance(value, str) or len(value) > most:
            _refuse(where, f"a text of at most {most} characters", value)

    return check


def one_of(*known):
    """A rule: one of these values."""

    def check(value, where):
        if not any(type(value) is type(other) and value == other for other in known):
            _refuse(where, f"one of {', '.join(map(repr, known))}", value)

    return check


def maybe(rule):
    """A rule: null, or what another rule takes."""
    return lambda value, where: None if value is None else rule(value, where)


def _refuse(where, expected, value):
    said = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else f"a {type(value).__name__}"
    raise ValueError(f"{where or 'it'} must be {expected}. Received: {said[:100]}")
