# SPDX-License-Identifier: Apache-2.0
"""Bytes of flash that a network's constants take on a core with 32-bit pointers, counted from their C."""

import re

_POINTER = 4
_SIZES = {
    **{"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int": 4},
    **{"int64_t": 8, "uint64_t": 8},
}
_STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\n\} \1;", re.S)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_FIELD = re.compile(r"(?:const )?(\w+) (.*?)(\w+)(?:\[(\w+)\])?")
_DEFINITION = re.compile(r"^(?:static )?const (\w+) (\*const )?\w+(?:\[(\d+)\])? = ", re.M)


def sizes(headers):
    """Returns a dict from the names of C types to `(bytes, alignment)`.

    Args:
        headers: iterable of texts of C headers, in any order.
    """
    known = {name: (size, size) for name, size in _SIZES.items()}
    texts = [_COMMENT.sub("", text) for text in headers]
    macros = {name: int(value) for text in texts for name, value in re.findall(r"#define (\w+) (\d+)\s", text)}
    waiting = {name: body for text in texts for name, body in _STRUCT.findall(text)}
    while waiting:
        ready = {name: found for name, body in waiting.items() if (found := _struct(body, known, macros)) is not None}
        if not ready:
            break  # what is left is made of types that no constant has
        known |= ready
        waiting = {name: body for name, body in waiting.items() if name not in ready}
    return known


def _struct(body, known, macros):
    end, most = 0, 1
    for line in filter(None, (part.strip() for part in body.split(";"))):
        kind, stars, _, count = _FIELD.fullmatch(line).groups()
        if "*" in stars:
            size, alignment = _POINTER, _POINTER
        elif kind in known:
            size, alignment = known[kind]
        else:
            return None
        end = -(-end // alignment) * alignment + size * (1 if count is None else macros.get(count) or int(count))
        most = max(most, alignment)
    return -(-end // most) * most, most


def constant_bytes(texts, headers):
    """Returns the bytes of all constants that C sources define.

    Args:
        texts: iterable of texts of C sources, each constant's definition beginning a line.
        headers: iterable of texts of the headers that define their types.
    """
    known, total = sizes(headers), 0
    for text in texts:
        for kind, pointer, count in _DEFINITION.findall(text):
            size, alignment = (_POINTER, _POINTER) if pointer else known[kind]
            total = -(-total // alignment) * alignment + size * int(count or 1)
    return total
