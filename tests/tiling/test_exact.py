"""The same bytes for every tile, every way of having the skips, and the whole file's own away from the border."""

import numpy as np
import pytest
from tflite.network import Network
from tflite.tiling.choices import chosen
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.runtime import tiled
from keras_unetmm.tiling.emit import emit
from keras_unetmm.tiling.strategy import Choice, Strategy
from keras_unetmm.tiling.strategy_parts import StrategyParts, sides
from keras_unetmm.tiling.tile import compiler_of, trade_off


def image(size, seed=0):
    return np.random.default_rng(seed).integers(-128, 128, (*size, 3)).astype("int8")


@pytest.mark.parametrize("seed", range(6))
def test_every_tile_gives_the_same_bytes(seed):
    size = (41, 52) if seed % 2 else (48, 32)  # the network's own, and one that no tile divides
    content, x = encoder_decoder(seed, whole=seed % 3 == 0), image(size, seed)
    choices = [{"tile": 64}, {"tile": 8}, {"tile": 16, "skips": "mixed"}, {"tile": (12, 20), "skips": "recompute"}]
    outputs = [tflite.run_tiled(tflite.tile(content, size, **choice), x).output for choice in choices]
    for choice, output in zip(choices[1:], outputs[1:], strict=True):
        np.testing.assert_array_equal(output, outputs[0], err_msg=str(choice))


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_away_from_the_border_it_is_the_file_itself(seed):
    size, border = (96, 112), 40
    content, x = encoder_decoder(seed, size), image(size, seed)
    whole = tflite.run(content, x).outputs[0][0]
    tiled = tflite.run_tiled(tflite.tile(content, size, tile=16), x).output
    inside = (slice(border, -border),) * 2
    np.testing.assert_array_equal(tiled[inside], whole[inside])
    assert len(np.unique(whole[inside])) > 20, "an output that says something"


def test_the_border_is_that_of_an_image_that_goes_on():
    """One convolution before the bottleneck's level, so that what it reads outside shows in the first pixels."""
    size = (32, 32)
    content, x = encoder_decoder(5, size, skips=False), image(size)
    around = np.pad(x, ((32, 32), (32, 32), (0, 0)), "edge")
    program = tflite.tile(content, size, tile=8)
    end = next(end for end in program.description["parts"]["head"]["inputs"] if end["map"] == "image")
    (top, bottom), (left, right) = end["region"]
    part = tflite.run(program.files["head.tflite"], around[32 + top : 32 + bottom, 32 + left : 32 + right])
    seen = []

    def spy(file, inputs, runtime, run=tiled.run):
        result = run(file, inputs, runtime)
        seen.append(result.outputs)
        return result

    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(tiled, "run", spy)
        tflite.run_tiled(program, x)
    for first, expected in zip(seen[0], part.outputs, strict=True):
        np.testing.assert_array_equal(first[0], expected[0])


def test_litert_too_gives_the_same_bytes_for_every_tile():
    content, x = encoder_decoder(2), image((48, 32))
    for runtime in ("litert", "litert-reference"):
        a, b = (tflite.run_tiled(tflite.tile(content, (48, 32), tile=t), x, runtime).output for t in (8, 32))
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(4))
def test_with_the_border_of_the_file_it_is_the_file_everywhere(seed):
    content, x = encoder_decoder(seed, whole=seed % 2 == 0, zeros=True), image((48, 32), seed)
    whole = tflite.run(content, x).outputs[0][0]
    for choice in ({"tile": 8}, {"tile": (12, 20), "skips": "recompute"}, {"tile": 16, "levels": 1}):
        program = tflite.tile(content, (48, 32), border="same", **choice)
        np.testing.assert_array_equal(tflite.run_tiled(program, x).output, whole, err_msg=str(choice))
    padded = np.full((44, 32, 3), -128, "int8")  # as the network pads an image that its levels do not divide
    padded[:41, :30] = x[:41, :30]
    whole = tflite.run(encoder_decoder(seed, (44, 32), whole=seed % 2 == 0, zeros=True), padded).outputs[0][0]
    tiled = tflite.run_tiled(tflite.tile(content, (41, 30), border="same", tile=8), x[:41, :30]).output
    np.testing.assert_array_equal(tiled, whole[:41, :30])


