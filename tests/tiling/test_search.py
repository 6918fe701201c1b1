"""The program for a budget, and what cannot be made."""

import itertools

import pytest
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.tiling.analyse import TilingError, TilingNetwork
from keras_unetmm.tiling.budget import BudgetSearch
from keras_unetmm.tiling.search import SKIPS, Search
from keras_unetmm.tiling.strategy import Strategy
from keras_unetmm.tiling.strategy_parts import StrategyParts, sides
from keras_unetmm.tiling.tile import compiler_of

SIZE = (48, 32)


@pytest.fixture(scope="module")
def content():
    return encoder_decoder(9, SIZE)


def everything(compiler, levels):
    """All programs of so many levels, of tiles that no other beats in both memory and computing."""
    for bottleneck_tiled in (False, True):
        parts = StrategyParts(compiler, Strategy(levels, bottleneck_tiled=bottleneck_tiled))
        useful = {name: list(unbeaten(parts, name, tiles)) for name, tiles in parts.all_tiles().items()}
        for tiles in itertools.product(*useful.values()):
            yield parts.candidate(dict(zip(useful, tiles, strict=True)))


def unbeaten(parts, name, tiles):
    """The tiles of a part that no other beats."""
    made = {tile: parts.part(name, tile) for tile in tiles}
    costs = {tile: (part.arena, part.cost) for tile, part in made.items()}
    for tile, (arena, cost) in costs.items():
        if not any(other != (arena, cost) and other[0] <= arena and other[1] <= cost for other in costs.values()):
            yield tile


