"""What a channel saves on the device, against what its absence costs: the choice that STAMP lacks."""

import warnings

import keras
import numpy as np

from keras_unetmm.graph.channels import Channels
from keras_unetmm.graph.expand import expand
from keras_unetmm.pruning.dropping import cleaned, dropouts
from keras_unetmm.pruning.schedule import free, means

TRIED = 4  # candidates whose arena is planned: those that save most multiply-accumulates for their loss
LEAST = 1e-6  # of a loss: what costs nothing measurable


class Savings:
    """Chooses channels by the multiply-accumulates, or bytes of the planned arena, that they save for each bit of loss.

    Candidates are the least channels of each layer. Each is switched off in turn, and the loss measured on the batches that
    are shown. By arena, candidates that save none are ranked behind all others, among each other by multiply-accumulates.

    Args:
        saving: `"macs"` or `"arena"`.
    """

    def __init__(self, saving):
        self.saving, self.arenas = saving, {}

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
        arena = self._arena(units, off, size)
        saved = {number: (arena - self._arena(units, off | {number}, size)) / costs[number] for number in ranked[:TRIED]}
        return max(saved, key=lambda number: (saved[number], gains[number]))

    def _loss(self, units, off, shown):
        with self._switched(units, off):
            return float(np.mean([self.judge.test_on_batch(*batch) for batch in shown]))

    def _arena(self, units, off, size):
        """Bytes of the planned arena of the int8 file, which depend on how many channels each layer has left."""
        key = tuple(int((~np.isin(numbers, list(off))).sum()) for numbers in units.values())
        if key not in self.arenas:
            from keras_unetmm.conversion.conversion import Request
            from keras_unetmm.conversion.convert import conversion_of  # seconds, which other choices do not need
            from keras_unetmm.planner.planner import plan

            with self._switched(units, off):
                network = cleaned(self.model)
            noise = np.random.default_rng(0).random((1, *size, self.model.inputs[0].shape[-1]), "float32")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of values: only sizes matter here
                found = plan(conversion_of(network, Request([noise], size=tuple(size), compared=False)).content)
            self.arenas[key] = found.planned.placement.head if found.planned else found.greedy_head
        return self.arenas[key]

    def _switched(self, units, off):
        return _Switched({self.layers[name]: np.isin(numbers, list(off)) for name, numbers in units.items()})


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
