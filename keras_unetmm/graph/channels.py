# SPDX-License-Identifier: Apache-2.0
"""Which channels of a network belong together: what has to go when one of them goes.

Every channel of every map is followed through the graph under a number. A convolution makes new channels; what acts on each
channel alone (batch norm, pooling, dropout, the Select of a SAT gate) hands the numbers on; a concatenation joins lists; a
sum makes two channels one. What mixes channels in a way that a missing one would change (layer norm, softmax, an operation
that this table does not know) holds its channels: they cannot be pruned.
"""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers as keras_layers

from keras_unetmm import layers
from keras_unetmm.graph.nodes import calls, run_through

CONVOLUTIONS = (keras_layers.Conv1D, keras_layers.Conv2D, keras_layers.Conv3D)
TRANSPOSED = (keras_layers.Conv1DTranspose, keras_layers.Conv2DTranspose, keras_layers.Conv3DTranspose)
DEPTHWISE = (keras_layers.DepthwiseConv1D, keras_layers.DepthwiseConv2D)
POOLS = tuple(getattr(keras_layers, f"GlobalAveragePooling{rank}D") for rank in (1, 2, 3))
ALONE = (  # act on each channel alone; of several inputs the first one counts
    *(keras_layers.Activation, keras_layers.BatchNormalization, keras_layers.PReLU, keras_layers.ReLU),
    *(
        keras_layers.LeakyReLU,
        keras_layers.Dropout,
        keras_layers.Identity,
        layers.TargetedDropout,
        layers.Select,
        layers.ChannelScale,
        layers.GELU,
    ),
    *(getattr(keras_layers, f"{kind}{rank}D") for kind in ("MaxPooling", "AveragePooling") for rank in (1, 2, 3)),
    *(getattr(keras_layers, f"{kind}{rank}D") for kind in ("UpSampling", "ZeroPadding", "Cropping") for rank in (1, 2, 3)),
    *(getattr(keras_layers, f"SpatialDropout{rank}D") for rank in (1, 2, 3)),
    *POOLS,
    *(layers.CheckedSizes, layers.CropLike, layers.PadToMultiple, layers.ResizeLike),
)
ELEMENTWISE = {"linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "tanh", "sigmoid"}
ELEMENTWISE |= {"hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "softplus", "softsign", "exponential", "mish"}
KEEP_ZERO = {"linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh"}
MERGES = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"}  # layers, and operations of the same names


class Numbers(np.ndarray):
    """Numbers of a map's channels, told by their type from constants of the graph."""


@dataclass(frozen=True)
class Use:
    """A convolution (or dense layer) at a place of the graph: the channels that it reads and makes."""

    layer: keras.layers.Layer
    reads: np.ndarray
    makes: np.ndarray
    pixels: int | None  # at which each weight is multiplied


class Channels:
    """The channels of an expanded functional model.

    Args:
        model: a functional `keras.Model` without composite layers, see `keras_unetmm.graph.expand.expand`.

    Attributes:
        uses: list of `Use`, in the order of running.
        handed: dict, by layer with weights that acts on each channel alone, and by RepeatChannels: the channels it is given.
        passed: list of pairs, every operation that acts on each channel alone or adds one map to many, and its channels,
            in the order of running.
        held: dict, why a channel cannot go, by its number.

    Raises:
        ValueError: for layers whose channels come first.
    """

    def __init__(self, model):
        for layer in model.layers:
            if getattr(layer, "data_format", "channels_last") == "channels_first":
                raise ValueError(
                    f"model must have its channels last. Received: {layer.name} with data_format='channels_first'."
                )
        self.uses, self.handed, self.passed, self.held, self._one = [], {}, [], {}, []
        given = [self._new(tensor.shape) for tensor in model.inputs]
        for channels in given:
            self._hold(channels, "are the network's input")
        graph = keras.Function(model.inputs, model.outputs)
        for channels in keras.tree.flatten(run_through(graph, given, self._followed)):
            self._hold(channels, "are the network's output")
        self.held = {self.one(channel): reason for channel, reason in self.held.items()}

    def one(self, channels):
        """The numbers of channels, the same for all that go together."""
        return np.vectorize(self._root, otypes=[int])(channels) if np.ndim(channels) else self._root(channels)

    def made_by(self):
        """The channels of each layer that makes some, `{name: numbers}`, in the order of running."""
        return {use.layer.name: self.one(use.makes) for use in self.uses}

    def gone(self, dropped):
        """The set of numbers that go with the channels of `{layer: indices}`.

        Raises:
            ValueError: for an unknown layer, a channel that it has not, one that cannot go, or a layer left empty.
        """
        made, gone = self.made_by(), set()
        listed = isinstance(dropped, dict) and all(hasattr(i, "__iter__") and type(i) is not str for i in dropped.values())
        if not listed:
            example = '{"enc0_block_conv0": [1, 3]}'
            raise ValueError(f"channels must be a dict of lists of indices, such as {example}. Received: {dropped!r}.")
        for name, indices in dropped.items():
            if name not in made:
                raise ValueError(
                    f"channels must name layers that make channels: {', '.join(made)}. Received: {name!r}. "
                    "Parts of blocks are named after their path, such as enc0_block_conv0."
                )
            count = len(made[name])
            listed = np.unique(np.asarray(list(indices)))
            if listed.size and (listed.dtype.kind not in "iu" or listed[0] < 0 or listed[-1] >= count):
                raise ValueError(f"channels of {name} must be integers from 0 to {count - 1}. Received: {list(indices)}.")
            for index in listed:
                number = int(made[name][index])
                if number in self.held:
                    raise ValueError(f"channel {index} of {name} cannot be pruned: its values {self.held[number]}.")
                gone.add(number)
        for name, numbers in made.items():
            if gone.issuperset(numbers.tolist()):
                raise ValueError(f"{name} must keep a channel. Received: all {len(numbers)} dropped. Keep one of them.")
        return gone

    def macs(self, gone=()):
        """Multiply-accumulates without some channels, as `keras_unetmm.analysis.macs` counts them.

        Grouped convolutions, whose channels are not followed, do not count, and of a layer that is called again every call
        counts like the first.

        Args:
            gone: set of numbers.

        Raises:
            ValueError: if the model leaves its size open.
        """
        gone, total = list(gone), 0
        for use in self.uses:
            if use.pixels is None:
                raise ValueError("model must have a size. Received: one of any size. Build it with an input_shape.")
            reads, makes = ((~np.isin(self.one(numbers), gone)).sum() for numbers in (use.reads, use.makes))
            axes = _axes(use.layer)
            window = math.prod(use.layer.kernel.shape) // (use.layer.kernel.shape[axes[0]] * use.layer.kernel.shape[axes[1]])
            biases = math.prod(use.layer.output.shape[1:-1]) * makes if use.layer.use_bias else 0
            total += use.pixels * window * reads * makes + biases
        for layer, numbers in self.passed:
            left = (~np.isin(self.one(numbers), gone)).sum()
            if isinstance(layer, DEPTHWISE):
                total += math.prod(layer.output.shape[1:-1]) * left * (math.prod(layer.kernel.shape[:-2]) + layer.use_bias)
            elif isinstance(layer, POOLS):
                total += math.prod(layer.input.shape[1:-1]) * left
        return int(total)

    def _root(self, number):
        while self._one[number] != number:
            number = self._one[number]
        return number

    def _new(self, shape):
        """New numbers for the last axis of a shape; one where it has none, or one of any size."""
        count = shape[-1] if shape and shape[-1] else 1
        first = len(self._one)
        self._one += range(first, first + count)
        return np.arange(first, first + count).view(Numbers)

    def _join(self, first, second):
        for one, other in zip(np.ravel(first), np.ravel(second), strict=True):
            low, high = sorted((self._root(one), self._root(other)))
            self._one[high] = low
        return first

    def _hold(self, channels, reason):
        for channel in np.ravel(channels):
            self.held.setdefault(int(channel), reason)

    def _followed(self, operation, *args, **kwargs):
        """What an operation makes of numbers of channels."""
        given = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, Numbers)]
        made = self._through(operation, given)
        return made if isinstance(made, list) else made.view(Numbers)

    def _through(self, operation, given):
        if isinstance(operation, (*CONVOLUTIONS, *TRANSPOSED, keras_layers.Dense)) and _whole(operation):
            return self._convolved(operation, given[0])
        if isinstance(operation, (*ALONE, *DEPTHWISE)) and _one_by_one(operation, len(given[0])):
            if operation.weights and operation in self.handed:
                self._join(self.handed[operation], given[0])
            self.handed |= {operation: given[0]} if operation.weights else {}
            self.passed.append((operation, given[0]))
            return given[0]
        if isinstance(operation, keras_layers.Concatenate) and operation.axis in (-1, operation.output.ndim - 1):
            return np.concatenate(given)
        if type(operation).__name__ in MERGES and len(given) > 1:
            return self._merged(operation, given)
        if isinstance(operation, layers.RepeatChannels) and len(calls(operation)) == 1:
            self.handed[operation] = given[0]
            return given[0][np.arange(operation.channels) % len(given[0])]
        if isinstance(operation, layers.SimpleGate):
            half = len(given[0]) // 2
            return self._join(given[0][:half], given[0][half:])
        if isinstance(operation, layers.PixelShuffle):
            blocks = given[0].reshape(operation.factor**2, -1)  # the place in the block is outermost
            for block in blocks[1:]:
                self._join(blocks[0], block)
            return blocks[0]
        if isinstance(operation, layers.PixelUnshuffle):
            return np.tile(given[0], operation.factor**2)
        return self._mixed(operation, given)

    def _convolved(self, layer, given):
        makes = self._new((layer.kernel.shape[_axes(layer)[1]],))
        if not _elementwise(layer.activation):
            self._hold(makes, f"are mixed by the activation of {layer.name}")
        for use in self.uses:
            if use.layer is layer:  # called before
                self._join(use.reads, given)
                self._join(use.makes, makes)
        self.uses.append(Use(layer, given, makes, _pixels(layer)))
        return makes

    def _merged(self, operation, given):
        wide = max(given, key=len)
        for channels in given:
            if len(channels) == len(wide):
                self._join(wide, channels)
            else:
                self._hold(channels, "are one map for many channels")
                if "Multiply" not in type(operation).__name__:
                    self.passed.append((operation, wide))
        return wide

    def _mixed(self, operation, given):
        for channels in given:
            self._hold(channels, f"are mixed by {operation.name}, a {type(operation).__name__}")
        outputs = [self._new(tensor.shape) for tensor in keras.tree.flatten(operation.output)]
        for channels in outputs:
            self._hold(channels, f"are made by {operation.name}, a {type(operation).__name__}")
        return outputs[0] if len(outputs) == 1 else outputs