@pytest.mark.parametrize("whole", [False, True])
def test_the_fewest_multiply_accumulates_within_the_budget(whole):
    content, levels, size = encoder_decoder(9, SIZE, whole=whole, zeros=True), 2, (32, 24)  # few tiles to try them all
    compiler = compiler_of(content, size)
    programs = list(everything(compiler, levels))
    least, most = min(p.ram for p in programs), max(p.ram for p in programs)
    assert {p.choice.strategy.bottleneck for p in programs} == {"whole", "tiled"}
    smallest = Search(compiler, "keep").smallest([levels])
    assert (smallest.ram, smallest.macs) == (least, min(p.macs for p in programs if p.ram == least))
    for ram in (least, (least + most) // 2, most):
        said = tflite.tile(content, size, ram=ram, levels=levels).description
        assert said["ram_bytes"] <= ram
        assert said["macs"] == min(p.macs for p in programs if p.ram <= ram)


def test_a_tile_and_a_budget_leave_room_for_large_tiles_of_the_bottleneck():
    """Maps within the bottleneck are wide, those around it narrow."""
    net = Network()
    a = net.conv(net.input(1, *SIZE, 3), 2, (3, 3))
    b = net.conv(net.conv(net.conv(a, 8, (3, 3), stride=(2, 2)), 48, (3, 3)), 8, (3, 3))
    content = net.file(net.conv(net.concatenate([net.resize("RESIZE_NEAREST_NEIGHBOR", b, *SIZE), a], 3), 3, (3, 3)))
    search = Search(compiler_of(content, SIZE), "keep")
    strategies = (search.parts(Strategy(1, bottleneck_tiled=tiled)) for tiled in (False, True))
    whole, small = (parts.candidate(parts.smallest_tiles((8, 8))) for parts in strategies)
    assert small.choice.tiles == {"head": (8, 8), "body": (2, 2), "tail": (8, 8)}
    found = search.best_at(1, (8, 8), whole.ram - 1)
    assert small.ram <= found.ram < whole.ram
    assert whole.macs < found.macs < small.macs
    assert search.best_at(1, (8, 8), whole.ram) == whole


def gate_behind(channels):
    """A bottleneck that is wide before what sees the whole map."""
    net = Network()
    a = net.conv(net.input(1, *SIZE, 3), 2, (3, 3))
    b = net.conv(net.conv(net.conv(a, 8, (3, 3), stride=(2, 2)), channels, (3, 3)), 8, (3, 3))
    b = net.binary("MUL", b, net.conv(net.mean(b, (1, 2)), 8))
    return net.file(net.conv(net.concatenate([net.resize("RESIZE_NEAREST_NEIGHBOR", b, *SIZE), a], 3), 3, (3, 3)))


def test_a_bottleneck_is_tiled_where_that_saves_more_than_its_interpreters_take():
    for channels, is_tiled in ((16, False), (20, True)):
        search = Search(compiler_of(gate_behind(channels), SIZE), "keep")
        whole, tiled = (search.parts(Strategy(1, bottleneck_tiled=tiled)) for tiled in (False, True))
        most, least = (parts.candidate(parts.smallest_tiles((8, 8))) for parts in (whole, tiled))
        more = tiled.inner_tails - whole.inner_tails
        assert (0 < more < most.ram - least.ram) if is_tiled else (0 < most.ram - least.ram <= more)
        assert [found.choice.strategy.bottleneck_tiled for found in search.all_at(1, (8, 8))] == [False, True][
            : 1 + is_tiled
        ]


def test_a_skip_is_recomputed_where_that_leaves_room_for_larger_tiles():
    """It is cheap to compute and takes much memory; with small tiles the tail computes its halos many times."""
    net = Network()
    a = net.conv(net.input(1, *SIZE, 3), 6)
    b = net.conv(net.conv(a, 8, (3, 3), stride=(2, 2)), 8, (3, 3))
    y = net.concatenate([net.resize("RESIZE_NEAREST_NEIGHBOR", b, *SIZE), a], 3)
    for filters in (4, 4, 4, 3):
        y = net.conv(y, filters, (3, 3))
    search = Search(compiler_of(net.file(y), SIZE), "mixed")
    kept, recomputed = (search.parts(Strategy(1, skips)) for skips in search.recomputed_sets(1))
    ram = kept.candidate(kept.smallest_tiles()).ram
    best = [BudgetSearch(parts, ram).best(parts.all_tiles()) for parts in (kept, recomputed)]
    assert best[1].macs < best[0].macs
    assert search.within([1], ram).macs == best[1].macs
    assert search.within([1], best[1].ram - 1).macs > best[1].macs


def test_mixed_is_never_worse(content):
    sizes = {skips: tflite.tile(content, SIZE, skips=skips).description["ram_bytes"] for skips in SKIPS}
    assert sizes["mixed"] == min(sizes.values())


def test_a_budget_below_the_smallest_program_is_told_the_smallest(content):
    least = tflite.tile(content, SIZE).description["ram_bytes"]
    with pytest.raises(TilingError, match=f"ram={least - 1:,} is below the smallest program, which takes {least:,} bytes"):
        tflite.tile(content, SIZE, ram=least - 1)
    assert tflite.tile(content, SIZE, ram=least).description["ram_bytes"] == least


def test_an_operator_that_sees_the_whole_map_is_named_in_a_tiled_level():
    content = encoder_decoder(9, SIZE, inner="mean")
    with pytest.raises(TilingError, match=r"operator \d+, MEAN, of .*looks at the whole map. Use blocks without"):
        tflite.tile(content, SIZE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tile": 10, "levels": 2}, "tile must be a multiple of 4, to which 2 levels shrink it.* Use 8 or 12"),
        ({"tile": 0}, "tile must be a number of pixels"),
        ({"tile": (8, 8, 8)}, "tile must be a number of pixels"),
        ({"levels": 3}, "levels must lie between 1 and 2"),
        ({"skips": "some"}, "skips must be one of 'keep', 'recompute', 'mixed'"),
        ({"ram": 0}, "ram must be a number of bytes"),
        ({"levels": 1.5}, "levels must be a number of levels"),
        ({"border": "none"}, "border must be one of 'once', 'same'"),
        ({"kernels": "fast"}, "kernels must be one of"),
        ({"size": 48}, "size must be"),
    ],
)
def test_what_does_not_fit_is_said(content, arguments, message):
    with pytest.raises(ValueError, match=message):
        tflite.tile(content, **{"size": SIZE, **arguments})


def test_an_image_smaller_than_the_halo_is_refused():
    content = encoder_decoder(1, SIZE)
    halo = tflite.tile(content, SIZE, levels=2).description["halo"]
    assert halo > 8
    with pytest.raises(TilingError, match=f"size must be at least as large as the halo .*, {halo} pixels with levels=2"):
        tflite.tile(content, (8, 8), levels=2)


def test_a_network_without_a_bottleneck_is_refused():
    net = Network()
    x = net.input(1, 16, 16, 3)
    with pytest.raises(TilingError, match="model must have a level below full resolution"):
        tflite.tile(net.file(net.conv(x, 3, (3, 3))), (16, 16))


