# SPDX-License-Identifier: Apache-2.0
"""What becomes of an operator on a target as far as its name says: of int8, whatever its sizes and options."""

from keras_unetmm.targets.coral import TPU
from keras_unetmm.targets.ethos_u import NPU
from keras_unetmm.targets.kernel_tables import LITERT, TFLM
from keras_unetmm.targets.verdict import CPU, SUPPORTED, UNSUPPORTED

_UNKNOWN_TO_CORAL = ("EXP", "GELU")  # of int8: its compiler refuses the file


def verdict_on_name(target, name):
    """Returns `"supported"`, `"cpu"` or `"unsupported"`; `check` judges the operators of a file.

    Args:
        target: str, one of `keras_unetmm.targets.targets.TARGETS`.
        name: str, the schema's name of the operator.
    """
    if target == "tflm":
        return _if(name in TFLM and "INT8" in TFLM[name], SUPPORTED)
    on_litert = name in LITERT and "INT8" in LITERT[name]
    if target == "litert":
        return _if(on_litert, SUPPORTED)
    if target == "coral":
        return SUPPORTED if name in TPU else _if(on_litert and name not in _UNKNOWN_TO_CORAL, CPU)
    return SUPPORTED if name in NPU[target] else verdict_on_name("tflm", name).replace(SUPPORTED, CPU)


def _if(runs, verdict):
    return verdict if runs else UNSUPPORTED
