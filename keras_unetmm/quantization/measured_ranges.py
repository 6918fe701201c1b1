# SPDX-License-Identifier: Apache-2.0
"""The ranges that a quantisation-aware model begins with, measured on images."""

import keras

from keras_unetmm.graph.nodes import calls, maker, operations_read, tensors_read
from keras_unetmm.lowering.scales import activation, moves
from keras_unetmm.quantization.histograms import SMALL, Histogram


def measured_ranges(graph, points, images):
    """Returns what the values of each range are on images, without outliers, `{leader: (low, high)}`."""
    layers = [layer for layer in graph.layers if points.rounds(layer) and points.leader(layer) not in points.fixed]
    taps = [(points.leader(layer), node.output_tensors[0]) for layer in layers for node in calls(layer)]
    joins = [layer for layer in graph.layers if moves(layer) and points.leader(layer) not in points.fixed]
    for layer in joins:  # what has a range of its own, and is requantised to be joined
        taps += [(points.leader(layer), x) for x in tensors_read(layer) if points.leader(maker(x)) in points.fixed]
    if not layers:
        return {}  # one operator, which gives the bytes of an image
    tapped = keras.Model(graph.inputs[0], [tensor for _, tensor in taps])
    found = {leader: Histogram() for leader, _ in taps}
    for image in images:
        given = image.reshape((1, *image.shape) if None in graph.inputs[0].shape else graph.inputs[0].shape)
        for (leader, _), value in zip(taps, keras.tree.flatten(tapped(given, training=False)), strict=True):
            found[leader].add(keras.ops.convert_to_numpy(value))
    limits = {
        leader: values.cut() if leader != points.output else (values.low, values.high) for leader, values in found.items()
    }
    limits |= _squares(layers, points, found, limits)
    for layer in layers:
        if activation(layer) == "hard_tanh":  # -1 must be a byte, or its rounding is a matter of chance
            low, high = limits[points.leader(layer)]
            limits[points.leader(layer)] = low, min(high, 127 / 128)
    return limits


def _squares(layers, points, found, limits):
    """The ranges of squares, as `tflite.post_training` chooses them."""
    ranges, highs = {}, {}
    for layer in layers:
        leader, squared = points.leader(layer), _squared(layer)
        if squared is not None and leader != points.output and points.leader(squared) in limits:
            read = limits[points.leader(squared)]
            highs[squared] = min(limits[leader][1], max(map(abs, read)) ** 2)
            ranges[leader] = 0.0, highs[squared]
    for layer in layers:
        reads = operations_read(layer)
        squared = _squared(reads[0]) if activation(layer) == "relu6" else None
        if squared in highs:
            leader = points.leader(layer)
            ranges[leader] = 0.0, min(found[leader].high, SMALL * highs[squared])
    return ranges


def _squared(layer):
    """The layer whose output a layer squares, or None."""
    reads = tensors_read(layer)
    same = isinstance(layer, keras.layers.Multiply) and len(reads) == 2 and reads[0] is reads[1]
    return maker(reads[0]) if same else None
