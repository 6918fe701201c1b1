# SPDX-License-Identifier: Apache-2.0
"""The tail of TFLM's arena where it is not measured."""

from keras_unetmm.tflite_file.graph import Graph

_AN_OPERATOR = 450  # bytes of tail that an operator more costs, on a machine of 64 bits


def estimated_tail(graph: Graph) -> int:
    """Returns about how many bytes of tail TFLM takes for a graph."""
    return _AN_OPERATOR * len(graph.operators)
