"""A network that runs tile by tile: its parts' files, the arena they share, and what a device must do to run them."""

import hashlib
import json
from dataclasses import dataclass

from keras_unetmm import __version__
from keras_unetmm.tflite.runtime import RunError, measure
from keras_unetmm.tflite.tiling.layout import PHASES, lay_out
from keras_unetmm.tflite.tiling.part import Mask, sizes
from keras_unetmm.tflite.tiling.parts import halo

FORMAT = 1


@dataclass(frozen=True)
class Program:
    """What `unetmm tile` writes.

    Attributes:
        files: dict from file names to bytes: `head.tflite`, `body.tflite`, `tail.tflite`.
        description: dict, the content of `program.json`.
    """

    files: dict
    description: dict


def arena(parts, choice):
    """Returns the `Layout` of a choice's arena; its pieces are `head`, `body`, `tail`, and `(kind, tensor)` for maps."""
    found = parts.cut(choice.levels)
    kept = {index: parts.network.bytes(index, parts.size) for index in found.skips if index not in choice.anew}
    head = parts.head(choice.levels, choice.anew, choice.head_tile)
    tail = parts.tail(choice.levels, choice.anew, choice.tail_tile)
    return arena_of(parts, choice.levels, kept, head.arena, tail.arena)


def arena_of(parts, levels, kept, head_bytes, tail_bytes):
    """Returns the `Layout` for arenas of head and tail of so many bytes.

    Args:
        parts: `Parts`.
        levels: int.
        kept: dict from the skips that stay to their bytes.
        head_bytes, tail_bytes: int.
    """
    found, body = parts.cut(levels), parts.body(levels)
    entering, leaving = (
        {(kind, i): (offset, parts.network.bytes(i, parts.size)) for i, offset in zip(indices, offsets, strict=True)}
        for kind, indices, offsets in zip(("entering", "leaving"), (found.entering, found.leaving), body.places, strict=True)
    )
    skips = {("skip", index): size for index, size in kept.items()}
    return lay_out(head_bytes, tail_bytes, body.arena, entering, leaving, skips)


def macs(parts, choice):
    """Returns the multiply-accumulates of a whole run, halos and tiles beyond the border included."""
    tiled = (
        parts.head(choice.levels, choice.anew, choice.head_tile),
        parts.tail(choice.levels, choice.anew, choice.tail_tile),
    )
    return sum(part.macs * part.runs for part in tiled) + parts.body(choice.levels).macs


def assembled(parts, choice, size, said, skips):
    """Returns the `Program` of a choice, measured on TFLM.

    Args:
        parts: `Parts`.
        choice: `keras_unetmm.tflite.tiling.parts.Choice`.
        size: `(height, width)` of the image itself, of which `parts.size` are the next multiples.
        said: dict or None, what the network's file says of itself, see `keras_unetmm.tflite.metadata`.
        skips: str, what was asked for.
    """
    network, found = parts.network, parts.cut(choice.levels)
    planned = {
        "head": parts.head(choice.levels, choice.anew, choice.head_tile),
        "body": parts.body(choice.levels),
        "tail": parts.tail(choice.levels, choice.anew, choice.tail_tile),
    }
    files = {f"{name}.tflite": part.plan.planned.content for name, part in planned.items()}
    measured = {name: measure(files[f"{name}.tflite"]) for name in planned}
    for name, part in planned.items():
        if measured[name].head != part.arena:
            raise RunError(f"TFLM takes {measured[name].head:,} bytes for the {name}, and {part.arena:,} were foretold.")
    place = arena(parts, choice)
    ends = {
        "head": (list(planned["head"].part.inputs), list(planned["head"].part.outputs)),
        "body": (found.entering, found.leaving),
        "tail": (list(planned["tail"].part.inputs), list(planned["tail"].part.outputs)),
    }
    described = {}
    for name, part in planned.items():
        content = files[f"{name}.tflite"]
        described[name] = {
            "file": f"{name}.tflite",
            "sha256": hashlib.sha256(content).hexdigest(),
            "offset": place.addresses[name],
            "head": measured[name].head,
            "tail": measured[name].tail,
            "operators": len(part.plan.planned.graph.operators),
            "flash_bytes": len(content),
            "macs": part.macs,
            "runs": part.runs,
            "tile": list(part.tile),
            "grid": list(part.grid),
            "inputs": [_end(network, part, key, name) for key in ends[name][0]],
            "outputs": [_end(network, part, key, name) for key in ends[name][1]],
        }
    total = macs(parts, choice)
    tails = sum(arena.tail for arena in measured.values())
    halos = [halo(planned[name], network) for name in ("head", "tail")]
    description = {
        "format": FORMAT,
        "version": __version__,
        "size": list(size),
        "padded_size": list(parts.size),
        "levels": choice.levels,
        "tile": list(choice.tail_tile),
        "skips": skips,
        "halo": max(halos),
        "kernels": parts.kernels,
        "border": parts.border,
        "ram_bytes": place.bytes,
        "ram_bound": place.bound,
        "ram_bytes_with_tails": place.bytes + tails,
        "flash_bytes": sum(map(len, files.values())),
        "macs": total,
        "untiled_macs": parts.macs,
        "macs_ratio": round(total / parts.macs, 4),
        "order": [f"{part} on {'all tiles' if part != 'body' else 'the whole map'}" for part in PHASES],
        "input": _map(network, network.image),
        "output": _map(network, network.output),
        "network": said,
        "parts": described,
        "carried": _carried(parts, choice, place),
        "recomputed": [label(network, i) for i in found.skips if i in choice.anew],
    }
    return Program(files, {**description, "sha256": digest(description)})