@pytest.mark.parametrize("border", ["once", "same"])
@pytest.mark.parametrize("seed", range(4))
def test_a_tiled_bottleneck_gives_the_bytes_of_a_whole_one(seed, border):
    size = (41, 52) if seed % 2 else (48, 32)
    content, x = encoder_decoder(seed, whole=seed != 2, zeros=True), image(size, seed)
    compiler = compiler_of(content, size, border=border)
    for levels in (1, 2):
        middle = [part.whole for part in compiler.partition(levels).bottleneck_passes]
        assert middle == ([False, True, False] if seed != 2 else [False])
        outputs = []
        for tiles in (None, ((4, 4),) * middle.count(False), ((16, 8), (8, 20))[: middle.count(False)]):
            program = emit(compiler, chosen(compiler, levels, (16, 16), (8, 16), tiles), size)
            assert program.description["bottleneck"] == ("whole" if tiles is None else "tiled")
            outputs.append(tflite.run_tiled(program, x).output)
        np.testing.assert_array_equal(outputs[1], outputs[0])
        np.testing.assert_array_equal(outputs[2], outputs[0])


def test_a_bottleneck_that_pads_with_no_zeros_runs_whole():
    net = Network()
    x = net.input(1, 16, 16, 3)
    y = net.conv(net.conv(x, 4, (2, 2), stride=(2, 2)), 4, (3, 3))
    y = net.conv(net.pool("AVERAGE_POOL_2D", y, (3, 3), stride=(1, 1)), 4, (3, 3))
    content = net.file(net.conv(net.resize("RESIZE_NEAREST_NEIGHBOR", y, 16, 16), 3))
    assert compiler_of(content, (64, 64)).partition(1).bottleneck_passes == ()
    assert tflite.tile(content, (64, 64)).description["bottleneck"] == "whole"


def test_a_border_that_is_no_zeros_is_refused():
    net = Network()
    x = net.input(1, 16, 16, 3)
    pooled = net.pool("AVERAGE_POOL_2D", net.conv(x, 4), (3, 3), stride=(1, 1))
    y = net.conv(net.conv(pooled, 4, (2, 2), stride=(2, 2)), 4, (3, 3))
    content = net.file(net.conv(net.resize("RESIZE_NEAREST_NEIGHBOR", y, 16, 16), 3))
    with pytest.raises(ValueError, match=r"border='same' needs operators that pad int8 with zeros.*AVERAGE_POOL_2D"):
        tflite.tile(content, (16, 16), border="same")
    assert tflite.tile(content, (16, 16)).description["border"] == "once"


def up(net, x, factor=2):
    _, height, width, _ = net.shape(x)
    return net.resize("RESIZE_NEAREST_NEIGHBOR", x, factor * height, factor * width)


def nested(net, x):
    """A decoder within the encoder: a skip that is computed from another one."""
    a = net.conv(x, 6, (3, 3))
    b = net.conv(net.pool("MAX_POOL_2D", a, stride=(2, 2)), 6, (3, 3))
    c = net.conv(net.pool("MAX_POOL_2D", b, stride=(2, 2)), 6, (3, 3))
    c = net.conv(c, 6, (3, 3))
    d = net.conv(net.concatenate([a, up(net, b)], 3), 6, (3, 3))
    e = net.conv(net.concatenate([b, up(net, c)], 3), 6, (3, 3))
    return net.conv(net.concatenate([d, up(net, e)], 3), 3, (3, 3))


def halves(net, x):
    """The two halves of one map as two skips."""
    first, second = net.split(net.conv(x, 12, (3, 3)), 2)
    b = net.conv(first, 6, (3, 3), stride=(2, 2))
    c = net.binary("ADD", net.conv(b, 6, (3, 3)), b)
    y = net.binary("SUB", net.binary("ADD", up(net, net.binary("ADD", b, c)), second), first)
    return net.conv(net.concatenate([y, up(net, b)], 3), 3, (3, 3))


def with_borders(net, x):
    """Maps with a border of their own where the cuts are."""
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    a = net.conv(x, 4, (3, 3))
    b = net.conv(a, 6, (3, 3), stride=(2, 2))
    b = net.conv(net.pad(b, *around), 6, (3, 3), padding="VALID")
    y = net.conv(net.pad(a, *around), 6, (3, 3), padding="VALID")
    return net.conv(net.binary("ADD", up(net, b), y), 3)


def thirds(net, x):
    """Levels of another factor than 2."""
    a = net.conv(x, 6, (3, 3))
    b = net.conv(net.conv(a, 6, (3, 3), stride=(3, 3)), 6, (3, 3))
    return net.conv(net.binary("ADD", net.transposed(b, 6, (3, 3), (3, 3)), a), 3, (3, 3))