def test_a_network_of_two_images_is_refused():
    net = Network()
    a, b = net.input(1, 16, 16, 3), net.input(1, 16, 16, 3)
    with pytest.raises(TilingError, match="model must take one image and give one map"):
        tflite.tile(net.file(net.binary("ADD", a, b)), (16, 16))


def gated(net, x):
    """The finest level multiplied by a mean of the bottleneck."""
    a = net.conv(x, 6, (3, 3))
    b = net.conv(net.conv(a, 6, (2, 2), stride=(2, 2)), 6, (3, 3))
    gate = net.conv(net.mean(b, (1, 2)), 6)
    return net.conv(net.binary("MUL", net.binary("ADD", net.resize("RESIZE_NEAREST_NEIGHBOR", b, 16, 16), a), gate), 3)


def coordinates(net, x):
    """A constant with a value for each place."""
    a = net.concatenate([net.conv(x, 6, (3, 3)), net.constant(1, 16, 16, 2)], 3)
    b = net.conv(net.conv(a, 6, (2, 2), stride=(2, 2)), 6, (3, 3))
    return net.conv(net.resize("RESIZE_NEAREST_NEIGHBOR", b, 16, 16), 3)


def flat(net, x):
    """A softmax along the columns, of a map whose channels are gone."""
    b = net.conv(net.conv(x, 6, (2, 2), stride=(2, 2)), 6, (3, 3))
    y = net.conv(net.resize("RESIZE_NEAREST_NEIGHBOR", b, 16, 16), 3)
    y = net.unary("SOFTMAX", net.mean(y, (3,), keep=False), scale=1 / 256, zero_point=-128)
    return net.binary("MUL", x, net.reshape(y, 1, 16, 16, 1))


def constants(net, x):
    """An operator that reads no map."""
    b = net.conv(net.conv(x, 6, (2, 2), stride=(2, 2)), 6, (3, 3))
    y = net.resize("RESIZE_NEAREST_NEIGHBOR", b, 16, 16)
    return net.conv(net.binary("MUL", y, net.unary("RELU", net.constant(1, 1, 1, 6))), 3)


def coarse(net, x):
    """An output that is coarser than the image."""
    return net.conv(net.conv(x, 6, (3, 3), stride=(2, 2)), 3, (3, 3))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (gated, "would run tile by tile, and it reads what is made of a whole map"),
        (coordinates, "one of its constants has a value for each place"),
        (flat, "SOFTMAX.*a map without channels"),
        (constants, "which reads constants alone"),
        (coarse, "levels must be fewer than those at which the output is made"),
    ],
)
def test_networks_that_cannot_be_tiled_are_named(network, message):
    net = Network()
    content = net.file(network(net, net.input(1, 16, 16, 3)))
    with pytest.raises(TilingError, match=message):
        tflite.tile(content, (16, 16))


def test_several_images_at_once_are_refused():
    net = Network()
    with pytest.raises(TilingError, match=r"model must take one image at a time\. Received: 2"):
        tflite.tile(net.file(net.conv(net.input(2, 16, 16, 3), 3)), (16, 16))


def test_what_is_bound_to_a_size_is_said():
    net = Network()
    x = net.input(1, 16, 16, 3)
    b = net.conv(net.conv(x, 6, (2, 2), stride=(2, 2)), 6, (3, 3))
    b = net.binary("MUL", b, net.mean(b, (2,)))
    content = net.file(net.conv(net.resize("RESIZE_NEAREST_NEIGHBOR", b, 16, 16), 3))
    assert tflite.tile(content, (16, 16)).description["levels"] == 1
    with pytest.raises(TilingError, match=r"size must be that for which the network was converted, 16x16, for .*MEAN"):
        tflite.tile(content, (16, 24))


def test_sides_waste_as_little_as_can_be():
    assert sides(256, 16) == [256, 128, 96, 64, 48, 32, 16]
    assert sides(40, 16) == [48, 32, 16]


def test_what_cannot_be_tiled_has_neither_scale_nor_receptive_field():
    network = TilingNetwork(encoder_decoder(whole=True))
    position = min(network.reasons)
    mean = network.graph.operators[position].outputs[0]
    assert network.scale(network.image) == 1
    with pytest.raises(TilingError, match="must run tile by tile"):
        network.fields(position)
    with pytest.raises(TilingError, match="must be a map"):
        network.scale(mean)
