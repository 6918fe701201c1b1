# SPDX-License-Identifier: Apache-2.0
"""The passes over the integer file: its scales, its last operators, and whether the target runs it."""

import warnings

import numpy as np

from keras_unetmm.conversion.conversion import ConversionError
from keras_unetmm.conversion.indices import with_indices
from keras_unetmm.conversion.io_quantization import with_uint8
from keras_unetmm.conversion.multipliers import with_equal_multipliers
from keras_unetmm.conversion.signal import advice, signal_to_noise
from keras_unetmm.interpreters.runtime import MissingRuntimeError, RunError, measure, run
from keras_unetmm.targets.targets import check, target_of
from keras_unetmm.tflite_file import graph as tflite_graph
from keras_unetmm.tflite_file.metadata import description, with_metadata

_FAR = 3.0  # outside [0, 1], from where on the output is no picture


def warn_of_a_far_output(conversion):
    """Warns where an output that is cut to an image's range lies far outside it."""
    for kind, (low, high) in zip(conversion.outputs, conversion.limits, strict=True):
        if conversion.ranges is None and kind == "image" and not -_FAR < low <= high < 1 + _FAR:
            warnings.warn(
                f"The output is taken for an image and cut to 0 to 1, and the calibration images give {low:.2f} to "
                f"{high:.2f}. If it is none, pass output_kind='values'; if the model is not trained yet, train it first.",
                stacklevel=5,
            )


def equal_multipliers(conversion):
    """Chooses scales by which every interpreter multiplies alike; those of a quantisation-aware model stay."""
    if conversion.ranges is None:
        conversion.content = with_equal_multipliers(conversion.content, conversion.graph)


def indices(conversion):
    """Puts ARG_MAX behind scores of which the number of the largest is asked for."""
    asked = [k for k, kind in enumerate(conversion.outputs) if kind == "indices"]
    if asked:
        conversion.content = with_indices(conversion.content, asked)
        others = [k for k in range(len(conversion.outputs)) if k not in asked]
        if conversion.request.io == "uint8":
            conversion.content = with_uint8(conversion.content, others)


def rewrite_for_target(conversion):
    """Puts operators into the forms that the target's compiler takes."""
    for rewrite in target_of(conversion.request.target).rewrites:
        conversion.content = rewrite(conversion.content)


def validate_integers(conversion):
    """Raises a `ConversionError` if anything in the file is no integer."""
    validate_no_floats(tflite_graph.read(conversion.content))


def validate_no_floats(model):
    """Raises a `ConversionError` that names every tensor of the file that is not an integer or a boolean."""
    offenders = []
    for graph in model.graphs:
        for index, tensor in enumerate(graph.tensors):
            if "INT" not in tensor.type and tensor.type != "BOOL":
                producer = graph.producer(index)
                maker = f"computed by {producer.name}" if producer else "a constant or an input"
                offenders.append(f"  {tensor.name} {tensor.shape}: {tensor.type}, {maker}")
    if offenders:
        raise ConversionError(
            f"{len(offenders)} tensors of the file are not integers, because the converter has no integer operator for "
            "the layers that make them:\n" + "\n".join(offenders) + "\nReplace these layers."
        )


def judge(conversion):
    """Raises a `ConversionError` for an operator that the target cannot run."""
    target = conversion.request.target
    conversion.verdict = check(conversion.content, target, compile=target_of(target).runtime is None)  # else `try_out` asks
    missing = [operator for operator in conversion.verdict.operators if operator.verdict == "unsupported"]
    if missing:
        whys = [f"  {o.index} {o.name}: {o.why.removesuffix('.')}." for o in missing]
        lines = [why + (f" Instead: {o.instead}" if o.instead else "") for why, o in zip(whys, missing, strict=True)]
        raise ConversionError(f"The file is all integers, but {target} cannot run it:\n" + "\n".join(lines))


def try_out(conversion):
    """Raises a `ConversionError` if the target's interpreter, where it has one, does not take the file."""
    runtime = target_of(conversion.request.target).runtime
    if runtime is None:
        return
    name, title = runtime
    try:
        if name == "tflm":
            measure(conversion.content)
        else:
            graph = conversion.graph
            ends = [graph.tensors[i] for i in graph.inputs]
            run(conversion.content, [np.zeros(tensor.shape, tensor.type.lower()) for tensor in ends], name)
    except MissingRuntimeError as error:
        warnings.warn(f"The file is converted, and was not tried: {error}", stacklevel=5)
    except RunError as error:
        raise ConversionError(f"The file is all integers, but {title} does not take it. {error}") from error


def describe(conversion):
    """Writes into the file what it is, takes and gives."""
    asked = conversion.request
    described = description(conversion.graph, asked.target, conversion.outputs, asked.mean, asked.std)
    conversion.content = with_metadata(conversion.content, described)


def measure_signal(conversion):
    """Runs the file beside the model, and warns where it loses much, or more than with other options."""
    if not conversion.expected:
        return
    found = signal_to_noise(conversion.content, conversion.tried, conversion.expected, conversion.outputs)
    conversion.signal_to_noise = found
    known = [signal for signal in found if signal is not None]
    text = advice(min(known), conversion.rivals, conversion.weakest) if known else ""
    if text:
        warnings.warn(text, stacklevel=5)


FILE_PASSES = (
    *(
        warn_of_a_far_output,
        equal_multipliers,
        indices,
        rewrite_for_target,
        validate_integers,
        judge,
        try_out,
        describe,
        measure_signal,
    ),
)
