# SPDX-License-Identifier: Apache-2.0
"""A network that loses channels while it trains: what a run with `prune` does between its epochs."""

import keras
import numpy as np

from keras_unetmm.graph.channels import Channels
from keras_unetmm.pruning.criteria import Norms, Taylor, random_scores
from keras_unetmm.pruning.dropping import cleaned, dropouts, of_up_convolutions, rates_suffice, with_dropout
from keras_unetmm.pruning.prune import cut_out, prune
from keras_unetmm.pruning.savings import Savings
from keras_unetmm.pruning.schedule import choose, drop_rates, widths
from keras_unetmm.pruning.slots import carry_slots


class GradualPruning:
    """The graph of a network that is being pruned.

    A channel that goes is first switched off, by a rate of 1 of its dropout; when `Pruning.compact` of the graph's channels
    are off, the graph is built again without them.

    Args:
        pruning: `keras_unetmm.pruning.Pruning`.
        model: functional `keras.Model`, whole.
        dropped: dict of the channels that were built out of it, by layer, as indices of the whole network; or None.
        loss: Keras loss of the training.
        seed: int.
        savings: what `pruning.saving` needs: kept from a graph to the next, or None.

    Attributes:
        scores: dict of lists by layer, what the criterion last said of the channels that were there; None before it did.

    Raises:
        ValueError: for a model of which no channel can be pruned, or one for which `pruning.saving` cannot be measured.
    """

    def __init__(self, pruning, model, dropped, loss, seed, savings=None):
        self.pruning, self.seed, self.dropped = pruning, seed, dropped or {}
        whole = with_dropout(model, pruning.rate, seed, pruning.up_convolutions)
        self.whole = {name: layer.rates.shape[0] for name, layer in dropouts(whole).items()}
        if not self.whole:
            raise ValueError(
                f"model must have convolutions whose channels can be pruned. Received: {model.name}, with none."
            )
        self.model = prune(whole, self.dropped) if self.dropped else whole
        found = Channels(self.model)
        self.held = {*found.held, *(() if pruning.up_convolutions else of_up_convolutions(found))}
        self.layers = dropouts(self.model)
        made = found.made_by()
        self.units = {name: made[name] for name in self.layers}
        self.suffices = rates_suffice(self.model)
        self.scores = None
        if pruning.saving and not self.suffices:
            raise ValueError(
                f"saving of Pruning must be None where batch norm comes before convolutions, as in {model.name}: a channel "
                f"that is switched off is not one that is gone there. Received: {pruning.saving!r}."
            )
        self._criterion = self._made_criterion(loss)
        self.savings = savings or (Savings(pruning.saving, whole) if pruning.saving else None)
        if self.savings:
            self.savings.watch(self.model, loss)

    def left(self):
        """How many channels are left, over all convolutions."""
        return sum(widths(self.units, self._gone()).values())

    def counts(self):
        """What a run's log says: channels, those of each block, and those of each layer."""
        gone = self._gone()
        blocks = {f"channels_{block}": count for block, count in widths(self.units, gone).items()}
        layers = {f"layer_{name}": int((~np.isin(numbers, list(gone))).sum()) for name, numbers in self.units.items()}
        return {"channels": sum(blocks.values()), **blocks, **layers}

    def after(self, step, batches, first):
        """Switches channels off and sets the dropout rates of the others, if it is time.

        Args:
            step: int, steps done.
            batches: `keras_unetmm.data.Batches`.
            first: int, number of the batch from which on criteria are measured.

        Returns:
            bool, whether the graph should be built again.
        """
        left = self.left()
        count = self.pruning.removals(step, left)
        if not count:
            return False
        random = np.random.default_rng((self.seed, 4, left))
        shown = [batches.numbered(first + i) for i in range(self.pruning.batches)]
        gone, scores = self._gone(), None
        if self.pruning.choice != "widest":
            scores = self._scores(shown, random)
        if scores is not None:
            self.scores = {name: score[~np.isin(self.units[name], list(gone))].tolist() for name, score in scores.items()}
        if self.savings:
            chosen = self.savings.choose(self.units, self.held, gone, scores, count, shown)
        else:
            chosen = choose(self.units, self.held, gone, scores, count, self.pruning.choice, random)
        for number in chosen:  # of several layers that share one, all lose it
            if sum(widths(self.units, gone | {number}).values()) >= self.pruning.target_channels:
                gone.add(number)
        self._switch(gone, scores)
        return self.due()

    def due(self):
        """Whether so many channels are off that the graph should be built again."""
        off = len(self._gone())
        every = len({int(n) for numbers in self.units.values() for n in numbers})
        return off > 0 and (not self.suffices or off >= self.pruning.compact * every)

    def clean(self):
        """The network without dropout layers and the channels that are gone."""
        return cleaned(self.model)

    def compacted(self, trained, optimizer, loss):
        """Returns a compiled copy without the channels that are off, and what `dropped` is for it.

        Args:
            trained: compiled model of this graph's layers.
            optimizer: new optimizer of the same kind, which takes over the state of the one of `trained`.
            loss: Keras loss.
        """
        off = {name: np.flatnonzero(self._rates(layer) >= 1) for name, layer in self.layers.items()}
        dropped = {}
        for name, count in self.whole.items():
            kept = np.setdiff1d(np.arange(count), self.dropped.get(name, ()))
            dropped[name] = sorted({*self.dropped.get(name, ()), *(int(i) for i in kept[off[name]])})
        graph, smaller, cuts = cut_out(trained, off)
        smaller.compile(optimizer, loss)
        smaller.optimizer.build(smaller.trainable_variables)
        carry_slots(trained, smaller, graph, cuts)
        return smaller, dropped

    def _made_criterion(self, loss):
        if self.pruning.choice == "widest" or self.pruning.criterion == "random":
            return None
        if self.pruning.criterion == "taylor":
            return Taylor(self.model, loss)
        return Norms(self.model, int(self.pruning.criterion[1]))

    def _scores(self, shown, random):
        return self._criterion.scores(shown) if self._criterion else random_scores(self.model, random)

    def _switch(self, gone, scores):
        if scores is None:
            rates = dict.fromkeys(self.units, self.pruning.rate)
        else:
            rates = drop_rates(self.units, gone, scores, self.pruning.rate)
        for name, numbers in self.units.items():
            off = np.isin(numbers, list(gone))
            self.layers[name].rates.assign(np.where(off, 1.0, rates[name]).astype("float32"))

    def _gone(self):
        return {int(n) for name, numbers in self.units.items() for n in numbers[self._rates(self.layers[name]) >= 1]}

    def _rates(self, layer):
        return np.asarray(keras.ops.convert_to_numpy(layer.rates))