def _axes(layer):
    """The kernel's axes of the channels that are read and made."""
    return (-1, -2) if isinstance(layer, TRANSPOSED) else (-2, -1)


def _whole(layer):
    """Whether every output reads every input, by a kernel and a bias alone."""
    known = {id(layer.kernel), id(layer.bias)}
    return getattr(layer, "groups", 1) == 1 and all(id(weight) in known for weight in layer.weights)


def _elementwise(activation):
    return getattr(activation, "__name__", None) in ELEMENTWISE and activation is keras.activations.get(activation.__name__)


def _one_by_one(layer, channels):
    if isinstance(layer, (keras_layers.Activation, *DEPTHWISE)) and not _elementwise(layer.activation):
        return False
    if isinstance(layer, DEPTHWISE):
        return layer.depth_multiplier == 1
    if isinstance(layer, keras_layers.BatchNormalization):
        return layer.axis in (-1, layer.input.ndim - 1)
    if isinstance(layer, keras_layers.PReLU):
        return math.prod(layer.alpha.shape) in (1, channels)
    return True


def _pixels(layer):
    """At how many places a layer multiplies its weights, or None if the model leaves its size open."""
    shape = (layer.input if isinstance(layer, TRANSPOSED) else layer.output).shape[1:-1]
    return None if None in shape else math.prod(shape)


def keeps_zero(operation):
    """Whether an operation that acts on each channel alone makes a channel of zeros of a channel of zeros."""
    if isinstance(operation, keras_layers.Activation):
        return operation.activation.__name__ in KEEP_ZERO
    if isinstance(operation, keras_layers.ReLU):
        return operation.threshold == 0
    return isinstance(operation, ALONE) and not isinstance(operation, keras_layers.BatchNormalization)