def digest(description):
    """Returns the SHA-256 of a description, itself apart."""
    said = {key: value for key, value in description.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def label(network, tensor):
    """Returns the name of a map that a person can read."""
    return "image" if tensor == network.image else network.names[tensor]


def _map(network, tensor):
    found = network.graph.tensors[tensor]
    return {
        "type": found.type.lower(),
        "channels": found.shape[3] if len(found.shape) == 4 else None,
        "scale": found.scales[0] if found.scales else None,
        "zero_point": found.zero_points[0] if found.zero_points else 0,
        "pixels": float(network.scales[tensor]),
    }


def _end(network, part, key, name):
    """An input or output of a part: which map, and which places of it, from the tile's corner."""
    if isinstance(key, Mask):
        values = {"map": "inside", "type": "int8", "channels": 1, "scale": 1.0, "zero_point": 0, "pixels": float(key.scale)}
    else:
        values = {"map": _key(network, key, name), **_map(network, key)}
    if part.part is None:
        return values
    region = part.part.inputs.get(key, part.part.outputs.get(key))
    return {**values, "region": [list(axis) for axis in region], "shape": list(sizes(region))}


def _key(network, key, name):
    """The name under which a map is found: `image`, `output`, or that of a carried map."""
    return "output" if key == network.output and name == "tail" else label(network, key)


def _carried(parts, choice, place):
    network, found = parts.network, []
    ends = zip(("entering", "leaving"), (parts.cut(choice.levels).entering, parts.cut(choice.levels).leaving), strict=True)
    offsets = parts.body(choice.levels).places
    at = {
        (kind, i): place.addresses["body"] + offset
        for (kind, indices), placed in zip(ends, offsets, strict=True)
        for i, offset in zip(indices, placed, strict=True)
    }
    ways = {"skip": ("head", "tail"), "entering": ("head", "body"), "leaving": ("body", "tail")}
    for key, address in place.addresses.items():
        if not isinstance(key, tuple):
            continue
        kind, tensor = key
        shape = network.graph.tensors[tensor].shape
        places = [int(length / network.scales[tensor]) for length in parts.size]
        begin, end = ways[kind]
        found.append(
            {
                "name": label(network, tensor),
                "bytes": parts.network.bytes(tensor, parts.size),
                "offset": address,
                "from": begin,
                "to": end,
                "shape": [*places, *shape[3:]],
                "moved": address != at.get(key, address),
            }
        )
    return sorted(found, key=lambda entry: (PHASES.index(entry["from"]), PHASES.index(entry["to"]), entry["offset"]))
