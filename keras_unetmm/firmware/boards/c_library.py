# SPDX-License-Identifier: Apache-2.0
"""Whether a cross-compiler has a C library for a board's core: some packages come without."""

import subprocess


def without_library(board, header):
    """Returns that there is no C library, as a str for people; empty if the compiler finds a header of it.

    Args:
        board: what has `compiler`, `flags` and `core`.
        header: str, such as `"string.h"`.
    """
    done = subprocess.run(
        [board.compiler, *board.flags, "-E", "-x", "c", "-"],
        input=f"#include <{header}>\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else f"{board.compiler} has no C library for {board.core}"
