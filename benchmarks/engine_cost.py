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
    """Returns the row of the table of a core.

    Args:
        networks: list of `(operators with their instructions, instructions of a whole run)`.
    """
    measured = [pair for operators, _ in networks for pair in operators if pair[0]["kernel"] is not None]
    table = {}
    for kernel in sorted({operator["kernel"] for operator, _ in measured}):
        here = [(cost.amounts(operator), count) for operator, count in measured if operator["kernel"] == kernel]
        rows = [amounts if len(here) >= FEW else (0, amounts[1], 0, 0) for amounts, _ in here]
        table[kernel] = fitted(rows, [count for _, count in here])
    simple = [(cost.amounts(op), count) for op, count in measured if "conv" not in op["kernel"] and "wise" not in op["kernel"]]
    table[cost.OTHER] = fitted([(blocks, values, 0, 0) for (blocks, values, *_), _ in simple], [count for _, count in simple])
    blocks = sum(operator["blocks"] for operator, _ in measured)
    rest = sum(total for _, total in networks) - sum(count for _, count in measured)
    return table | {cost.DRIVER: round(rest / blocks, 1)}


def measured(folder, core):
    """Returns what `costs_of` takes of one network; operators that only look are left out."""
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
    lines = ",\n".join(
        f' "{core}": {{\n' + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in row.items()) + "\n }" for core, row in table.items()
    )
    arguments.out.write_text(f"{{\n{lines}\n}}\n")
    cost.table.cache_clear()
    for core, networks in found.items():
        for source, (_, total, operators) in zip(arguments.sources, networks, strict=True):
            said = cost.predicted(operators)[core]["instructions"]
            print(f"{source}, {core}: counted {total:,}, foretold {said:,}, {100 * (said / total - 1):+.1f} %")


if __name__ == "__main__":
    main()
