# SPDX-License-Identifier: Apache-2.0
"""Which channel goes next, and how often each one is dropped until then: STAMP's rule and its rivals."""

import re
from dataclasses import InitVar, dataclass

import numpy as np

from keras_unetmm.deprecation import renamed

CRITERIA = "l2", "l1", "taylor", "random"
CHOICES = "channel", "layer", "block", "widest"
SAVINGS = None, "macs", "arena", "engine"


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """How a network loses channels while it trains, the field `prune` of a recipe.

    STAMP (Dinsdale et al., Medical Image Analysis 2022) is `criterion="l2"`, `choice="channel"`. It counts in epochs; here
    steps are counted, as in all recipes: `every` is the steps of its recovery epochs. Its end, a layer that would be empty,
    is not one here: the last channel of a layer stays and others go, until `target_channels` are left or every layer has
    one.

    Args:
        start: int, steps before the first channel goes; a multiple of the recipe's `save_every`.
        every: int, steps of recovery between two removals; a multiple of it, too.
        target_channels: int, channels that stay at least, over all convolutions of which channels can go.
        count: int, channels that go at a time.
        criterion: `"l2"` or `"l1"`, norm of a channel's activations behind the activation function of its convolution and
            before the norm that follows, as in STAMP's released code; `"taylor"`, activation times gradient of the loss; or
            `"random"`. Each is divided by the norm of its layer's.
        choice: `"channel"`, of which the criterion is least; `"layer"`, any of the layer that has this one: the architecture
            is STAMP's, the channels are not; `"block"`, any of its block; `"widest"`, any of the block with most channels a
            layer, which needs no data.
        rate: float, the base probability of targeted dropout, see `drop_rates`.
        saving: None; or what a channel has to save, measured against the loss of Dice (the recipe's loss, on `batches`) that
            its absence costs: `"macs"`; `"arena"`, the planned arena of the int8 file; or `"engine"`, the RAM of the
            engine's schedule by rows. The least channel of each layer is tried.
        batches: int, of training data, on which criteria are measured.
        compact: float, share of the channels in the graph that may be gone before it is built again without them.
        up_convolutions: bool, whether transposed convolutions lose channels, too. STAMP leaves them whole.
        keep: tuple of float, shares of the channels at which a run keeps the network, `kept_75.keras` for 0.75, and what the
            criterion said, `criterion_75.json`: structures to train from the beginning.
        until: old name of `target_channels`.

    Raises:
        ValueError: that names the argument.

    Examples:
        >>> pruning.Pruning(start=100, every=50, target_channels=64).criterion
        'l2'
    """

    start: int
    every: int
    target_channels: int | None = None
    count: int = 1
    criterion: str = "l2"
    choice: str = "channel"
    rate: float = 0.05
    saving: str | None = None
    batches: int = 4
    compact: float = 0.2
    up_convolutions: bool = False
    keep: tuple[float, ...] = ()
    until: InitVar[int | None] = None

    def __post_init__(self, until):
        given = renamed("until of Pruning", until, "target_channels", self.target_channels, None)
        object.__setattr__(self, "target_channels", given)
        for name in ("start", "every", "target_channels", "count", "batches"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} of Pruning must be a positive integer. Received: {value!r}.")
        for name, choices in (("criterion", CRITERIA), ("choice", CHOICES), ("saving", SAVINGS)):
            if getattr(self, name) not in choices:
                known = ", ".join(map(repr, choices))
                raise ValueError(f"{name} of Pruning must be one of {known}. Received: {getattr(self, name)!r}.")
        for name in ("rate", "compact"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ValueError(f"{name} of Pruning must be at least 0 and below 1. Received: {value!r}.")
        if type(self.up_convolutions) is not bool:
            raise ValueError(f"up_convolutions of Pruning must be True or False. Received: {self.up_convolutions!r}.")
        shares = isinstance(self.keep, tuple) and all(isinstance(share, float) and 0 < share < 1 for share in self.keep)
        if not shares:
            raise ValueError(
                f"keep of Pruning must be a tuple of shares above 0 and below 1, as (0.75, 0.5). Received: {self.keep!r}."
            )
        if self.saving and self.choice != "channel":
            raise ValueError(f"choice of Pruning must be 'channel' to save {self.saving}. Received: {self.choice!r}.")

    def removals(self, step: int, left: int) -> int:
        """How many channels go after a step, of so many."""
        due = step >= self.start and (step - self.start) % self.every == 0
        return min(self.count, max(left - (self.target_channels or 0), 0)) if due else 0


def choose(units, held, gone, scores, count, choice, random):
    """Returns the numbers of the channels that go next.

    Args:
        units: dict by layer of the numbers of its channels, in the order of running, see `keras_unetmm.graph.channels`.
        held: numbers that cannot go.
        gone: set of the numbers that are gone.
        scores: dict by layer of arrays, the least goes first; None for `"widest"`, which needs none.
        count: int, how many.
        choice: see `Pruning`.
        random: `numpy.random.Generator`.
    """
    gone, chosen = set(gone), []
    mean = {} if choice == "widest" else means(units, scores)
    for _ in range(count):
        loose = free(units, held, gone)
        if not loose:
            break
        if choice == "widest":
            place, chosen_place = _block, _widest(units, gone, {_block(units, number) for number in loose})
        else:
            number = min(loose, key=lambda n: (mean[n], n))
            place = _layer if choice == "layer" else _block
            chosen_place = place(units, number)
        if choice != "channel":
            number = int(random.choice([n for n in loose if place(units, n) == chosen_place]))
        gone.add(number)
        chosen.append(number)
    return chosen


def drop_rates(units, gone, scores, base):
    """Returns the rate of each layer's dropout: `base` for the layer whose channels stand first to go, less for others.

    As in STAMP's released code, a layer's rate is the mean rank of its channels among all that are left, the next to go
    highest, divided by the highest such mean, times the base probability.

    Args:
        units, gone, scores: see `choose`.
        base: float.
    """
    left = [(scores[name][i], name) for name, numbers in units.items() for i, n in enumerate(numbers) if int(n) not in gone]
    ranks = {name: [] for name in units}
    for rank, (_, name) in enumerate(sorted(left, reverse=True)):
        ranks[name].append(rank)
    means = {name: np.mean(of_layer) if of_layer else 0.0 for name, of_layer in ranks.items()}
    return {name: float(base * mean / max(*means.values(), 1)) for name, mean in means.items()}


def block_of(layer):
    """The block of a layer, the stage that its name begins with: `enc0` of `enc0_block_conv0`."""
    found = re.match(r"(enc\d+|mid|dec\d+|skip\d+)_", layer)
    return found[1] if found else layer


def widths(units, gone):
    """How many channels each block has left, `{block: count}`."""
    counts = {}
    for name, numbers in units.items():
        counts[block_of(name)] = counts.get(block_of(name), 0) + sum(int(n) not in gone for n in numbers)
    return counts


def free(units, held, gone):
    """The numbers that may go without leaving a layer empty."""
    alive = {name: [int(n) for n in numbers if int(n) not in gone] for name, numbers in units.items()}
    lasts = {n for numbers in alive.values() if len(set(numbers)) == 1 for n in numbers}
    return sorted({n for numbers in alive.values() for n in numbers} - lasts - set(held))


def _layer(units, number):
    """The first layer that makes a channel."""
    return next(name for name, numbers in units.items() if number in numbers)


def _block(units, number):
    return block_of(_layer(units, number))


def _widest(units, gone, blocks):
    """The block with most channels a layer."""
    layers = {}
    for name in units:
        layers[block_of(name)] = layers.get(block_of(name), 0) + 1
    counts = widths(units, gone)
    return max((block for block in counts if block in blocks), key=lambda block: counts[block] / layers[block])


def means(units, scores):
    """The score of each number, of those that several layers have the mean."""
    found = {}
    for name, numbers in units.items():
        for number, score in zip(numbers.tolist(), scores[name], strict=True):
            found.setdefault(number, []).append(score)
    return {number: float(np.mean(each)) for number, each in found.items()}
