# SPDX-License-Identifier: Apache-2.0
"""What an interpreter itself says of a file: it prepares and runs it, and its word counts where a table says otherwise."""

import re
from dataclasses import replace

from keras_unetmm.interpreters.blame import first_operator
from keras_unetmm.interpreters.examples import array_of
from keras_unetmm.interpreters.runtime import MissingRuntimeError, RunError, prepare, run
from keras_unetmm.operators.registry import macs
from keras_unetmm.targets.interpreter_kernels import BELOW_ZERO, MISREAD, SPARSE
from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.targets.verdict import SUPPORTED, UNSUPPORTED

_COMPUTED_WRONG = (BELOW_ZERO, MISREAD, SPARSE)  # what an interpreter runs all the same
NAMES = {"tflm": "TFLM", "litert": "LiteRT"}
_INPUTS = ("random", "all minimum", "all maximum")
_MOST_MACS = 10**9  # of one run that is waited for; of three a third
_MOST_SAID = 300  # characters of what an interpreter says


def confirmed(content, model, target, verdicts):
    """Returns the verdicts on a file's operators as its interpreter confirms or corrects them, and a sentence on that.

    Args:
        content: bytes of a .tflite file.
        model: its `keras_unetmm.tflite_file.graph.Model`.
        target: `"tflm"` or `"litert"`.
        verdicts: tuple of `OperatorVerdict`, from the tables.

    Raises:
        TFLiteFileError: if the interpreter finds the file damaged.
    """
    name, inputs = NAMES[target], _inputs(model.main)

    def tried(part):
        prepare(part, target)
        for given in inputs:
            run(part, [array_of(given, model.main.tensors[i], seed) for seed, i in enumerate(model.main.inputs)], target)

    try:
        tried(content)
    except MissingRuntimeError:
        return verdicts, f"{name} is not installed here and was not asked."
    except RunError as error:
        if all(verdict.verdict == SUPPORTED for verdict in verdicts):
            found = _named(verdicts, error) or error.operator or first_operator(content, _failing(tried))
            verdicts = _refused(verdicts, found, name, error)
        return verdicts, f"{name} refuses the file, too." if error.signal is None else f"{name} aborts on the file."
    done = f"prepared and ran it on {len(inputs)} inputs" if inputs else "prepared it; it was not run, for it is large"
    if inputs:
        verdicts = tuple(
            verdict if verdict.why in _COMPUTED_WRONG else replace(verdict, verdict=SUPPORTED, why="", instead="")
            for verdict in verdicts
        )
    return verdicts, f"{name} {done}."


def _inputs(graph):
    """The names of the inputs that a run is waited for on."""
    return next((_INPUTS[:count] for count in (3, 1) if count * macs(graph) <= _MOST_MACS), ())


def _failing(tried):
    def fails(part):
        try:
            tried(part)
        except ValueError:
            return True
        return False

    return fails


def _named(verdicts, error):
    """The first operator of the kind, or of the version of one, that an interpreter says it lacks; it names no place."""
    said = re.search(r"builtin opcode '(\w+)'", str(error))
    return next(((verdict.index, verdict.name) for verdict in verdicts if said and verdict.name == said[1]), None)


def _refused(verdicts, found, name, error):
    """The verdicts with what the interpreter says at the operator where it stops; at the first one if nobody knows where."""
    if not verdicts:
        return verdicts
    place = 0 if found is None else found[0]
    why, instead = f"{name} refuses it: {_said(error)}", instead_of("", verdicts[place].name)
    if error.signal is not None:
        why = f"{name} aborts on it (signal {error.signal}): its kernel does not take these scales, sizes or options"
        instead = "a trained network, converted again: untrained and damaged ones have scales that make no sense"
    if found is None:
        why = f"{name} does so with the whole file, perhaps not for this operator: {why}"
    refused = replace(verdicts[place], verdict=UNSUPPORTED, why=why, instead=instead)
    return (*verdicts[:place], refused, *verdicts[place + 1 :])


def _said(error):
    """The interpreter's own words of an error, without advice that is for somebody else."""
    said = str(error)
    for before in ("cannot prepare the file: ", "failed while it ran the file: ", "TFLM failed to allocate tensors. "):
        said = said.partition(before)[2] or said
    return said[:_MOST_SAID].strip().removesuffix(".")
