"""How every operator runs on the engine: one file an operator, or a close family of them."""

from keras_unetmm.engine.kernels import arg, concatenate, elementwise, pad, reduce, resize, shuffle, slice, softmax, table
from keras_unetmm.engine.kernels.kernel import Kernel, NoKernelError

__all__ = ["KERNELS", "Kernel", "NoKernelError"]

KERNELS = {
    "ABS": table.kernel,
    "ADD": elementwise.kernel,
    "ARG_MAX": arg.kernel,
    "ARG_MIN": arg.kernel,
    "CONCATENATION": concatenate.kernel,
    "DEPTH_TO_SPACE": shuffle.depth_to_space,
    "ELU": table.kernel,
    "HARD_SWISH": table.kernel,
    "LEAKY_RELU": table.kernel,
    "LOGISTIC": table.kernel,
    "MAXIMUM": elementwise.kernel,
    "MEAN": reduce.kernel,
    "MINIMUM": elementwise.kernel,
    "MIRROR_PAD": pad.mirror,
    "MUL": elementwise.kernel,
    "PACK": concatenate.pack,
    "PAD": pad.kernel,
    "PADV2": pad.kernel,
    "QUANTIZE": table.kernel,
    "REDUCE_MAX": reduce.kernel,
    "REDUCE_MIN": reduce.kernel,
    "RELU": table.kernel,
    "RELU6": table.kernel,
    "RELU_0_TO_1": table.kernel,
    "RELU_N1_TO_1": table.kernel,
    "RESIZE_BILINEAR": resize.bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize.nearest,
    "RSQRT": table.kernel,
    "SLICE": slice.kernel,
    "SOFTMAX": softmax.kernel,
    "SPACE_TO_DEPTH": shuffle.space_to_depth,
    "SPLIT": slice.split,
    "SPLIT_V": slice.split,
    "SQUARED_DIFFERENCE": elementwise.kernel,
    "STRIDED_SLICE": slice.strided,
    "SUB": elementwise.kernel,
    "SUM": reduce.kernel,
    "TANH": table.kernel,
}
"""The maker of an operator's `Kernel` by the operator's name."""
