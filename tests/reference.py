"""The networks' equations in numpy and float64, written apart from the library; arrays are (N, H, W, C)."""

import keras
import numpy as np
from scipy.special import erf


def conv(x, kernel, bias=0.0, stride=1, same=True):
    """A convolution; kernel (h, w, in, out)."""
    height, width = kernel.shape[:2]
    if same:
        x = np.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    rows, columns = (x.shape[1] - height) // stride + 1, (x.shape[2] - width) // stride + 1
    y = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            y += x[:, i : i + stride * rows : stride, j : j + stride * columns : stride] @ kernel[i, j]
    return y + bias


def depthwise(x, kernel, bias=0.0):
    """A depthwise convolution, same padding; kernel (h, w, C, 1)."""
    height, width = kernel.shape[:2]
    rows, columns = x.shape[1:3]
    x = np.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    return bias + sum(x[:, i : i + rows, j : j + columns] * kernel[i, j, :, 0] for i in range(height) for j in range(width))


def layer_norm(x, gamma, beta):
    """Over channels, epsilon 1e-6."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + 1e-6) + beta


def grn(x, gamma, beta):
    """Global response normalization."""
    norm = np.sqrt((x * x).sum((1, 2), keepdims=True))
    return gamma * x * norm / norm.mean(-1, keepdims=True) + beta + x


def gelu(x):
    """The exact one."""
    return x * (1 + erf(x / np.sqrt(2))) / 2


def gate(x):
    """SimpleGate."""
    first, second = np.split(x, 2, axis=-1)
    return first * second


def shuffle(x, r):
    """Pixel shuffle with the block position outermost among the channels."""
    n, h, w, c = x.shape
    return x.reshape(n, h, w, r, r, c // r**2).transpose(0, 1, 3, 2, 4, 5).reshape(n, h * r, w * r, c // r**2)


def unshuffle(x, r):
    """The inverse of shuffle."""
    n, h, w, c = x.shape
    return x.reshape(n, h // r, r, w // r, r, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // r, w // r, c * r**2)


class Weights:
    """Hands out the weights of a model or layer by path, as float64."""

    def __init__(self, source):
        self.values = {w.path: keras.ops.convert_to_numpy(w).astype("float64") for w in source.weights}
        self.used = set()

    def __call__(self, *path):
        end = "/" + "/".join(path)
        found = [key for key in self.values if ("/" + key).endswith(end)]
        assert len(found) == 1, (end, found)
        self.used.update(found)
        return self.values[found[0]]

    def conv(self, x, *path, **arguments):
        """A convolution with the kernel and bias at that path."""
        return conv(x, self(*path, "kernel"), self(*path, "bias"), **arguments)


def naf_block(w, x, *p):
    """NAFNet's block."""
    y = layer_norm(x, w(*p, "norm1", "gamma"), w(*p, "norm1", "beta"))
    y = w.conv(y, *p, "conv1")
    y = gate(depthwise(y, w(*p, "conv2", "kernel"), w(*p, "conv2", "bias")))
    y = y * w.conv(y.mean((1, 2), keepdims=True), *p, "sca", "conv")
    x = x + w(*p, "beta", "scale") * w.conv(y, *p, "conv3")
    y = layer_norm(x, w(*p, "norm2", "gamma"), w(*p, "norm2", "beta"))
    y = gate(w.conv(y, *p, "conv4"))
    return x + w(*p, "gamma", "scale") * w.conv(y, *p, "conv5")


def convnext_v2_block(w, x, *p):
    """ConvNeXt V2's block."""
    y = depthwise(x, w(*p, "depthwise", "kernel"), w(*p, "depthwise", "bias"))
    y = layer_norm(y, w(*p, "normalization", "gamma"), w(*p, "normalization", "beta"))
    y = grn(gelu(w.conv(y, *p, "expand")), w(*p, "grn", "gamma"), w(*p, "grn", "beta"))
    return x + w.conv(y, *p, "project")


def msiam(w, maps, prefix="stage", suffix="", level=None, share="aggregation"):
    """UNet--'s aggregation of all encoder maps into E'."""
    level = len(maps) - 1 if level is None else level
    parts = []
    for i, x in enumerate(maps):
        y = w.conv(x, f"{prefix}{i}{suffix}", "reduce")
        parts.append(unshuffle(y, 2 ** (level - i)) if i < level else shuffle(y, 2 ** (i - level)) if i > level else y)
    return w.conv(np.concatenate(parts, -1), share, "mix")


def iem(w, x, levels_up, *p):
    """UNet--'s enhancement of E' for one stage."""
    x = shuffle(x, 2**levels_up) if levels_up > 0 else unshuffle(x, 2**-levels_up) if levels_up < 0 else x
    x = convnext_v2_block(w, x, *p, "block")
    x = depthwise(x, w(*p, "separable", "depthwise", "kernel"), w(*p, "separable", "depthwise", "bias"))
    x = w.conv(x, *p, "separable", "pointwise")
    last = "/" + "/".join((*p, "pointwise", "kernel"))  # of the published rows' header
    more = any(f"/{key}".endswith(last) and "separable" not in key for key in w.values)
    return w.conv(x, *p, "pointwise") if more else x


def nafnet(w, image, encoder, middle, decoder, unet_minus=False):
    """The whole network; decoder depths coarsest first."""
    levels = len(encoder)
    height, width = image.shape[1:3]
    image = np.pad(image, ((0, 0), (0, -height % 2**levels), (0, -width % 2**levels), (0, 0)))
    x, kept = w.conv(image, "intro"), []
    for level in range(levels):
        for i in range(encoder[level]):
            x = naf_block(w, x, f"enc{level}_block{i}")
        kept.append(x)
        x = w.conv(x, f"enc{level}_down", stride=2, same=False)
    for i in range(middle):
        x = naf_block(w, x, f"mid_block{i}")
    if unet_minus:
        shared = msiam(w, kept, "skip", "_keep", share="skips_share")
        kept = [iem(w, shared, levels - 1 - level, f"skip{level}_restore") for level in range(levels)]
    for level in reversed(range(levels)):
        x = shuffle(conv(x, w(f"dec{level}_up", "conv", "kernel")), 2) + kept[level]
        for i in range(decoder[levels - 1 - level]):
            x = naf_block(w, x, f"dec{level}_block{i}")
    return (w.conv(x, "head") + image)[:, :height, :width]
