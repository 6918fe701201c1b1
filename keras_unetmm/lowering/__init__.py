# SPDX-License-Identifier: Apache-2.0
"""Keras models of operators that have an integer kernel on a target."""
