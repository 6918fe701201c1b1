# SPDX-License-Identifier: Apache-2.0
"""What a network takes on the engine, as JSON can hold it."""

from keras_unetmm.engine.cost import predicted
from keras_unetmm.engine.layout import ARENA, CALL
from keras_unetmm.engine.text import escaped


def figures(schedule, ports, macs):
    """Returns a dict of all figures that follow from a schedule.

    Args:
        schedule: `Schedule`.
        ports: tuple of the tuples of `Port` of inputs and outputs.
        macs: int, multiply-accumulates of the file.
    """
    network, layout = schedule.network, schedule.layout
    fast, carried = map(int, layout.bytes)  # plain numbers, for JSON knows no others
    inputs, outputs = ports
    operators = operators_of(schedule)
    return {
        "schedule": schedule.name,
        "ram_bytes": fast + carried,
        "ram_bound": int(sum(layout.bound)),
        "fast_bytes": fast,
        "carried_bytes": carried,
        "call_bytes": CALL,
        "kept_bytes": sum(op.kernel.state for op in network.operators if op.kernel is not None and op.kernel.kept),
        "io_bytes": {"inputs": [port.bytes for port in inputs], "outputs": [port.bytes for port in outputs]},
        "output_over_input": schedule.output_over_input,
        "input_reads": list(map(int, schedule.input_reads)),
        "largest_block": max(
            max(network.operators[i].kernel.macs if network.operators[i].kernel else 0, 1) * walk.block
            for made in schedule.passes
            for i, walk in zip(made.operators, made.walks, strict=True)
        ),
        "macs": round(macs * schedule.macs_ratio),
        "macs_ratio": schedule.macs_ratio,
        "passes": [
            {"operators": len(made.operators), "strips": made.strips, "carried": len(made.carried)}
            for made in schedule.passes
        ],
        "operators": operators,
        "predicted": predicted(operators),
        "buffers": [
            {
                "kind": buffer.use,
                "of": _owner(schedule, buffer),
                "memory": "fast" if buffer.memory == ARENA else "carried",
                "offset": int(buffer.offset),
                "bytes": int(buffer.bytes),
                "first_pass": buffer.first,
                "last_pass": buffer.last,
            }
            for buffer in layout.buffers
        ],
    }


def operators_of(schedule):
    """Returns a list of a dict for each operator of each pass: what it does, and how much of it."""
    network = schedule.network
    return [_operator(network, made, p, n) for p, made in enumerate(schedule.passes) for n in range(len(made.operators))]


def _operator(network, made, p, n):
    op, walk = network.operators[made.operators[n]], made.walks[n]
    made_map = network.maps[op.inputs[0][0] if op.output is None else op.output]
    wide = [width for _, width in walk.columns]
    return {
        "name": op.name,
        "pass": p,
        "kernel": None if op.kernel is None else op.kernel.function,
        "rows": int(op.rows),
        "width": int(op.width),
        "pixels_at_once": int(walk.block),
        "macs": int(op.macs),
        "blocks": int(walk.rows * sum(-(-width // walk.block) for width in wide)),
        "values": int(walk.rows * sum(wide) * made_map.bytes),
    }


def _owner(schedule, buffer):
    """What a buffer of memory belongs to: the name of a map, or of an operator."""
    if buffer.kind is not None:
        number = buffer.owner[1] if isinstance(buffer.owner, tuple) else buffer.owner
        return escaped(schedule.network.maps[number].name)
    if buffer.use == "sums":
        p, n = buffer.owner
        return f"pass {p}, operator {n}"
    return None if buffer.owner is None else f"pass {buffer.owner}"
