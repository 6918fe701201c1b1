"""Measures the table of `keras_unetmm.engine.cost`: what each kernel takes on emulated cores, from some networks.

    python benchmarks/engine_cost.py FILE.tflite ... [--out keras_unetmm/engine/cost.json]

Prints for every network and core how far the table is from the count. Instructions are not cycles.
"""

import argparse
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
from engine_kernels import by_operator

from keras_unetmm.engine import cost
from keras_unetmm.engine.store import load
from keras_unetmm.firmware.boards import qemu
from keras_unetmm.tflite import firmware

OUT = Path(cost.__file__).with_name("cost.json")
FEW = 3  # operators of a kernel below which all of its instructions are taken for one cost a value


def fitted(rows, targets):
    """Returns the costs of which none is below 0 and whose errors have the least sum of squares, as a list."""
    rows, targets = np.asarray(rows, float), np.asarray(targets, float)
    best, costs = float(targets @ targets), [0.0] * rows.shape[1]
    for count in range(1, rows.shape[1] + 1):
        for columns in map(list, itertools.combinations(range(rows.shape[1]), count)):
            found = np.linalg.lstsq(rows[:, columns], targets, rcond=None)[0]
            error = float(np.square(rows[:, columns] @ found - targets).sum())
            if (found >= 0).all() and error < best:
                best, costs = error, [0.0] * rows.shape[1]
                for column, value in zip(columns, found.tolist(), strict=True):
                    costs[column] = round(value, 4)
    return costs


def costs_of(networks):
    """Returns the row of the table of a core; every network counts as much, however large it is.

    Args:
        networks: list of `(operators with their instructions, instructions of a whole run)`.
    """
    measured = [(op, count, total) for operators, total in networks for op, count in operators if op["kernel"] is not None]
    table = {}
    for kernel in sorted({operator["kernel"] for operator, *_ in measured}):
        here = [each for each in measured if each[0]["kernel"] == kernel]
        table[kernel] = _weighted(here, (True, True, True, True) if len(here) >= FEW else (False, True, False, False))
    simple = [each for each in measured if "conv" not in each[0]["kernel"] and "wise" not in each[0]["kernel"]]
    table[cost.OTHER] = _weighted(simple, (True, True, False, False))
    rest = [(total - sum(count for _, count in operators), total) for operators, total in networks]
    blocks = [sum(op["blocks"] for op, _ in operators) for operators, _ in networks]
    rows = [[n / total] for n, (_, total) in zip(blocks, rest, strict=True)]
    driver = fitted(rows, [left / total for left, total in rest])
    return table | {cost.DRIVER: driver[0]}


def _weighted(measured, used):
    """The costs that fit operators, each weighed by its share of its network; only those that are `used`."""
    rows = [[a * on / total for a, on in zip(cost.amounts(op), used, strict=True)] for op, _, total in measured]
    return fitted(rows, [count / total for _, count, total in measured])


def measured(folder, core):
    """Returns what `costs_of` takes of one network."""
    rows = [(operator, count) for operator, count, _ in by_operator(folder, core)]
    return rows, qemu.run(folder, core, runs=1, timeout=3600).instructions


def main():
    """Measures, writes the table and prints how good it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    found = {core: [] for core in cost.CORES}
    with tempfile.TemporaryDirectory() as work:
        for number, source in enumerate(arguments.sources):
            folder = Path(work) / f"net{number}"
            firmware(source, folder, "net")
            for core, networks in found.items():
                networks.append((*measured(folder, core), load(folder).description["figures"]["operators"]))
    table = {core: costs_of([network[:2] for network in networks]) for core, networks in found.items()}
    rows = {core: ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in row.items()) for core, row in table.items()}
    lines = ",\n".join(f' "{core}": {{\n{row}\n }}' for core, row in rows.items())
    arguments.out.write_text(f"{{\n{lines}\n}}\n")
    cost.table.cache_clear()
    for core, networks in found.items():
        for source, (_, total, operators) in zip(arguments.sources, networks, strict=True):
            said = cost.predicted(operators)[core]["instructions"]
            print(f"{source}, {core}: counted {total:,}, predicted {said:,}, {100 * (said / total - 1):+.1f} %")


if __name__ == "__main__":
    main()
