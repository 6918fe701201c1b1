# SPDX-License-Identifier: Apache-2.0
"""Which maps of an integer graph have one scale, and which operators the converter joins.

A map that is only moved, or averaged, keeps the bytes' meaning: the operator knows one scale. An operator and the
ReLU after it become one, so that nothing is rounded between them.
"""

import keras

from keras_unetmm import layers
from keras_unetmm.graph.names import free_name
from keras_unetmm.graph.nodes import maker, operations_read
from keras_unetmm.lowering import volumes
from keras_unetmm.lowering.integer_layers import EdgePadding, Resizing
from keras_unetmm.lowering.operator_layers import OneChannel, Scaled, Shifted

_MOVES = (
    *(keras.layers.Concatenate, keras.layers.Reshape, keras.layers.Flatten, keras.layers.Permute),
    *(keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling2D, keras.layers.Maximum, keras.layers.Minimum),
    *(keras.layers.MaxPooling3D, keras.layers.UpSampling3D, keras.layers.Cropping3D),
    *(keras.layers.ZeroPadding2D, keras.layers.Cropping2D, layers.PadToMultiple, layers.CropLike, layers.CheckedSizes),
    *(layers.PixelShuffle, layers.PixelUnshuffle, layers.RepeatChannels, EdgePadding, OneChannel),
    *(volumes.Slices, volumes.Stack, volumes.Volume),
)
_MOVING_FUNCTIONS = {
    *("Amax", "Concatenate", "ExpandDims", "GetItem", "Maximum", "Minimum", "Pad", "Reshape", "Slice", "Split"),
    *("Squeeze", "Transpose"),
}
_RESIZING = (Resizing, keras.layers.UpSampling2D, layers.ResizeLike)
_JOINED = (  # with an activation that is a clip, where they alone are read by it
    *(keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense, keras.layers.Conv2DTranspose),
    *(keras.layers.Conv3D, keras.layers.Conv3DTranspose),
    *(keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, Scaled, Shifted, keras.layers.AveragePooling2D),
)
CLIPS = ("relu", "relu6", "hard_tanh")
EXACT = ("linear", *CLIPS, "sigmoid", "tanh", "softmax")  # activations of one operator, whose bytes are known
BYTES = (0.0, 1.0)  # of an image: scale 1/255
INPUT = ""  # stands for the network's input among the names of layers, where its range is that of a join
PROBABILITIES = (0.0, 255 / 256)  # as the kernels of sigmoid and softmax have it: scale 1/256
_FIXED = {"sigmoid": PROBABILITIES, "softmax": PROBABILITIES, "tanh": (-1.0, 127 / 128)}


def moves(layer):
    """Whether a layer moves or chooses bytes."""
    nearest = isinstance(layer, _RESIZING) and getattr(layer, "interpolation", "bilinear") == "nearest"
    return nearest or isinstance(layer, _MOVES) or type(layer).__name__ in _MOVING_FUNCTIONS


def averages(layer):
    """Whether a layer gives means of one scale with what it reads."""
    if isinstance(layer, _RESIZING):
        return not moves(layer)
    return isinstance(layer, keras.layers.AveragePooling2D)


def activation(layer):
    """The name of a layer's activation, of the layer where it is one itself, or `"linear"`."""
    if isinstance(layer, keras.layers.ReLU):
        plain = not layer.negative_slope and not layer.threshold
        return {None: "relu", 6.0: "relu6"}.get(layer.max_value, "other") if plain else "other"
    if isinstance(layer, keras.layers.Softmax) or type(layer).__name__ in ("Sigmoid", "Softmax", "Tanh", "Relu", "Relu6"):
        return type(layer).__name__.lower()
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def is_exact(layer):
    """Whether the activation of a layer is one whose bytes are known to the last; of several operators no layer is."""
    if isinstance(layer, keras.layers.ReLU):
        return activation(layer) in EXACT
    function = getattr(layer, "activation", None)
    return function is None or any(function is getattr(keras.activations, name) for name in EXACT)


def fixed_range(layer):
    """Returns the `(low, high)` that the kernel of a layer prescribes for its output, or None."""
    return _FIXED.get(activation(layer))


def is_joined(layer, readers):
    """Whether the converter joins a layer with the only one that reads it."""
    if not isinstance(layer, _JOINED) or activation(layer) != "linear" or len(readers) != 1 or readers[0] is None:
        return False
    return readers[0].__class__ in (keras.layers.ReLU, keras.layers.Activation) and activation(readers[0]) in CLIPS


