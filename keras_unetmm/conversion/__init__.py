# SPDX-License-Identifier: Apache-2.0
"""From a Keras model to an integer .tflite file."""
