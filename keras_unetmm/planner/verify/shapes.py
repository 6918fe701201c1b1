# SPDX-License-Identifier: Apache-2.0
"""Outputs whose shape TFLM's kernels set again: what they hold must fit into the memory that the file's shape asks for."""

from math import prod

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.planner.verify.graphs import PlanRefused


def check_shapes(graphs):
    """Raises `PlanRefused` if a kernel makes more than the file says, which only TFLM's own planner makes room for."""
    for operator in (operator for graph in graphs for operator in graph.operators):
        made = _elements(operator)
        if made is not None and made > prod(operator.outputs[0].shape):
            output = operator.outputs[0]
            raise PlanRefused(f"{operator.label} makes {made:,} elements, but {output.label} has the shape {output.shape}.")


def _elements(operator):
    """How many elements the operator makes if its kernel sets the output's shape, else None."""
    shapes, name = [tensor.shape if tensor is not None else () for tensor in operator.inputs], operator.name
    if name in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"):
        return prod(shapes[0])
    if name == "GATHER_ND":
        return prod(shapes[1][:-1]) * prod(shapes[0][shapes[1][-1] :])
    if name == "GATHER":
        axis, batches = operator.options.Axis(), operator.options.BatchDims()
        axis, batches = axis % max(len(shapes[0]), 1), batches + (len(shapes[1]) if batches < 0 else 0)
        return prod(shapes[0][:axis]) * prod(shapes[1][batches:]) * prod(shapes[0][axis + 1 :])
    if name == "L2_POOL_2D":
        (batch, height, width, channels), options = shapes[0], operator.options
        same = options.Padding() == schema.Padding.SAME
        rows = -(-(height if same else height - options.FilterHeight() + 1) // options.StrideH())
        columns = -(-(width if same else width - options.FilterWidth() + 1) // options.StrideW())
        return batch * rows * columns * channels
    return None
