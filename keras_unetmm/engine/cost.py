# SPDX-License-Identifier: Apache-2.0
"""How many instructions one image takes on a core, predicted from a table that was measured once.

The table, `cost.json`, has for every kernel what a block, a value of the output, a multiply-accumulate, and a
multiply-accumulate of pixels that are computed alone take, and what the driver takes for a block.
`benchmarks/engine_cost.py` measures it on emulated cores. Time is an estimate from instructions: no board has been measured.
"""

import json
from functools import cache
from importlib.resources import files

CORES = {  # clock in MHz and instructions per cycle for which milliseconds are estimated
    "cortex-m4": (168, 0.8),
    "cortex-m7": (480, 1.0),
    "cortex-m55": (400, 0.5),
}
DRIVER, OTHER = "driver", "other"  # rows of the table that are no kernel's: of each block, and of kernels that it lacks


@cache
def table():
    """Returns the measured table, a dict from a core to a dict from a kernel's function to its costs."""
    return json.loads((files("keras_unetmm.engine") / "cost.json").read_text())


def amounts(operator):
    """Returns what costs are for: blocks, values, multiply-accumulates, and those of pixels that are computed alone.

    Args:
        operator: dict, an operator of `keras_unetmm.engine.figures.figures`.
    """
    alone = operator["pixels_at_once"] == 1
    return operator["blocks"], operator["values"], 0 if alone else operator["macs"], operator["macs"] if alone else 0


def predicted(operators):
    """Returns what one run takes, as JSON can hold it.

    Args:
        operators: list of dict, as `keras_unetmm.engine.figures.figures` has them.

    Returns:
        dict from a core to a dict of `instructions`; `estimate`, the milliseconds at `clock_mhz` if the core does
        `instructions_per_cycle`; and `unmeasured`, kernels that the table lacks and that count as elementwise ones do.
    """
    found = {}
    for core, (clock, rate) in CORES.items():
        costs = table()[core]
        instructions = round(sum(_cost(costs, operator) for operator in operators))
        kernels = {operator["kernel"] for operator in operators} - {None}
        found[core] = {
            "instructions": instructions,
            "estimate": {
                "milliseconds": round(instructions / (1e3 * clock * rate), 2),
                "clock_mhz": clock,
                "instructions_per_cycle": rate,
            },
            "unmeasured": sorted(kernels - set(costs)),
        }
    return found


def _cost(costs, operator):
    of_kernel = (0, 0, 0, 0) if operator["kernel"] is None else costs.get(operator["kernel"], costs[OTHER])
    return costs[DRIVER] * operator["blocks"] + sum(a * b for a, b in zip(of_kernel, amounts(operator), strict=True))
