# SPDX-License-Identifier: Apache-2.0
"""Operators that read, for each place of a map, that place alone."""

from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands


def pointwise(operands: Operands) -> Fields:
    """Returns the receptive field of one place.

    Raises:
        GlobalOperatorError: if a map has no channels, or a constant has a value for each place.
    """
    _check_rank(operands)
    return of_any_rank(operands)


def along_channels(operands: Operands, axis: int | None) -> Fields:
    """Returns the same for an operator along one axis, None if that is computed, which must be that of the channels."""
    _check_rank(operands)
    check_channels(operands, axis)
    return of_any_rank(operands)


def of_any_rank(operands: Operands) -> Fields:
    """Returns the same for an operator that may stand behind one that took the axis of the channels away."""
    for tensor in operands.inputs:
        spatial = tensor.shape[-3:-1] if tensor is not None and tensor.data is not None else ()
        if any(size > 1 for size in spatial):
            raise GlobalOperatorError("one of its constants has a value for each place of the map")
    return ReceptiveField(), ReceptiveField()


def check_channels(operands: Operands, axis: int | None) -> None:
    """Raises a `GlobalOperatorError` unless an axis is the last one, that of the channels.

    Args:
        operands: the operator's.
        axis: the axis along which it cuts, joins or counts; None if it is computed.
    """
    deep = len(operands.map.shape)
    if axis is None or axis % deep != deep - 1:
        raise GlobalOperatorError("it cuts or joins maps along another axis than that of the channels")


def first_number(operands: Operands, place: int) -> int | None:
    """Returns the first number of a constant input, or None if it is computed."""
    numbers = operands.numbers(place)
    return None if numbers is None else numbers[0]


def _check_rank(operands):
    if {len(tensor.shape) for tensor in (operands.map, operands.output)} != {4}:
        raise GlobalOperatorError("it takes or makes a map without channels. Keep the axis of the channels")
