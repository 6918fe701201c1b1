"""Where the instructions of a network go on an emulated core: by kernel and by operator.

The self-test is built with a driver that reads the clock before and after each kernel, which the driver that is written for
users does not do. What the clock itself takes is counted to the driver.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from keras_unetmm.engine.store import load
from keras_unetmm.firmware.boards import qemu

_CALL = "    op->kernel(op->parameters, &block);\n"
_END = "            if (proceed(&s) == 0) {\n"
_DECLARED = """#include <stdio.h>

uint64_t unetmm_clock(void);
static uint64_t clocked_instructions[8192];
static uint32_t clocked_calls[8192];

"""
_CLOCKED = """    uint32_t clocked = index;
    for (uint32_t p = 0; p < s->at->pass; p++) {
        clocked += s->network->passes[p].count;
    }
    const uint64_t begun = unetmm_clock();
    op->kernel(op->parameters, &block);
    clocked_instructions[clocked] += unetmm_clock() - begun;
    clocked_calls[clocked]++;
"""
_PRINTED = """                for (uint32_t i = 0; i < 8192u; i++) {
                    if (clocked_calls[i] > 0) {
                        printf("clocked %lu %lu %lu\\n", (unsigned long)i, (unsigned long)clocked_instructions[i],
                               (unsigned long)clocked_calls[i]);
                        clocked_calls[i] = 0;
                        clocked_instructions[i] = 0;
                    }
                }
"""


def by_operator(folder, name, timeout=3600):
    """Returns a list of `(figures of the operator, instructions, calls)` of one run on a board.

    Args:
        folder: path of a folder that `unetmm firmware` wrote.
        name: one of `keras_unetmm.firmware.boards.qemu.BOARDS`.
        timeout: float, seconds.
    """
    board, made = qemu.BOARDS[name], load(folder)
    driver = made.files["unetmm_driver.c"]
    if driver.count(_CALL) != 1 or driver.count(_END) != 1:
        raise SystemExit("the driver must have one call of a kernel and one end. Received: another one. Change this file.")
    driver = driver.replace(_CALL, _CLOCKED).replace(_END, _END + _PRINTED)
    clocked = replace(made, files={**made.files, "unetmm_driver.c": _DECLARED + driver})
    with tempfile.TemporaryDirectory() as work:
        program = qemu.build(clocked, board, Path(work), ("-DUNETMM_SELFTEST_RUNS=1", "-Wno-error"))
        ran = qemu.emulated(program, board, timeout)
    if not ran.good:
        raise SystemExit(f"the self-test failed on {name}: {ran.text[-500:]}")
    rows = [tuple(map(int, line.split()[1:])) for line in ran.text.splitlines() if line.startswith("clocked ")]
    operators, found = made.description["figures"]["operators"], {}
    for i, instructions, calls in rows:
        found.setdefault(i, (operators[i], instructions, calls))  # the self-test runs an image twice
    return [found[i] for i in sorted(found)]


def by_kernel(operators):
    """Returns a dict from a kernel's name to its instructions, the most first, of what `by_operator` returned."""
    sums = {}
    for operator, instructions, _ in operators:
        sums[operator["kernel"]] = sums.get(operator["kernel"], 0) + instructions
    return dict(sorted(sums.items(), key=lambda item: -item[1]))
