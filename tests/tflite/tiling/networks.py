"""Small encoder-decoders made by hand, of every operator that runs tile by tile, in int8 with random weights."""

import numpy as np
from tflite.network import Network

WIDTH = 6
KINDS = ("conv", "wide", "dilated", "depthwise", "pool", "pad", "gate", "mean", "unary")


def encoder_decoder(seed=0, size=(48, 32), levels=2, skips=True, whole=False, inner="conv", zeros=False):
    """Returns the bytes of a file with `levels` levels above a bottleneck.

    Args:
        seed: int, of the weights, and of which operators there are.
        size: `(height, width)`.
        levels: int.
        skips: bool, whether the decoder reads the encoder's maps.
        whole: bool, whether the bottleneck has a branch with a gate from its mean, which is no neighbourhood.
        inner: str, the operator of the finest level: `"conv"` or `"mean"`, one over the whole map.
        zeros: bool, whether all that pads does so with zeros.
    """
    net, rng = Network(seed), np.random.default_rng(seed)
    kinds = [kind for kind in KINDS if kind != "pool" or not zeros]
    x = image = net.input(1, *size, 3, scale=1 / 255, zero_point=-128)
    kept = []
    x = net.conv(x, WIDTH, (3, 3))
    for level in range(levels):
        x = _block(net, rng, x, kinds)
        if level == 0 and inner == "mean":
            x = _gated(net, x)
        kept.append(x)
        x = _down(net, rng, x)
    x = net.conv(x, WIDTH, (3, 3))
    if whole:
        x = net.binary("ADD", x, net.conv(_gated(net, net.conv(x, WIDTH, (3, 3))), WIDTH))
    for level in reversed(range(levels)):
        x = _up(net, rng, x, zeros)
        if skips:
            x = net.concatenate([x, kept[level]], 3) if rng.random() < 0.5 else net.binary("ADD", x, kept[level])
            x = net.conv(x, WIDTH)
        x = _block(net, rng, x, kinds)
    x = net.conv(x, 3, (3, 3), scale=1 / 255, zero_point=-128)
    return net.file(net.binary("ADD", x, image))


def _gated(net, x):
    return net.binary("MUL", x, net.mean(x, (1, 2)))


def _block(net, rng, x, kinds):
    """A branch of one to three operators, added to what it began with or not."""
    y = x
    for kind in rng.choice(kinds, rng.integers(1, 4)):
        match kind:
            case "conv":
                y = net.conv(y, WIDTH, (3, 3))
            case "wide":
                y = net.conv(y, WIDTH, (1, 5))
            case "dilated":
                y = net.conv(y, WIDTH, (3, 3), dilation=(2, 2))
            case "depthwise":
                y = net.depthwise(y, (5, 3))
            case "pool":
                y = net.pool(str(rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), y, (3, 3), stride=(1, 1))
            case "pad":
                y = net.conv(net.pad(y, (0, 0), (1, 1), (1, 1), (0, 0)), WIDTH, (3, 3), padding="VALID")
            case "gate":
                first, second = net.split(net.conv(y, 2 * WIDTH), 2)
                y = net.binary("MUL", first, second)
            case "mean":  # over the channels of a place
                y = net.binary("SUB", y, net.mean(y, (3,)))
            case "unary":
                y = net.unary("RELU", y)
    return net.binary("ADD", x, y) if rng.random() < 0.7 else y


def _down(net, rng, x):
    match rng.integers(4):
        case 0:
            return net.pool("MAX_POOL_2D", x, (2, 2), stride=(2, 2))
        case 1:
            return net.conv(x, WIDTH, (3, 3), stride=(2, 2))
        case 2:
            return net.conv(x, WIDTH, (2, 2), stride=(2, 2), padding="VALID")
    return net.conv(net.shuffled("SPACE_TO_DEPTH", x), WIDTH)


def _up(net, rng, x, zeros):
    _, height, width, channels = net.shape(x)
    match rng.choice([0, 2, 3] if zeros else 4):
        case 0:
            return net.resize("RESIZE_NEAREST_NEIGHBOR", x, 2 * height, 2 * width)
        case 1:
            made = net.like(x, 1, 2 * height, 2 * width, channels)
            inputs = [x, net.numbers(2 * height, 2 * width)]
            return net.operator("RESIZE_BILINEAR", inputs, [made], "ResizeBilinear", halfPixelCenters=True)
        case 2:
            return net.transposed(x, channels)
    return net.shuffled("DEPTH_TO_SPACE", net.conv(x, 4 * channels))


def bottleneck(seed, size=(32, 24)):
    """Returns the bytes of a file with one level above a bottleneck of 3 to 8 operators, each of which reads what any made.

    There are several attentions in it or none, levels of its own, halves of maps, maps that enter or leave it side by side,
    and operators that nobody reads.
    """
    net, rng = Network(seed), np.random.default_rng(seed)
    image = net.input(1, *size, 3, scale=1 / 255, zero_point=-128)
    fine = net.conv(image, 2, (3, 3))
    maps = [net.conv(fine, WIDTH, (3, 3), stride=(2, 2)) for _ in range(rng.integers(1, 4))]
    for _ in range(rng.integers(3, 9)):
        x, y = (maps[i] for i in (rng.integers(max(0, len(maps) - 3), len(maps)), rng.integers(len(maps))))
        match rng.integers(9):
            case 0:
                maps.append(net.conv(x, WIDTH, (3, 3)))
            case 1:
                maps.append(net.conv(x, WIDTH, (3, 3), dilation=(2, 2)))
            case 2:
                maps.append(net.binary("ADD", x, y))
            case 3:
                maps.append(_gated(net, x))
            case 4:
                maps.append(net.binary("MUL", x, net.conv(net.mean(y, (1, 2)), WIDTH)))
            case 5:
                maps += net.split(net.conv(x, 2 * WIDTH), 2)
            case 6:
                after = rng.integers(2)
                around = ((0, 0), (1 - after, 1 + after), (1 - after, 1 + after), (0, 0))
                maps.append(net.conv(net.pad(x, *around), WIDTH, (3, 3), padding="VALID"))
            case 7:
                coarse = net.conv(net.conv(x, WIDTH, (2, 2), stride=(2, 2)), WIDTH, (3, 3))
                maps.append(net.binary("ADD", x, net.transposed(coarse, WIDTH)))
            case 8:
                maps.append(net.conv(net.concatenate([x, y], 3), WIDTH))
    chosen = [x for x in maps[-3:] if rng.random() < 0.7] or maps[-1:]
    ups = [net.resize("RESIZE_NEAREST_NEIGHBOR", x, *size) for x in chosen]
    return net.file(net.conv(net.concatenate([*ups, fine], 3), 3, (3, 3), scale=1 / 255, zero_point=-128))
