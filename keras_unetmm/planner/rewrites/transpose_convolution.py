# SPDX-License-Identifier: Apache-2.0
"""A transposed convolution whose kernel is as large as its stride is a 1x1 convolution and DEPTH_TO_SPACE.

Every output pixel gets one product of the kernel, so the sums, the requantisation and the bytes are the same; TFLM's kernel
for it asks for four bytes of scratch an output byte, the 1x1 convolution for none.
"""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.planner.rewrites.site import Site, replace


def sites(graph):
    """Returns the `Site` of every such operator."""
    found = []
    for position, operator in enumerate(graph.operators):
        if operator.name == "TRANSPOSE_CONV" and _fits(graph, operator):
            shape = "x".join(map(str, graph.tensors[operator.outputs[0]].shape))
            found.append(
                Site("transpose_convolution", (position,), 1, f"TRANSPOSE_CONV to {shape} as CONV_2D and DEPTH_TO_SPACE")
            )
    return found


def _fits(graph, operator):
    _, weights, source = (graph.tensors[index] for index in operator.inputs[:3])
    output, options = graph.tensors[operator.outputs[0]], operator.options
    stride, bias = options.StrideH(), operator.inputs[3] if len(operator.inputs) > 3 else -1
    if (source.type, weights.type, output.type) != ("INT8",) * 3 or weights.data is None or options.StrideW() != stride:
        return False
    if bias >= 0 and graph.tensors[bias].data is None:
        return False
    grown = (source.shape[0], source.shape[1] * stride, source.shape[2] * stride)
    return stride > 1 and weights.shape[1:3] == (stride, stride) and output.shape[:3] == grown


def apply(file, graph, site, originals):
    """Replaces the operator."""
    old, operator = originals[site.operators[0]], graph.operators[site.operators[0]]
    stride, output = operator.options.StrideH(), operator.outputs[0]
    channels, _, _, inner = graph.tensors[operator.inputs[1]].shape
    kernel = file.constant(operator.inputs[1]).view("int8").reshape(channels, stride, stride, inner)
    kernel = kernel.transpose(1, 2, 0, 3).reshape(-1, 1, 1, inner)
    inputs = [int(old.inputs[2]), _tiled(file, operator.inputs[1], kernel.shape, kernel, stride**2)]
    if len(operator.inputs) > 3 and operator.inputs[3] >= 0:
        kind = {"INT32": "<i4", "INT64": "<i8"}[graph.tensors[operator.inputs[3]].type]
        bias = np.tile(file.constant(operator.inputs[3]).view(kind), stride**2)
        inputs.append(_tiled(file, operator.inputs[3], bias.shape, bias, stride**2))
    deep = (*graph.tensors[operator.inputs[2]].shape[:3], channels * stride**2)
    between = file.add_tensor(output, deep, "/1x1")
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    options.fusedActivationFunction = operator.options.FusedActivationFunction()
    shuffle = schema.DepthToSpaceOptionsT()
    shuffle.blockSize = stride
    convolution = file.operator(schema.BuiltinOperator.CONV_2D, 3, inputs, between, options)
    unfold = file.operator(schema.BuiltinOperator.DEPTH_TO_SPACE, 2, [between], int(old.outputs[0]), shuffle)
    replace(file, originals, site, [convolution, unfold])


def _tiled(file, like, shape, data, times):
    """A constant whose channels are those of another one, several times over; its scales with it."""
    quantization = copy.copy(file.main.tensors[like].quantization)
    if quantization is not None and quantization.scale is not None and len(quantization.scale) > 1:
        quantization.scale = np.tile(quantization.scale, times)
        quantization.zeroPoint = None if quantization.zeroPoint is None else np.tile(quantization.zeroPoint, times)
    return file.add_tensor(like, shape, "/1x1", data, quantization)
