# SPDX-License-Identifier: Apache-2.0
"""A network with targeted dropout behind each convolution that can be pruned, and the same network without it."""

import keras

from keras_unetmm.graph.channels import TRANSPOSED, Channels, keeps_zero
from keras_unetmm.graph.expand import copied, expand
from keras_unetmm.graph.nodes import followers as followers_of
from keras_unetmm.layers import TargetedDropout
from keras_unetmm.pruning.prune import prune

SUFFIX = "_drop"
ACTIVATIONS = (keras.layers.ReLU, keras.layers.PReLU, keras.layers.Activation)
UNIT = (keras.layers.BatchNormalization, *ACTIVATIONS)


def with_dropout(
    model: keras.Model, rate: float = 0.0, seed: int | None = None, up_convolutions: bool = True
) -> keras.Model:
    """Returns a copy with a `TargetedDropout` behind every convolution of which channels can be pruned: two at least.

    It stands behind the activation and the norm that follow the convolution alone, and is called `enc0_block_conv0_drop`.

    Args:
        model: a functional `keras.Model`.
        rate: float, where all its rates start.
        seed: int, of the first one; each other has the next. None for random ones.
        up_convolutions: bool, whether it stands behind transposed convolutions as well. Without, their channels stay, and so
            do those that are added to them.

    Raises:
        ValueError: for a model that is no graph, or has such layers.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> pruning.with_dropout(model, rate=0.05).output_shape
        (None, 32, 32, 2)
    """
    graph = expand(model)
    if dropouts(graph):
        raise ValueError("model must have no TargetedDropout yet. Received: one that has. Use without_dropout(model) first.")
    found = Channels(graph)
    held = {*found.held, *(() if up_convolutions else of_up_convolutions(found))}
    loose = {use.layer: [n for n in found.one(use.makes) if int(n) not in held] for use in found.uses}
    makers = [layer for layer, numbers in loose.items() if len(numbers) > 1]
    ends, made = {_end(maker).name: (i, maker.name) for i, maker in enumerate(makers)}, {}

    def call(operation, *args, **kwargs):
        outputs = operation(*args, **kwargs)
        if operation.name not in ends:
            return outputs
        i, name = ends[operation.name]
        if name not in made:  # the same for every call of the convolution
            made[name] = TargetedDropout(rate, None if seed is None else seed + i, name=f"{name}{SUFFIX}")
        return made[name](outputs)

    return keras.models.clone_model(graph, clone_function=copied, call_function=call)


def of_up_convolutions(found):
    """The numbers of the channels that transposed convolutions make, by `keras_unetmm.graph.channels.Channels`."""
    return {int(n) for use in found.uses if isinstance(use.layer, TRANSPOSED) for n in found.one(use.makes)}


def without_dropout(model: keras.Model) -> keras.Model:
    """Returns a copy without the `TargetedDropout` layers.

    Examples:
        >>> model = pruning.with_dropout(models.UNet(channels=4, levels=2, input_shape=(32, 32, 3)))
        >>> pruning.without_dropout(model).output_shape
        (None, 32, 32, 2)
    """
    graph = expand(model)
    return keras.models.clone_model(graph, clone_function=copied, call_function=_call_the_others)


def dropouts(model):
    """The `TargetedDropout` layers by the name of the convolution that they stand behind, in the order of running."""
    layers = {layer.name: layer for layer in model.layers if isinstance(layer, TargetedDropout)}
    made = [use.layer.name for use in Channels(model).uses]
    return {name: layers[f"{name}{SUFFIX}"] for name in dict.fromkeys(made) if f"{name}{SUFFIX}" in layers}


def activated(model, name):
    """What STAMP's criterion looks at: a convolution's map behind its activation function, and before the norm behind that.

    Where the norm comes first it is the map behind both; without an activation function that follows, the convolution's own.

    Args:
        model: a functional `keras.Model` from `with_dropout`.
        name: str, of the convolution.
    """
    layer = convolution = model.get_layer(name)
    while not isinstance(layer, ACTIVATIONS):
        followers = followers_of(layer)
        if len(followers) != 1 or not isinstance(followers[0], UNIT):
            return convolution.output
        layer = followers[0]
    return layer.output


def cleaned(model: keras.Model) -> keras.Model:
    """Returns the network without dropout layers and without the channels that their rates say are gone.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> pruning.cleaned(pruning.with_dropout(model, rate=0.1)).count_params() == model.count_params()
        True
    """
    gone = {name: (keras.ops.convert_to_numpy(layer.rates) >= 1).nonzero()[0] for name, layer in dropouts(model).items()}
    outputs = model.outputs if len(model.outputs) > 1 else model.outputs[0]
    return without_dropout(prune(keras.Model(model.inputs[0], outputs), gone))


def rates_suffice(model):
    """Whether a channel whose rate is 1 is gone for the whole network, with nothing behind it that makes it other than 0.

    A batch norm does, where a network has it before its convolutions.
    """
    dropped = set()
    for operation, numbers in Channels(model).passed:
        if isinstance(operation, TargetedDropout):
            dropped |= set(numbers.tolist())
        elif not keeps_zero(operation) and not dropped.isdisjoint(numbers.tolist()):
            return False
    return True


def _call_the_others(operation, *args, **kwargs):
    if isinstance(operation, TargetedDropout):
        return keras.tree.flatten((args, kwargs))[0]
    return operation(*args, **kwargs)


def _end(layer):
    """The last of the layers that make a convolution's unit: its norm and activation, in whatever order."""
    while True:
        followers = followers_of(layer)
        if len(followers) != 1 or not isinstance(followers[0], UNIT):
            return layer
        layer = followers[0]
