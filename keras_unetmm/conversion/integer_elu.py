# SPDX-License-Identifier: Apache-2.0
"""ELU of integers: the converter leaves it in floats, though the interpreters have a table of bytes for it.

While the converter rounds, a LEAKY_RELU of a slope that no model has stands in an ELU's place: an operator that it knows,
with scales of its own at either end.
"""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File

_SLOPE = -7654.25
_CODES = schema.BuiltinOperator


def with_stand_ins(content):
    """Returns a file of floats with a LEAKY_RELU in place of each ELU."""
    file = File(content)
    elus = [operator for operator in file.main.operators if _code(file, operator) == _CODES.ELU]
    for operator in elus:
        options = schema.LeakyReluOptionsT()
        options.alpha = _SLOPE
        operator.opcodeIndex = file.operator_code(_CODES.LEAKY_RELU, 1)
        operator.builtinOptions, operator.builtinOptionsType = options, schema.BuiltinOptions.LeakyReluOptions
    return file.packed() if elus else content


def with_elus(content):
    """Returns a file, quantised since, with the ELUs again that `with_stand_ins` has replaced."""
    file = File(content)
    stand_ins = [operator for operator in file.main.operators if _stands_in(file, operator)]
    for operator in stand_ins:
        operator.opcodeIndex = file.operator_code(_CODES.ELU, 1)
        operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE
    if not stand_ins:
        return content
    file.prune_codes()
    return file.packed()


def _stands_in(file, operator):
    return _code(file, operator) == _CODES.LEAKY_RELU and operator.builtinOptions.alpha == _SLOPE


def _code(file, operator):
    code = file.model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)
