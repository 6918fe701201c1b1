# SPDX-License-Identifier: Apache-2.0
"""Options of custom operators, which are flexbuffers."""

from flatbuffers import flexbuffers

_MOST = 2**20  # that an option may say


def number(content: bytes, name: str) -> int:
    """Returns one number of a custom operator's options. Nothing else is unpacked: they may contain themselves.

    Raises:
        ValueError: for a number that is negative or too large.
    """
    value = flexbuffers.GetRoot(content).AsMap[name].AsInt
    if not 0 <= value <= _MOST:
        raise ValueError(f"{name} must lie between 0 and {_MOST:,}. Received: {value}")
    return value
