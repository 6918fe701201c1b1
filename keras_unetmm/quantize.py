# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware training, by the name that users know: what `keras_unetmm.quantization.quantize` defines."""

from keras_unetmm.quantization.quantize import is_quantize_aware, plain, quantize_aware

__all__ = ["is_quantize_aware", "plain", "quantize_aware"]
