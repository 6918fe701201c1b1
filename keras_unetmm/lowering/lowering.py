# SPDX-License-Identifier: Apache-2.0
"""Replacing the layers that a target has no integer operator for, weights carried over.

One file although it is long: one walk over the graph, and what it has to remember on the way.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras

from keras_unetmm.deprecation import renamed
from keras_unetmm.graph.expand import expand
from keras_unetmm.graph.names import Names
from keras_unetmm.graph.nodes import call_of, calls, maker, operations_read
from keras_unetmm.layers import PixelShuffle, ResizeLike, SimpleGate
from keras_unetmm.lowering import volumes
from keras_unetmm.lowering.folding import affine, as_layer, can_take_in, is_pointwise, scaled_after, scaled_before
from keras_unetmm.lowering.functions import as_slices, partly_read
from keras_unetmm.lowering.gates import as_halves
from keras_unetmm.lowering.integer_layers import Affine
from keras_unetmm.lowering.legalize import DROPPED, can_shuffle, legalized, rebuilt, shuffle
from keras_unetmm.lowering.options import options_of
from keras_unetmm.lowering.refusals import lacking, reason
from keras_unetmm.types import InputShape


@dataclass(frozen=True)
class Legalization:
    """A layer, and what stands for it.

    Attributes:
        layer: the layer, of the model laid out into its parts.
        becomes: tuple of str, what stands for it; empty if it went, or another took it in.
        inputs: tuple of tuples, the tensors of the lowered model for each of its inputs; several for the slices of a volume.
        output: tuple of tensors, those for its output.
    """

    layer: object
    becomes: tuple
    inputs: tuple
    output: tuple


@dataclass(frozen=True)
class Lowered:
    """What `lowered` returns.

    Attributes:
        model: the `keras.Model` of integer forms.
        source: the `keras.Model` that it equals, laid out into its parts.
        legalizations: tuple of `Legalization`, one a layer, in the order of the graph.
    """

    model: keras.Model
    source: keras.Model
    legalizations: tuple

    @property
    def exchanges(self) -> tuple:
        """Old name of `legalizations`."""
        return renamed("exchanges", self.legalizations, "legalizations", (), ())


def lower(model: keras.Model, target: str = "tflm", input_shape: InputShape = None, **choices: Any) -> keras.Model:
    """Returns a model with the same function whose layers map to integer operators of the target.

    Equal but for GELU, where the target lacks the operator: its sigmoid form differs by at most 0.0204. Scales and shifts,
    of batch normalization above all, are folded into convolutions. Volumes are computed slice by slice, with 2-D layers.
    Composite layers come out as their parts, all in float32.

    Args:
        model: a functional or sequential `keras.Model`.
        target: `"litert"`, `"tflm"` (TensorFlow Lite for Microcontrollers), `"coral"`, `"ethos-u55"`, `"ethos-u65"` or
            `"ethos-u85"`.
        input_shape: tuple with the batch size, of the new model, or a list of one for each input; by default the
            model's own. Volumes need one.
        **choices: other forms than the target's, see `keras_unetmm.targets.options.LoweringOptions`.

    Raises:
        ValueError: for an unknown target or form, a model that is not a graph of layers, or a layer that has no
            integer form.
    """
    return lowered(model, target, input_shape, **choices).model


def lowered(
    model: keras.Model,
    target: str = "tflm",
    input_shape: InputShape = None,
    slices: bool = True,
    **choices: Any,
) -> Lowered:
    """Returns a `Lowered`, which tells what became of every layer. Other arguments and errors are those of `lower`.

    Args:
        slices: bool, whether volumes are computed slice by slice; else their layers stay as they are, to be trained.
    """
    forms = options_of(target, choices)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # of every layer that is made
    try:
        return _lowered(model, target, forms, input_shape, slices)
    finally:
        keras.config.set_dtype_policy(policy)


def _lowered(model, target, forms, input_shape, slices):
    source = expand(model, input_shape)
    lowering = _Lowering(source, target, forms, slices)
    images = [lowering.begin(x) for x in source.inputs]
    images = images if len(images) > 1 else images[0]
    clone = keras.models.clone_model(source, images, clone_function=lambda layer: layer, call_function=lowering.call)
    outputs = [lowering.whole(x) for x in clone.outputs]
    lowering.names.settle(outputs)
    outputs = outputs if len(outputs) > 1 else outputs[0]
    return Lowered(keras.Model(images, outputs, name=source.name), source, tuple(lowering.legalizations))


class UnknownLayerError(ValueError):
    """A layer has no integer form for the target."""


class _Lowering:
    """Calls for each layer of the source model what stands for it, in the order of the graph.

    A tensor of the new graph stands for a list of maps: itself, or the slices of a volume, of which it is the first.
    """

    def __init__(self, source, target, forms, slices):
        self.target, self.forms, self.slices = target, forms, slices
        self.readers = _readers(source)
        self.largest_gate = max((_size(x) for x in source.operations if type(x) is SimpleGate), default=0)
        self.cut = partly_read(source.operations, source.outputs)  # names of splits
        self.taken_in = set()  # names of layers that the convolution before them has taken in
        self.volumes = {}  # lists of slices, by the id of the first
        self.parts = {}  # 2-D layers that stand for a 3-D one, by its name
        self.chains = {}  # what stands for a layer, by its name and the shapes of its inputs
        self.depths = {}  # of volumes that are one stack already, by the id of that
        self.alone = {}  # tensors and whether they have one reader only, by their id
        self.names = Names(source)
        self.legalizations = []

    def call(self, layer, *args, **kwargs):
        """Returns the output in the new graph of a layer of the source, called on tensors of the new graph."""
        if not args:  # a layer called by keyword
            args = tuple(x for x in keras.tree.flatten(kwargs) if isinstance(x, keras.KerasTensor))
        tensors = [x for x in keras.tree.flatten(args) if isinstance(x, keras.KerasTensor)]
        inputs = [self._maps(x) for x in tensors]
        volume = any(id(x) in self.volumes for x in tensors)
        if layer.name in self.cut and not volume:
            parts = as_slices(layer, tensors[0])
            self.names.settle(parts, layer.name)
            return parts
        kwargs = {} if isinstance(layer, keras.layers.Layer) else kwargs  # of layers those of training, masks
        becomes, made = self._made(layer, args, kwargs, inputs, volume)
        self.names.settle(made, layer.name)
        if not isinstance(made[0], keras.KerasTensor):
            return made[0]  # a list: what a function with several outputs gives
        same = made[0] is inputs[0][0]  # the layer went; whoever reads that map else still does
        alone = len(self.readers[layer.name]) == 1 and (not same or self._alone(made[0]))
        self.alone.update((id(x), (x, alone)) for x in made)
        if volume and id(made[0]) not in self.volumes:
            self.volumes[id(made[0])] = made
        if not _shared(layer):
            self.legalizations.append(Legalization(layer, becomes, tuple(map(tuple, inputs)), tuple(made)))
        return made[0]

    def begin(self, x):
        """Returns the input of the new model, for that of the source."""
        shape = x.shape
        if len(shape) < 5 or not self.slices:
            return keras.Input(batch_shape=shape, dtype="float32", name=x.name)
        if None in shape:
            raise ValueError(
                f"A volume must have a fixed size to be lowered. Received: a model input of {shape}. "
                "Pass input_shape=(1, depth, height, width, channels)."
            )
        _, depth, height, *rest = shape
        shape = (1, depth * height, *rest) if self.forms.volume == "stack" else (1, *shape[1:])
        image = keras.Input(batch_shape=shape, dtype="float32", name=x.name)
        self.volumes[id(image)] = list(volumes.Slices(depth)(image))
        return image

    def whole(self, tensor):
        """Returns the tensor in the shape that the model's user knows, or a stack."""
        if id(tensor) not in self.volumes:
            return tensor
        slices, depth = self.volumes[id(tensor)], self.depths.get(id(tensor))
        stack = slices[0] if depth else volumes.Stack()(slices)
        return stack if self.forms.volume == "stack" else volumes.Volume(depth or len(slices))(stack)

    def _maps(self, tensor):
        return self.volumes.get(id(tensor), [tensor])

    def _made(self, layer, args, kwargs, inputs, volume):
        """The classes of the layers that stand for one layer, and the maps that they make."""
        if layer.name in self.taken_in or type(layer).__name__ == "ConvertToTensor":  # at the start of a model within
            return (), inputs[0]
        if not _known(layer):
            self._refuse(layer, inputs)
        chain = self._with_scale_after(layer)
        if is_pointwise(chain) and not _shared(layer):
            chain, inputs = _with_scale_before(chain, inputs)
        slicewise = isinstance(layer, (*volumes.SLICEWISE, *DROPPED)) or affine(layer) is not None
        if not self.slices and len(inputs[0][0].shape) == 5 and not slicewise and not isinstance(layer, volumes.LAYERS):
            self._refuse(layer, inputs)
        if volume and not slicewise:
            made = volumes.on_slices(chain, inputs[0], self.forms, self.parts.setdefault(layer.name, {}))
            if made is None:
                self._refuse(layer, inputs)
            return (f"{len(made)} slices",), made
        if type(layer) is SimpleGate and self._is_halved(layer):
            halves = [as_halves(x, self._alone) for x in inputs[0]]
            if None not in halves:
                multiply = keras.layers.Multiply(name=layer.name)
                return ("halves", "Multiply"), [multiply(list(pair)) for pair in halves]
        shapes = tuple(maps[0].shape for maps in inputs)
        if isinstance(layer, ResizeLike):  # the other map only says how large
            args, inputs = (args[0][0],), inputs[:1]
        if type(layer) is PixelShuffle and not _shared(layer):
            chain, inputs = self._with_convolution_before(layer, inputs)
        else:
            chain = self._chain(chain, shapes, args)
        if chain is None or any(lacking(part, self.target) for part in chain):
            self._refuse(layer, inputs, chain or ())
        if chain and not isinstance(layer, keras.layers.Layer) and chain[0] is not layer:
            tensors = [x for x in keras.tree.flatten(args) if isinstance(x, keras.KerasTensor)]
            args, kwargs = (tensors[:1] if len(tensors) == 1 else [tensors]), {}  # a layer in place of a function
        made, depth = [], len(inputs[0])
        if volume and self.readers[layer.name] == [None] and isinstance(layer, keras.layers.Activation):
            inputs = [[volumes.Stack()(inputs[0])]]  # the last one, of all slices at once
        slices = max(map(len, inputs))
        inputs = [maps * slices if len(maps) == 1 else maps for maps in inputs]  # one slice goes with all others
        for i in range(slices):
            x = None
            for part in chain:
                x = part(*_with(args, [maps[i] for maps in inputs]), **kwargs) if part is chain[0] else part(x)
            made.append(x if chain else inputs[0][i])
        if len(made) < depth:
            self.depths[id(made[0])] = depth
        return tuple(type(part).__name__ for part in chain), made

    def _is_halved(self, gate):
        if _shared(gate):
            return False
        return self.forms.gate == "halves" or (self.forms.gate == "largest" and _size(gate) == self.largest_gate)

    def _chain(self, layer, shapes, args):
        if (layer.name, shapes) not in self.chains:
            chain = self._new_chain(layer, shapes, args)
            again = sum(name == layer.name for name, _ in self.chains)
            for part in chain or () if again else ():  # of a layer that is called on maps of several sizes
                part.name = f"{part.name}_again{again}"
            self.chains[layer.name, shapes] = chain
        return self.chains[layer.name, shapes]

    def _new_chain(self, layer, shapes, args):
        scaled = affine(layer)
        if scaled is not None:
            return (as_layer(*scaled, shapes[0], self.forms.affine, layer.name),)
        if isinstance(layer, volumes.LAYERS) and not self.slices:
            return (rebuilt(layer),)
        return legalized(layer, self.forms, shapes, args)

    def _with_scale_after(self, layer):
        """The layer with the scales and shifts that alone follow it taken in."""
        name = layer.name
        while can_take_in(layer) and not _shared(layer) and len(self.readers[name]) == 1:
            follower = self.readers[name][0]
            scaled = None if follower is None or _shared(follower) or not _known(follower) else affine(follower)
            if scaled is None:
                break
            layer, name = scaled_after(layer, *scaled), follower.name
            self.taken_in.add(name)
        return layer

    def _with_convolution_before(self, layer, inputs):
        """A pixel shuffle, if it is a convolution with the 1x1 convolution before it taken in, and the map that it reads."""
        (x,), channels = inputs[0], inputs[0][0].shape[-1] // layer.factor**2
        before = maker(x)
        if self._alone(x) and can_shuffle(layer.factor, channels, self.forms, before):
            return shuffle(layer.factor, channels, self.forms, layer.name, before), [[_read_by(x)]]
        return shuffle(layer.factor, channels, self.forms, layer.name), inputs

    def _alone(self, tensor):
        return id(tensor) in self.alone and self.alone[id(tensor)][1]

    def _refuse(self, layer, inputs, chain=()):
        received, change = reason(layer, tuple(maps[0].shape for maps in inputs), chain, self.target)
        raise UnknownLayerError(
            f"Every layer must have an integer form for target {self.target!r}. Received: {received}. {change}"
        )


