# SPDX-License-Identifier: Apache-2.0
"""TFLM's own kernels, which run on every processor."""

from keras_unetmm.kernels.library import KernelLibrary

REFERENCE = KernelLibrary("reference", "TFLM's reference kernels", frozenset({"reference"}))
