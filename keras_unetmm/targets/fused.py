# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions without an activation in them: the form with one came after the last compiler for the Edge TPU."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File

_NONE = schema.ActivationFunctionType.NONE
_LIMITS = {  # of each activation: the lowest and the highest value, and the operator that does the same
    schema.ActivationFunctionType.RELU: (0.0, None, "RELU"),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0, "RELU6"),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0, "RELU_N1_TO_1"),
}
_LOWEST, _HIGHEST = -128, 127


def without_fused_transposed(content: bytes) -> bytes:
    """Returns a .tflite file that gives the same bytes, in which no TRANSPOSE_CONV holds an activation.

    Bytes end where their range ends: an activation whose limits lie there is left out. Another one becomes an operator.

    Args:
        content: bytes of a file of int8.
    """
    file, operators = File(content), []
    versions: dict[int, int] = {}
    for operator in file.main.operators:
        operators.append(operator)
        code = file.model.operatorCodes[operator.opcodeIndex]
        if max(code.builtinCode, code.deprecatedBuiltinCode) != schema.BuiltinOperator.TRANSPOSE_CONV:
            continue
        versions[operator.opcodeIndex] = max(versions.get(operator.opcodeIndex, 2), 3 if len(operator.inputs) > 3 else 2)
        options = operator.builtinOptions
        fused = options.fusedActivationFunction
        if fused == _NONE or fused not in _LIMITS:
            continue
        options.fusedActivationFunction = _NONE
        output = int(operator.outputs[0])
        *limits, name = _LIMITS[fused]
        if not _holds(file.main.tensors[output], *limits):
            before = file.add_tensor(output, file.main.tensors[output].shape, "/before")
            operator.outputs = operator.outputs.copy()
            operator.outputs[0] = before
            operators.append(file.operator(getattr(schema.BuiltinOperator, name), 2, [before], output, None))
    if not versions:
        return content
    file.main.operators = operators
    for index, version in versions.items():
        file.model.operatorCodes[index].version = version
    return file.packed()


def _holds(tensor, low, high):
    """Whether bytes cannot lie outside the limits."""
    scale, zero = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
    step_low = round(low / scale) + zero
    return step_low <= _LOWEST and (high is None or round(high / scale) + zero >= _HIGHEST)
