"""Which channel goes next, checked on layers small enough to see it."""

import numpy as np
import pytest

from keras_unetmm.pruning import Pruning
from keras_unetmm.pruning.schedule import block_of, choose, drop_rates, widths

UNITS = {
    "enc0_block_conv0": np.array([0, 1]),
    "enc1_block_conv0": np.array([2, 3, 4, 5]),
    "enc1_block_conv1": np.array([6, 7, 8, 9]),
    "mid_block_conv0": np.array([10, 11, 12, 13, 14, 15]),
}
SCORES = {
    "enc0_block_conv0": np.array([0.9, 0.8]),
    "enc1_block_conv0": np.array([0.5, 0.1, 0.6, 0.7]),
    "enc1_block_conv1": np.array([0.4, 0.45, 0.55, 0.65]),
    "mid_block_conv0": np.array([0.3, 0.2, 0.35, 0.33, 0.31, 0.32]),
}


def picks(count, choice="channel", held=(), gone=(), units=UNITS, scores=SCORES, seed=0):
    return choose(units, held, set(gone), scores, count, choice, np.random.default_rng(seed))


def test_the_least_channels_go_first():
    assert picks(4) == [3, 11, 10, 14]


def test_what_is_held_or_gone_does_not_go():
    assert picks(3, held=[3], gone=[11]) == [10, 14, 15]


def test_the_last_channel_of_a_layer_stays():
    everything = picks(100)
    assert len(everything) == 16 - len(UNITS)
    for numbers in UNITS.values():
        assert len(set(numbers.tolist()) - set(everything)) == 1


def test_channels_that_several_layers_share_leave_none_of_them_empty():
    units = {"a": np.array([0, 1, 2]), "b": np.array([1, 2]), "c": np.array([0, 1, 2, 3])}
    scores = {name: np.arange(len(numbers), 0, -1.0) for name, numbers in units.items()}
    gone = choose(units, (), set(), scores, 10, "channel", np.random.default_rng(0))
    assert all(set(numbers.tolist()) - set(gone) for numbers in units.values())
    assert len(gone) == len(set(gone)) == 3 - 1 + 1  # of 1 and 2 one stays for b, and serves a and c as well


def test_any_channel_of_the_chosen_block():
    found = {picks(1, "block", seed=seed)[0] for seed in range(200)}
    assert found == {2, 3, 4, 5, 6, 7, 8, 9}  # the block of channel 3, the least


def test_any_channel_of_the_widest_block_and_it_needs_no_scores():
    found = {picks(1, "widest", seed=seed, scores=None)[0] for seed in range(200)}
    assert found == {10, 11, 12, 13, 14, 15}
    flattened = picks(8, "widest", scores=None)
    assert widths(UNITS, set(flattened)) == {"enc0": 2, "enc1": 4, "mid": 2}


def test_equal_channels_flatten_the_widest_layers_first():
    """Figure 3b of Lean U-Net: a layer's norm divides its scores, so that those of wide layers are small."""
    counts, random = {"enc0_conv": 4, "enc1_conv": 8, "enc2_conv": 16, "mid_conv": 32}, np.random.default_rng(0)
    ends = np.cumsum([0, *counts.values()])
    units = {name: np.arange(*ends[i : i + 2]) for i, name in enumerate(counts)}
    scores = {name: random.uniform(0.9, 1.1, count) for name, count in counts.items()}
    gone = set()
    for removed, widest in ((12, ["mid"]), (12, ["mid", "enc2"]), (12, ["mid", "enc2", "enc1"])):
        norms = {name: np.linalg.norm(values[~np.isin(units[name], list(gone))]) for name, values in scores.items()}
        picked = set(picks(removed, units=units, scores={name: scores[name] / norms[name] for name in units}, gone=gone))
        assert {block_of(next(n for n in units if number in units[n])) for number in picked} <= set(widest), removed
        gone |= picked
    left = widths(units, gone)
    assert left["enc0"] == 4
    assert max(left.values()) <= 10


def test_any_channel_of_the_layer_keeps_the_architecture():
    for seed in range(4):
        ours, theirs = picks(5, "layer", seed=seed), picks(5)
        for gone in (ours, theirs):
            assert len(set(gone)) == 5
        assert place(ours[:1]) == place(theirs[:1])
    assert any(picks(1, "layer", seed=seed) != picks(1) for seed in range(4))


def place(numbers):
    return [name for number in numbers for name, layer in UNITS.items() if number in layer]


def test_the_same_seed_makes_the_same_choice():
    assert picks(6, "block", seed=5) == picks(6, "block", seed=5)
    assert picks(6, "block", seed=5) != picks(6, "block", seed=6)


def test_layers_whose_channels_stand_first_to_go_are_dropped_most():
    rates = drop_rates(UNITS, {3}, SCORES, 0.05)
    assert rates["mid_block_conv0"] == 0.05  # ranks 9 to 14 of 15, mean 11.5
    assert rates["enc1_block_conv1"] == pytest.approx(0.05 * (8 + 7 + 5 + 3) / 4 / 11.5)
    assert rates["enc0_block_conv0"] == pytest.approx(0.05 * 0.5 / 11.5)
    assert set(drop_rates(UNITS, set(), SCORES, 0.0).values()) == {0.0}


@pytest.mark.parametrize(
    ("layer", "block"),
    [
        ("enc0_block_conv1", "enc0"),
        ("mid_block_conv0", "mid"),
        ("dec3_up", "dec3"),
        ("skip0_keep_conv", "skip0"),
        ("a_b", "a_b"),
    ],
)
def test_blocks(layer, block):
    assert block_of(layer) == block


def test_when_channels_go():
    rule = Pruning(start=100, every=20, target_channels=90, count=8)
    assert [rule.removals(step, 128) for step in (80, 99, 100, 110, 120)] == [0, 0, 8, 0, 8]
    assert [rule.removals(100, left) for left in (97, 90, 80)] == [7, 0, 0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"start": 0}, "start of Pruning must be a positive integer. Received: 0"),
        ({"every": 1.5}, "every of Pruning must be a positive integer. Received: 1.5"),
        ({"criterion": "l3"}, "criterion of Pruning must be one of 'l2', 'l1', 'taylor', 'random'. Received: 'l3'"),
        ({"choice": "column"}, "choice of Pruning must be one of 'channel', 'layer', 'block', 'widest'. Received: 'column'"),
        ({"rate": 1.0}, "rate of Pruning must be at least 0 and below 1. Received: 1.0"),
        ({"saving": "flash"}, "saving of Pruning must be one of None, 'macs', 'arena', 'engine'. Received: 'flash'"),
        ({"keep": (0.5, 1)}, r"keep of Pruning must be a tuple of shares above 0 and below 1.* Received: \(0.5, 1\)"),
        ({"up_convolutions": 1}, "up_convolutions of Pruning must be True or False. Received: 1"),
        ({"saving": "macs", "choice": "block"}, "choice of Pruning must be 'channel' to save macs. Received: 'block'"),
    ],
)
def test_refuses(changes, says):
    with pytest.raises(ValueError, match=says):
        Pruning(**({"start": 1, "every": 1, "target_channels": 1} | changes))


def test_the_old_name_of_target_channels_warns():
    with pytest.warns(FutureWarning, match="until of Pruning is now called target_channels"):
        assert Pruning(start=1, every=1, until=7).target_channels == 7
    with pytest.raises(ValueError, match="target_channels must come without until of Pruning"):
        Pruning(start=1, every=1, until=7, target_channels=8)
