"""The choice by what a channel saves: the best of what it tried, and nothing of the network changed."""

import keras
import numpy as np
from checks import ON_TORCH, ONE_BACKEND
from pruning.test_prune import network

from keras_unetmm import tflite
from keras_unetmm.analysis import macs
from keras_unetmm.conversion.conversion import Request
from keras_unetmm.conversion.convert import conversion_of
from keras_unetmm.engine.estimate import best_cuts, bytes_by_rows
from keras_unetmm.engine.lower import lower
from keras_unetmm.graph.channels import Channels
from keras_unetmm.pruning import prune, with_dropout
from keras_unetmm.pruning.dropping import dropouts
from keras_unetmm.pruning.savings import LEAST, Savings
from keras_unetmm.pruning.sized_files import SizedFiles
from keras_unetmm.runtime.tables import tables
from keras_unetmm.tflite_file.graph import read


class Given:
    """A network with what chooses its channels."""

    def __init__(self, saving, **changes):
        self.whole, shape = network("unet st", **changes)
        self.model = with_dropout(self.whole, 0.2, seed=0)
        random = np.random.default_rng(0)
        self.shown = [(random.random((2, *shape), "float32"), random.integers(0, 2, (2, *shape[:2], 1)).astype("float32"))]
        found, self.layers = Channels(self.model), dropouts(self.model)
        self.units = {name: found.made_by()[name] for name in self.layers}
        self.scores = {name: random.random(len(numbers)) for name, numbers in self.units.items()}
        self.loss = keras.losses.BinaryCrossentropy()
        self.savings = Savings(saving, self.model)
        self.savings.watch(self.model, self.loss)

    def chosen(self, count, gone=()):
        return self.savings.choose(self.units, set(), set(gone), self.scores, count, self.shown)

    def place(self, number):
        """The layer of a channel, and which one it is there."""
        return next((name, numbers.tolist().index(number)) for name, numbers in self.units.items() if number in numbers)

    def cost(self, model):
        images, masks = self.shown[0]
        return float(keras.ops.convert_to_numpy(self.loss(masks, model(images, training=False))))


@ON_TORCH
def test_most_multiply_accumulates_for_the_loss():
    given = Given("macs")
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in given.model.weights]
    layer, index = given.place(given.chosen(1)[0])
    for weight, value in zip(given.model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)
    gains = {}
    for name, scores in given.scores.items():
        least = int(np.argmin(scores))
        small = prune(given.whole, {name: [least]})
        lost = max(given.cost(small) - given.cost(given.whole), LEAST)
        gains[name, least] = (macs(given.whole, (16, 24)) - macs(small, (16, 24))) / lost
    assert gains[layer, index] > 0.99 * max(gains.values())


@ON_TORCH
def test_several_are_different_and_spare_what_is_gone():
    given = Given("macs")
    first = given.chosen(1)
    others = given.chosen(5, gone=first)
    assert len({*first, *others}) == 6


@ONE_BACKEND
def test_bytes_of_memory():
    """Of the network that is left they are what its own file takes, although most candidates were never converted."""
    files = SizedFiles()
    for saving, count in (("arena", 2), ("engine", 1)):
        given = Given(saving, levels=2, channels=4)
        given.savings.files = files
        found = [memory(saving, given, given.whole)]
        gone, dropped = [], {}
        for _ in range(count):
            number = given.chosen(1, gone)[0]
            gone.append(number)
            layer, index = given.place(number)
            dropped.setdefault(layer, []).append(index)
            found.append(memory(saving, given, prune(given.whole, dropped)))
        assert set(found) <= set(given.savings.memory.values())
        assert min(found) < found[0] or saving == "engine", found  # where a channel may save no byte
    assert files.converted <= 1 + len(given.units)  # one a kind of channel


def memory(saving, given, model):
    """Bytes of a network's own file, found without what candidates share."""
    noise = np.random.default_rng(0).random((1, 16, 24, 3), "float32")
    content = conversion_of(model, Request([noise], size=(16, 24), compared=False)).content
    if saving == "arena":
        return tflite.plan(content).planned.placement.head
    planned = tflite.plan(content, "reference").planned
    network = lower(read(planned.content).main, tables)
    return bytes_by_rows(network, [given.savings.cuts or best_cuts(network)])