def _with_scale_before(layer, inputs):
    """A pointwise layer with the scale and shift before it taken in, and the maps that it then reads."""
    sources = [maker(x) for x in inputs[0]]
    if not all(isinstance(source, Affine) for source in sources):
        return layer, inputs
    scaled = affine(sources[0])
    return scaled_before(layer, *scaled), [[_read_by(x) for x in inputs[0]]]


def _read_by(tensor):
    """What the layer that made a tensor has read."""
    return call_of(tensor).input_tensors[0]


def _with(args, tensors):
    """The arguments with other tensors."""
    tensors = iter(tensors)
    return keras.tree.map_structure(lambda x: next(tensors) if isinstance(x, keras.KerasTensor) else x, args)


def _readers(source):
    """The layers that read each layer's output, by its name; None for the user of the model."""
    readers = {layer.name: [] for layer in source.operations}
    for layer in source.operations:
        for read in operations_read(layer):
            readers[read.name].append(layer)
    for x in source.outputs:
        readers[maker(x).name].append(None)
    return readers


def _size(layer):
    """Values of a layer's output; 0 where its sizes are open."""
    return math.prod(size or 0 for size in layer.output.shape[1:]) if not _shared(layer) else 0


def _known(layer):
    """Whether a layer computes what its class in keras or in this project computes."""
    ours = type(layer).__module__.split(".")[0] in ("keras", "keras_unetmm")
    first = getattr(layer, "data_format", None) == "channels_first"
    return ours and not first and not getattr(layer, "lora_enabled", False)


def _shared(layer):
    return len(calls(layer)) > 1