class QuantizationPoints:
    """Where a graph of operators is rounded: the groups of layers that have one range, by the name of their leader.

    Args:
        graph: `keras.Model` with a layer an operator, as `keras_unetmm.lowering.operators` makes it.
        output: str, what the output is, as for `convert`.

    Attributes:
        fixed: dict, the ranges that are prescribed, `(low, high)` by leader.
        output: str, the leader of the output.
        given: str, the leader of the network's input as the device gives it. Where that is joined with maps of another
            range, the converter gives the join's to the input itself, and bytes are requantised before anything reads them.
    """

    def __init__(self, graph, output):
        self.readers = {layer.name: [] for layer in graph.operations}
        self.reads = {layer.name: [] for layer in graph.operations}
        for layer in graph.operations:
            for read in operations_read(layer):
                self.readers[read.name].append(layer)
                self.reads[layer.name].append(read)
        last = maker(graph.outputs[0])
        self.readers[last.name].append(None)
        self.leaders, self.fixed = {layer.name: layer.name for layer in graph.operations}, {}
        for layer in graph.operations:
            if isinstance(layer, keras.layers.InputLayer):
                self.fixed[layer.name] = BYTES
            elif fixed_range(layer) is not None:
                self.fixed[layer.name] = fixed_range(layer)
            elif moves(layer) or averages(layer) or self._clips_a_mean(layer):
                self._join(layer)
        if output == "image":
            self._fix_back(last, BYTES)
        self.output = self.leader(last)
        self.given = maker(graph.inputs[0]).name
        self._requantize_input(graph)
        for name in list(self.fixed):
            self._requantize_kernel(name, graph)

    def _clips_a_mean(self, layer):
        """Whether a ReLU is joined with the pooling before it, whose one scale it then has."""
        read = self.reads[layer.name]
        return len(read) == 1 and averages(read[0]) and is_joined(read[0], self.readers[read[0].name])

    def _requantize_input(self, graph):
        """Gives the input and all maps that it is joined with one range, if theirs is free."""
        joins = [
            self.leader(layer)
            for layer in graph.operations
            if moves(layer) and any(self.leader(source) == self.given for source in self.reads[layer.name])
        ]
        joins = [name for name in joins if name not in self.fixed]
        if joins:
            source, first = self.given, joins[0]
            self.given = free_name(f"{source}_bytes", self.leaders)
            self.fixed[self.given] = self.fixed.pop(source)
            self.leaders |= {**dict.fromkeys((source, *joins), first), self.given: self.given}

    def _requantize_kernel(self, name, graph):
        """Gives what is only moved of a kernel's own range to the one join, further on, with maps of another range."""
        if name not in self.readers or name == self.given or self.leader(name) != name:
            return
        moved = [layer.name for layer in graph.operations if layer.name != name and self.leader(layer) == name]
        readers = [reader for source in (name, *moved) for reader in self.readers[source] if reader is not None]
        joins = {self.leader(reader) for reader in readers if moves(reader) or averages(reader)} - {name}
        if len(joins) == 1 and not joins & set(self.fixed):
            self.leaders |= dict.fromkeys(moved, joins.pop())

    def _join(self, layer):
        sources = [self.leader(source) for source in self.reads[layer.name]]
        ranges = {self.fixed.get(source) for source in sources}
        if len(ranges) == 1 and None not in ranges:  # of bytes with one meaning
            self.leaders[layer.name] = sources[0]
            return
        for source in sources:
            if source not in self.fixed:  # the others are requantised
                self.leaders[self.leader(layer)] = self.leader(source)  # which an earlier one may have joined

    def _fix_back(self, layer, limits):
        """Gives the output's range to what is only moved there, unless a kernel prescribes another: the file requantises."""
        while moves(layer) and len({x.name for x in self.reads[layer.name]}) == 1:
            source = self.reads[layer.name][0]
            if len(self.readers[source.name]) > 1 or self.leader(source) in self.fixed:
                break
            layer = source
        self.fixed.setdefault(self.leader(layer), limits)

    def leader(self, layer):
        """The name that stands for all layers with the same range as this one."""
        name = layer if isinstance(layer, str) else layer.name
        while self.leaders[name] != name:
            name = self.leaders[name]
        return name

    def requantised(self, layer):
        """The leader of the join that reads what a kernel gives in a range of its own, or None: all readers have its bytes.

        The converter requantises such a map once, for a join with maps of another range, and whoever reads it reads that.
        """
        own = self.leader(layer)
        if own not in self.fixed or own == self.given:
            return None
        readers = [reader for reader in self.readers[layer.name] if reader is not None]
        joins = {self.leader(reader) for reader in readers if moves(reader) or averages(reader)} - {own}
        return next(iter(joins)) if len(joins) == 1 else None

    def rounds(self, layer):
        """Whether a layer's output is rounded again."""
        return not moves(layer) and not is_joined(layer, self.readers[layer.name])
