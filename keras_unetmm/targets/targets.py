# SPDX-License-Identifier: Apache-2.0
"""Whether a .tflite file runs on a target: a verdict for each operator, from the target's compiler where there is one."""

from dataclasses import replace

from keras_unetmm.targets import coral, ethos_u, litert, tflm
from keras_unetmm.targets.target import Target
from keras_unetmm.targets.verdict import CompilerError, Verdict
from keras_unetmm.tflite_file.entry_points import other_entry_points_said
from keras_unetmm.tflite_file.graph import DAMAGE, TFLiteFileError, load, read
from keras_unetmm.tflite_file.open_sizes import open_sizes_said
from keras_unetmm.types import FileLike

TABLE = {target.name: target for target in (litert.TARGET, tflm.TARGET, coral.TARGET, *ethos_u.TARGETS)}
TARGETS = tuple(TABLE)


def target_of(name: str) -> Target:
    """Returns the `Target` of a name.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in TABLE:
        raise ValueError(f"target must be one of {', '.join(map(repr, TABLE))}. Received: {name!r}.")
    return TABLE[name]


def check(file: FileLike, target: str, compile: bool = True) -> Verdict:
    """Says of each operator of any .tflite file what becomes of it on a target.

    The operators of all graphs are judged, as a loop needs those of its body. Accelerators take the main graph only, and the
    processor beside them what they leave. Sizes that a file leaves open are taken as its shapes say.

    Examples:
        >>> tflite.check("model.tflite", "tflm").runs
        True

    Args:
        file: path or bytes; integers of 8 or 16 bits, floats, or both.
        target: one of `TARGETS`.
        compile: bool, whether the target's own program is asked where it is installed: Vela for the Ethos-U,
            edgetpu_compiler for Coral, the interpreter itself for TFLM and LiteRT, which then prepares the file and runs it.
            Otherwise the verdicts come from tables and rules alone.

    Returns:
        A `Verdict`.

    Raises:
        ValueError: for an unknown target.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        CompilerError: if the target's compiler is there and fails.
        OSError: if the file cannot be read.
    """
    chosen = target_of(target)
    content = load(file)
    model = read(content)
    try:
        verdict = chosen.judge(model, content, compile)
    except (CompilerError, TFLiteFileError):
        raise
    except DAMAGE as error:  # an operand that is not there
        raise TFLiteFileError(
            f"file is damaged: an operator in it lacks an input or makes no sense ({type(error).__name__}: {error}). Copy "
            "or convert it again."
        ) from error
    others = other_entry_points_said(content, "are judged by rules alone")
    notes = [note for note in (verdict.note, open_sizes_said(content), others) if note]
    return replace(verdict, note=" ".join(notes))
