# SPDX-License-Identifier: Apache-2.0
"""How much a channel matters: norms of its activations, or what the loss would change without it."""

import keras
import numpy as np

from keras_unetmm.layers import ChannelScale, TargetedDropout
from keras_unetmm.pruning.dropping import activated, dropouts


class Norms:
    """The norm of each channel's activations, over space, as a mean over examples: the criterion of STAMP.

    It is taken where `keras_unetmm.pruning.dropping.activated` says, as in STAMP's released code, behind ReLU and before the
    norm: behind a batch norm all channels are of one size, and the ranking would be that of the norm's parameters. A channel
    that is switched off scores 0.

    Args:
        model: a functional `keras.Model` with `TargetedDropout` layers, from `with_dropout`.
        order: 1 or 2.
    """

    def __init__(self, model, order):
        self.layers, self.order = dropouts(model), order
        self.probe = keras.Model(model.inputs[0], [activated(model, name) for name in self.layers])

    def scores(self, batches):
        """Returns `{layer: scores}` over batches of images and references."""
        sums, examples = None, 0
        for images, _ in batches:
            maps = keras.tree.flatten(self.probe.predict_on_batch(images))
            norms = [self._norms(np.asarray(array, "float64")).sum(0) for array in maps]
            sums = norms if sums is None else [a + b for a, b in zip(sums, norms, strict=True)]
            examples += len(images)
        alive = [keras.ops.convert_to_numpy(layer.rates) < 1 for layer in self.layers.values()]
        every = zip(self.layers, sums, alive, strict=True)
        return {name: _normalized(total * left / examples) for name, total, left in every}

    def _norms(self, array):
        return np.linalg.norm(array.reshape(len(array), -1, array.shape[-1]), self.order, axis=1)


class Taylor:
    """Activation times gradient, summed over space and examples: the change of the loss without the channel, to first order.

    That sum is the gradient of the loss with respect to a factor of the channel that is 1, so it is found by one step of
    gradient descent on such factors, in a copy of the network in which nothing else learns.

    Args:
        model: see `Norms`.
        loss: Keras loss.
    """

    def __init__(self, model, loss):
        self.model = model

        def call(operation, *args, **kwargs):
            if isinstance(operation, TargetedDropout):
                return ChannelScale(1.0, name=operation.name)(*args)
            return args[0] if isinstance(operation, keras.layers.Dropout) else operation(*args, **kwargs)

        self.copy = keras.models.clone_model(model, call_function=call)
        for layer in self.copy.layers:
            layer.trainable = isinstance(layer, ChannelScale)
        compiled = keras.backend.backend() == "jax"
        self.copy.compile(keras.optimizers.SGD(1.0), loss, jit_compile=compiled, auto_scale_loss=False)

    def scores(self, batches):
        """Returns `{layer: scores}` over batches of images and references."""
        for layer in self.model.layers:
            if not isinstance(layer, TargetedDropout) and layer.weights:
                self.copy.get_layer(layer.name).set_weights(layer.get_weights())
        found = dropouts(self.model)
        sums = dict.fromkeys(found, 0.0)
        for images, references in batches:
            for layer in found.values():
                self.copy.get_layer(layer.name).scale.assign(keras.ops.cast(layer.rates < 1, "float32"))
            before = self._factors(found)
            self.copy.train_on_batch(images, references)
            after = self._factors(found)
            sums = {name: sums[name] + before[name] - after[name] for name in found}
        return {name: _normalized(np.abs(total)) for name, total in sums.items()}

    def _factors(self, found):
        return {n: np.array(keras.ops.convert_to_numpy(self.copy.get_layer(layer.name).scale)) for n, layer in found.items()}


def random_scores(model, random):
    """Returns a random score for each channel, `{layer: scores}`."""
    return {name: random.random(layer.rates.shape[0]) for name, layer in dropouts(model).items()}


def _normalized(scores):
    """Scores of one layer divided by their norm, so that layers can be compared."""
    return scores / max(np.linalg.norm(scores), 1e-12)
