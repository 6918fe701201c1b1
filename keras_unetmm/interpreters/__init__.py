# SPDX-License-Identifier: Apache-2.0
"""TFLM and LiteRT in processes of their own: running a file, and measuring what it takes."""
