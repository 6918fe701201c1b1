"""A network that runs tile by tile: its parts' files, the arena they share, and what a device must do to run them."""

import hashlib

from keras_unetmm import __version__
from keras_unetmm.interpreters.runtime import RunError, measure
from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.kernels.tflm_reference import REFERENCE
from keras_unetmm.planner.planner import as_it_is
from keras_unetmm.program.program import FORMAT, Program, digest
from keras_unetmm.tiling.layout import lay_out
from keras_unetmm.tiling.part import Mask, sizes, whole_tile
from keras_unetmm.tiling.part_compiler import halo
from keras_unetmm.tiling.partition import ends


def arena(parts, choice):
    """Returns the `Layout` of a choice's arena; its pieces are the parts, by name, and `CarriedMap`s."""
    sizes = {name: part.arena for name, part in parts.planned(choice).items() if part.part is not None}
    return arena_of(parts, choice.levels, choice.recomputed, choice.body_tiles is not None, sizes)


def arena_of(parts, levels, recomputed, bottleneck_tiled, sizes):
    """Returns the `Layout` for arenas of tiled parts of so many bytes.

    Args:
        parts: `PartCompiler`.
        levels: int.
        recomputed: set of the skips that do not stay.
        bottleneck_tiled: bool, whether the bottleneck is tiled.
        sizes: dict from the tiled parts' names to bytes; those that it lacks take none.
    """
    passes = parts.partition(levels).passes(bottleneck_tiled)
    whole = next((part.name for part in passes if part.whole), None)
    carried = parts.carried(levels, recomputed, bottleneck_tiled)
    arenas, offsets = {part.name: sizes.get(part.name, 0) for part in passes}, {}
    if whole is not None:
        planned = parts.whole(levels, bottleneck_tiled)
        arenas[whole] = planned.arena
        for entries, placed in zip(ends(carried), planned.places, strict=True):
            offsets |= dict(zip(entries, placed, strict=True))
    bytes_of = {entry: parts.network.bytes(entry.tensor, parts.size) for entry in carried}
    return lay_out(arenas, whole, bytes_of, offsets, _in_place(parts, levels, carried) if bottleneck_tiled else {})


def _in_place(parts, levels, carried):
    """What may be written over what it is made of, place by place: a dict from the one `CarriedMap` to the other."""
    found = {}
    for number, part in enumerate(parts.partition(levels).passes(True)[1:-1], 1):
        if part.whole:
            continue
        unit = (parts.unit(levels, [part.name]),) * 2
        regions = parts.inner(levels, part.name, unit).part.inputs
        old = [e for e in carried if e.kind == "kept" and e.last == number and e not in found.values()]
        for entry in (e for e in carried if e.kind == "kept" and e.first == number):
            for other in old:
                alike = [(parts.network.scales[e.tensor], parts.network.bytes(e.tensor, parts.size)) for e in (entry, other)]
                own = whole_tile(parts.network, other.tensor, unit)
                if alike[0] == alike[1] and regions.get(other.tensor) == own:
                    found[entry] = other
                    old.remove(other)
                    break
    return found


def macs(parts, choice):
    """Returns the multiply-accumulates of a whole run, halos and tiles beyond the border included."""
    return sum(part.macs * part.runs for part in parts.planned(choice).values())


def assembled(parts, choice, size, said, skips):
    """Returns the `Program` of a choice, measured on TFLM.

    Args:
        parts: `PartCompiler`.
        choice: `keras_unetmm.tiling.part_compiler.Choice`.
        size: `(height, width)` of the image itself, of which `parts.size` are the next multiples.
        said: dict or None, what the network's file says of itself, see `keras_unetmm.tflite.metadata`.
        skips: str, what was asked for.
    """
    network, found, planned = parts.network, parts.partition(choice.levels), parts.planned(choice)
    files = {f"{name}.tflite": part.plan.planned.content for name, part in planned.items()}
    measured = {name: measure(files[f"{name}.tflite"]) for name in planned}
    for name, part in planned.items():
        _check_measured(name, part, files[f"{name}.tflite"], measured[name].head)
    place = arena(parts, choice)
    described, carried = {}, parts.carried(choice.levels, choice.recomputed, choice.body_tiles is not None)
    for name, part in planned.items():
        content = files[f"{name}.tflite"]
        if part.part is None:
            inputs, outputs = ([entry.tensor for entry in entries] for entries in ends(carried))
        else:
            inputs, outputs = part.part.inputs, part.part.outputs
        described[name] = {
            "file": f"{name}.tflite",
            "sha256": hashlib.sha256(content).hexdigest(),
            "offset": place.addresses[name],
            "head": part.arena,
            "tail": measured[name].tail,
            "operators": len(part.plan.planned.graph.operators),
            "flash_bytes": len(content),
            "macs": part.macs,
            "runs": part.runs,
            "tile": list(part.tile),
            "grid": list(part.grid),
            "inputs": [_end(network, part, key, name) for key in inputs],
            "outputs": [_end(network, part, key, name) for key in outputs],
        }
    total = macs(parts, choice)
    tails = sum(arena.tail for arena in measured.values())
    halos = [halo(part, network) for part in planned.values() if part.part is not None]
    description = {
        "format": FORMAT,
        "version": __version__,
        "size": list(size),
        "padded_size": list(parts.size),
        "levels": choice.levels,
        "bottleneck": choice.bottleneck,
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
        "order": [f"{name} on {'the whole map' if part.part is None else 'all tiles'}" for name, part in planned.items()],
        "input": _map(network, network.image),
        "output": _map(network, network.output),
        "network": said,
        "parts": described,
        "carried": _carried(parts, choice, place, list(planned)),
        "recomputed": [label(network, i) for i in found.skips if i in choice.recomputed],
    }
    return Program(files, {**description, "sha256": digest(description)})


def _check_measured(name, part, content, head):
    """Raises a `RunError` unless TFLM takes what was predicted: here with the scratch of the reference kernels."""
    own = part.plan.planned.kernels
    predicted = (
        part.arena if library_of(own).scratch_of == REFERENCE.scratch_of else as_it_is(content, "reference").greedy_head
    )
    if head != predicted:
        raise RunError(f"TFLM takes {head:,} bytes for the {name}, and {predicted:,} were predicted.")


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


def _carried(parts, choice, place, names):
    network, found = parts.network, []
    for entry in parts.carried(choice.levels, choice.recomputed, choice.body_tiles is not None):
        shape = network.graph.tensors[entry.tensor].shape
        found.append(
            {
                "name": label(network, entry.tensor),
                "bytes": network.bytes(entry.tensor, parts.size),
                "offset": place.addresses[entry],
                "from": names[entry.first],
                "to": names[entry.last],
                "shape": [*(int(length / network.scales[entry.tensor]) for length in parts.size), *shape[3:]],
                "moved": entry in place.moved,
            }
        )
    return sorted(found, key=lambda entry: (names.index(entry["from"]), names.index(entry["to"]), entry["offset"]))