def overwritten(net, x):
    """A map that is written over a map that is written over a third, beside one that is read with a halo meanwhile."""
    a = net.conv(x, 2, (3, 3))
    b, other = (net.conv(a, 8, (3, 3), stride=(2, 2)) for _ in range(2))
    c = net.binary("ADD", b, up(net, net.conv(b, 8, (2, 2), stride=(2, 2))))
    d = net.conv(net.conv(net.binary("MUL", c, net.conv(net.mean(c, (1, 2)), 8)), 16), 8)
    e = net.binary("ADD", net.binary("ADD", c, d), net.conv(other, 8, (3, 3)))
    return net.conv(up(net, e), 3, (3, 3))


def padded_twice(net, x):
    """Maps of the bottleneck that are padded again."""
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    b = net.conv(net.conv(x, 4, (3, 3), stride=(2, 2)), 4, (3, 3))
    b = net.conv(net.pad(net.pad(b, *around), *around), 6, (5, 5), padding="VALID")
    return net.conv(up(net, b), 3, (3, 3))


def unread(net, x):
    """An operator of the bottleneck that nobody reads."""
    b = net.conv(net.conv(x, 4, (3, 3), stride=(2, 2)), 4, (3, 3))
    b = net.binary("MUL", b, net.mean(b, (1, 2)))
    net.conv(b, 4, (3, 3))
    return net.conv(up(net, b), 3, (3, 3))


@pytest.mark.parametrize(
    ("network", "tiles"),
    [
        (nested, (36, 8, 16)),
        *((network, (36, 8)) for network in (halves, with_borders, overwritten, padded_twice, unread)),
        (thirds, (36, 12)),
    ],
)
def test_unusual_networks(network, tiles):
    net = Network(1)
    x = image((36, 36))
    content = net.file(network(net, net.input(1, 36, 36, 3, scale=1 / 255, zero_point=-128)))
    choices = [{"tile": tile, "skips": skips} for tile in tiles for skips in ("keep", "mixed", "recompute")]
    choices += [
        {"ram": 20_000, "skips": "mixed", "levels": tflite.tile(content, (36, 36), tile=tiles[0]).description["levels"]}
    ]
    outputs = [tflite.run_tiled(tflite.tile(content, (36, 36), **choice), x).output for choice in choices]
    compiler = compiler_of(content, (36, 36))
    middle = compiler.partition(compiler.deepest).bottleneck_passes
    assert bool(middle) == (network is not padded_twice)
    if middle:
        parts = StrategyParts(compiler, Strategy(compiler.deepest, bottleneck_tiled=True))
        choices += [Choice(parts.strategy, parts.smallest_tiles((36, 36)))]
        outputs += [tflite.run_tiled(emit(compiler, choices[-1], (36, 36)), x).output]
    for choice, output in zip(choices, outputs, strict=True):
        np.testing.assert_array_equal(output, outputs[0], err_msg=str(choice))
    same = tflite.run_tiled(tflite.tile(content, (36, 36), border="same", tile=tiles[-1]), x).output
    np.testing.assert_array_equal(same, tflite.run(content, x).outputs[0][0])


@pytest.mark.parametrize("name", ["transposed", "RESIZE_NEAREST_NEIGHBOR"])
def test_a_body_that_resizes_takes_other_sizes(name):
    net = Network()
    x = net.input(1, 32, 32, 3, scale=1 / 255, zero_point=-128)
    a = net.conv(x, 6, (3, 3))
    b = net.conv(a, 6, (3, 3), stride=(2, 2))
    c = net.conv(net.conv(b, 6, (3, 3), stride=(2, 2)), 6, (3, 3))
    c = net.transposed(c, 6) if name == "transposed" else up(net, c)
    content = net.file(net.conv(net.binary("ADD", up(net, net.binary("ADD", b, c)), a), 3, (3, 3)))
    x = image((48, 40))
    outputs = [tflite.run_tiled(tflite.tile(content, (48, 40), levels=1, border="same", tile=t), x).output for t in (8, 48)]
    np.testing.assert_array_equal(outputs[1], outputs[0])
    assert len(sides(48, 2)) > 5
    assert list(trade_off(content, (48, 40), levels=1)[0])


def test_another_size_than_the_network_was_converted_for():
    small, large = (encoder_decoder(4, size, whole=True) for size in ((48, 32), (64, 96)))
    x = image((64, 96))
    a, b = (tflite.run_tiled(tflite.tile(content, (64, 96), tile=32), x).output for content in (small, large))
    np.testing.assert_array_equal(a, b)
