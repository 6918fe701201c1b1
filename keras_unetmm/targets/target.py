# SPDX-License-Identifier: Apache-2.0
"""What a target is: one object a name, each in the file of its family."""

from collections.abc import Callable
from dataclasses import dataclass

from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.verdict import Verdict
from keras_unetmm.tflite_file.graph import Model


@dataclass(frozen=True)
class Target:
    """A device or interpreter that files are converted for.

    Attributes:
        name: str, as users write it.
        options: `LoweringOptions`, the integer form of each layer that has several.
        judge: function of a file, as `keras_unetmm.tflite_file.graph.Model` and as bytes, and whether the target's compiler
            may be asked; it returns the `Verdict`.
        rewrites: tuple of functions of a file's bytes that return those of a file that gives the same, in forms that the
            target's compiler takes.
        runtime: str, the interpreter that a converted file is tried on, and its name for messages; None where there is none.
    """

    name: str
    options: LoweringOptions
    judge: Callable[[Model, bytes, bool], Verdict]
    rewrites: tuple[Callable[[bytes], bytes], ...] = ()
    runtime: tuple[str, str] | None = None
