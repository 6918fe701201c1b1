# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware training: models that compute as their int8 file will."""
