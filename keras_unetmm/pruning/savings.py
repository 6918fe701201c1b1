# SPDX-License-Identifier: Apache-2.0
"""What a channel saves on the device, against what its absence costs: the choice that STAMP lacks."""

import warnings

import keras
import numpy as np

from keras_unetmm.graph.channels import Channels
from keras_unetmm.graph.expand import expand
from keras_unetmm.pruning.dropping import cleaned, dropouts, without_dropout
from keras_unetmm.pruning.schedule import free, means
from keras_unetmm.pruning.sized_files import SizedFiles

TRIED = 4  # candidates whose memory is planned: those that save most multiply-accumulates for their loss
LEAST = 1e-6  # of a loss: what costs nothing measurable


class Savings:
    """Chooses channels by the multiply-accumulates, or bytes of memory, that they save for each bit of loss.

    Candidates are the least channels of each layer. Each is switched off in turn, and the loss measured on the batches that
    are shown. By memory, candidates that save none are ranked behind all others, among each other by multiply-accumulates.
    Memory depends on sizes alone, so that candidates share conversions, see `keras_unetmm.pruning.sized_files`.

    Args:
        saving: `"macs"`; `"arena"`, the planned arena of the int8 file; or `"engine"`, the RAM of the engine's schedule by
            rows, cut where that is best for the whole network or no oftener than it must.
        whole: the graph of the whole network, with `TargetedDropout` layers.
    """

    def __init__(self, saving, whole):
        self.saving, self.whole = saving, whole
        self.memory, self.files, self.cuts = {}, SizedFiles(), None

    def watch(self, model, loss):
        """Takes the graph whose channels shall be chosen: a model with `TargetedDropout` layers, and the loss."""
        self.model, self.layers, self.sized = model, dropouts(model), None
        self.judge = keras.Model(model.inputs[0], model.outputs[0])
        self.judge.compile(loss=loss, jit_compile=keras.backend.backend() == "jax")

    def choose(self, units, held, gone, scores, count, shown):
        """Returns the numbers of the channels that go next.

        Args:
            units, held, gone, scores, count: see `keras_unetmm.pruning.schedule.choose`.
            shown: list of batches of images and references.
        """
        size, chosen = shown[0][0].shape[1:-1], []
        if self.sized is None:  # the same graph, the same numbers
            self.sized = Channels(expand(self.model, (1, *size, shown[0][0].shape[-1])))
        score = means(units, scores)
        while len(chosen) < count:
            off = gone | set(chosen)
            loose = set(free(units, held, off))
            least = {min(layer, key=score.get) for numbers in units.values() if (layer := loose & set(numbers.tolist()))}
            if not least:
                break
            chosen.append(self._best(sorted(least), units, off, size, shown))
        return chosen

    def _best(self, candidates, units, off, size, shown):
        whole = self._loss(units, off, shown)
        costs = {number: max(self._loss(units, off | {number}, shown) - whole, LEAST) for number in candidates}
        macs = self.sized.macs(off)
        gains = {number: (macs - self.sized.macs(off | {number})) / cost for number, cost in costs.items()}
        ranked = sorted(candidates, key=gains.get, reverse=True)
        if self.saving == "macs":
            return ranked[0]
        taken = self._memory(units, off, size)
        saved = {number: (taken - self._memory(units, off | {number}, size)) / costs[number] for number in ranked[:TRIED]}
        return max(saved, key=lambda number: (saved[number], gains[number]))

    def _loss(self, units, off, shown):
        with self._switched(units, off):
            return float(np.mean([self.judge.test_on_batch(*batch) for batch in shown]))

    def _memory(self, units, off, size):
        """Bytes of memory of the int8 file, which depend on how many channels each layer has left."""
        key = tuple(int((~np.isin(numbers, list(off))).sum()) for numbers in units.values())
        if key not in self.memory:
            if self.files.content is None:
                made, layers = Channels(self.whole).made_by(), dropouts(self.whole)
                self.files.begin({name: made[name] for name in layers}, _converted(without_dropout(self.whole), size))
            content = self.files.file(units, off, lambda: self._without(units, off, size))
            self.memory[key] = self._engine(content) if self.saving == "engine" else _arena(content)
        return self.memory[key]

    def _without(self, units, off, size):
        """The int8 file without the channels that are off."""
        with self._switched(units, off):
            network = cleaned(self.model)
        return _converted(network, size)

    def _engine(self, content):
        """Bytes of the engine's schedule by rows."""
        from keras_unetmm.engine.estimate import best_cuts, bytes_by_rows
        from keras_unetmm.engine.lower import lower
        from keras_unetmm.planner.planner import plan
        from keras_unetmm.runtime.tables import tables
        from keras_unetmm.tflite_file.graph import read

        def lowered(file):
            planned = plan(file, "reference").planned  # in the order in which the engine runs it
            return lower(read(file if planned is None else planned.content).main, tables)

        if self.cuts is None:
            self.cuts = best_cuts(lowered(self.files.content))
        return bytes_by_rows(lowered(content), [self.cuts])

    def _switched(self, units, off):
        return _Switched({self.layers[name]: np.isin(numbers, list(off)) for name, numbers in units.items()})


def _converted(network, size):
    """The int8 file of a network for images of a size."""
    from keras_unetmm.conversion.conversion import Request
    from keras_unetmm.conversion.convert import conversion_of  # seconds, which other choices do not need

    noise = np.random.default_rng(0).random((1, *size, network.inputs[0].shape[-1]), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values: only sizes matter here
        return conversion_of(network, Request([noise], size=tuple(size), compared=False)).content


def _arena(content):
    """Bytes of the planned arena."""
    from keras_unetmm.planner.planner import plan

    found = plan(content)
    return found.planned.placement.head if found.planned else found.greedy_head


class _Switched:
    """Channels switched off for a while."""

    def __init__(self, masks):
        self.masks = masks

    def __enter__(self):
        self.before = {layer: np.array(keras.ops.convert_to_numpy(layer.rates)) for layer in self.masks}
        for layer, off in self.masks.items():
            layer.rates.assign(np.where(off, 1.0, np.minimum(self.before[layer], 0.99)).astype("float32"))

    def __exit__(self, *exception):
        for layer, rates in self.before.items():
            layer.rates.assign(rates)
