# SPDX-License-Identifier: Apache-2.0
"""Arm's CMSIS-NN, where it has a kernel, beside TFLM's own.

For Helium (Cortex-M55 and M85) its kernels gather several windows at a time, in scratch that other cores do not ask for:
4,464 bytes in a depthwise convolution of 3x3. The sizes are upper bounds, read in CMSIS-NN and in TFLM's glue; a scratch
buffer that turns out smaller fits wherever the planned one does. Which outputs may overlap is taken from the kernels without
Helium, whose rules keep away from maps that Helium walks in blocks of channels.
"""

from keras_unetmm.kernels.library import KernelLibrary

_ORDERS = frozenset({"cmsis-nn"})
CMSIS_NN = KernelLibrary("cmsis-nn", "CMSIS-NN on cores without Helium", _ORDERS)
CMSIS_NN_HELIUM = KernelLibrary("cmsis-nn-helium", "CMSIS-NN on Cortex-M55 and M85", _ORDERS, scratch_of="cmsis-nn-helium")
