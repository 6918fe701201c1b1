"""The segmentation networks' equations in numpy and float64, in 2-D and 3-D, written apart from the library."""

import math
from itertools import product

import numpy as np

from keras_unetmm.graph.abstract_build import abstract_build


def parameters(builder, *args, everything=False, **kwargs):
    """How many parameters a network has: those that are trained, or with batch norm's statistics; gives them no values."""
    model = abstract_build(builder, *args, **kwargs)
    return sum(math.prod(weight.shape) for weight in (model.weights if everything else model.trainable_weights))


def conv(x, kernel, bias=0.0, stride=1):
    """A convolution; kernel (*sizes, in, out); same padding at stride 1, none else."""
    sizes = kernel.shape[:-2]
    if stride == 1:
        x = np.pad(x, ((0, 0), *((k // 2, k // 2) for k in sizes), (0, 0)))
    places = [(n - k) // stride + 1 for n, k in zip(x.shape[1:-1], sizes, strict=True)]
    y = np.zeros((len(x), *places, kernel.shape[-1]))
    for offset in product(*map(range, sizes)):
        window = [slice(o, o + stride * (n - 1) + 1, stride) for o, n in zip(offset, places, strict=True)]
        y += x[(slice(None), *window)] @ kernel[offset]
    return y + bias


def transposed(x, kernel, bias=0.0):
    """A transposed convolution of stride 2, cut to twice the size; kernel (*sizes, out, in)."""
    sizes = kernel.shape[:-2]
    y = np.zeros((len(x), *(2 * (n - 1) + k for n, k in zip(x.shape[1:-1], sizes, strict=True)), kernel.shape[-2]))
    for offset in product(*map(range, sizes)):
        window = [slice(o, o + 2 * n - 1, 2) for o, n in zip(offset, x.shape[1:-1], strict=True)]
        y[(slice(None), *window)] += x @ kernel[offset].T
    return y[(slice(None), *(slice(2 * n) for n in x.shape[1:-1]))] + bias


def pool(x):
    """The largest of each block of 2 places along every axis."""
    rank = x.ndim - 2
    blocks = x.reshape(len(x), *(m for n in x.shape[1:-1] for m in (n // 2, 2)), x.shape[-1])
    return blocks.max(axis=tuple(range(2, 2 + 2 * rank, 2)))


def upsample(x):
    """Every place twice along every axis."""
    for axis in range(1, x.ndim - 1):
        x = x.repeat(2, axis)
    return x


def relu(x):
    """The positive part."""
    return np.maximum(x, 0)


def prelu(x, slope):
    """The positive part and a share of the negative one; slope (1, ..., C)."""
    return np.maximum(x, 0) + slope.reshape(-1) * np.minimum(x, 0)


def sigmoid(x):
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def softmax(x):
    """Over the last axis."""
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def batch_norm(w, x, *p):
    """Batch norm at inference, epsilon 1e-5."""
    scale = w(*p, "gamma") / np.sqrt(w(*p, "moving_variance") + 1e-5)
    return (x - w(*p, "moving_mean")) * scale + w(*p, "beta")


def convolved(w, x, *p, **arguments):
    """A convolution with the kernel and bias at that path."""
    return conv(x, w(*p, "kernel"), w(*p, "bias"), **arguments)


def gate(w, x, *p):
    """A Select-Attend-Transfer gate."""
    return sigmoid(convolved(w, x * np.clip(w(*p, "select", "weight"), 0, 1), *p, "attend", "convolution"))


def convolution_block(w, x, convolutions, order, *p):
    """U-Net's block."""
    for i in range(convolutions):
        x = convolved(w, x, *p, f"conv{i}")
        for kind in order.split("-")[1:]:
            x = relu(x) if kind == "relu" else batch_norm(w, x, *p, f"norm{i}")
    return x


def unet(w, x, levels, convolutions, order, up_bias=True, sat=False):
    """U-Net and Lean U-Net; levels include the bottom."""
    kept = []
    for level in range(levels - 1):
        x = convolution_block(w, x, convolutions, order, f"enc{level}_block")
        kept.append(gate(w, x, f"skip{level}_keep") if sat else x)
        x = pool(x)
    x = convolution_block(w, x, convolutions, order, "mid_block")
    for level in reversed(range(levels - 1)):
        x = transposed(x, w(f"dec{level}_up", "kernel"), w(f"dec{level}_up", "bias") if up_bias else 0.0)
        x = np.concatenate([x, kept[level]], -1)
        x = convolution_block(w, x, convolutions, order, f"dec{level}_block")
    return softmax(convolved(w, x, "head"))


def di2in(w, x, levels, sat=False):
    """DI2IN."""
    kept, order = [], "conv-norm-relu"
    for level in range(levels):
        x = convolution_block(w, x, 2, order, f"enc{level}_block")
        kept.append(gate(w, x, f"skip{level}_keep") if sat else x)
        x = pool(x)
    x = convolution_block(w, x, 2, order, "mid_block")
    for level in reversed(range(levels)):
        x = convolution_block(w, np.concatenate([upsample(x), kept[level]], -1), 1, order, f"dec{level}_block")
    return sigmoid(convolved(w, x, "head"))


def residual_stage(w, x, convolutions, norm, *p):
    """V-Net's stage."""
    y = x
    for i in range(convolutions):
        y = convolved(w, y, *p, f"conv{i}")
        y = batch_norm(w, y, *p, f"norm{i}") if norm else y
        if i == convolutions - 1:
            y = y + x[..., np.arange(y.shape[-1]) % x.shape[-1]]
        y = prelu(y, w(*p, f"prelu{i}", "alpha"))
    return y


def between_stages(w, x, norm, up, *p):
    """V-Net's convolutions between stages."""
    kernel, bias = w(*p, "conv", "kernel"), w(*p, "conv", "bias")
    x = transposed(x, kernel, bias) if up else conv(x, kernel, bias, stride=2)
    return prelu(batch_norm(w, x, *p, "norm") if norm else x, w(*p, "prelu", "alpha"))


def vnet(w, x, convolutions, norm, sat=False):
    """V-Net; convolutions of each stage, the bottom last."""
    kept, levels = [], len(convolutions) - 1
    for level in range(levels):
        x = residual_stage(w, x, convolutions[level], norm, f"enc{level}_stage")
        kept.append(gate(w, x, f"skip{level}_keep") if sat else x)
        x = between_stages(w, x, norm, False, f"enc{level}_down")
    x = residual_stage(w, x, convolutions[-1], norm, "mid_stage")
    for level in reversed(range(levels)):
        x = np.concatenate([between_stages(w, x, norm, True, f"dec{level}_up"), kept[level]], -1)
        x = residual_stage(w, x, convolutions[level], norm, f"dec{level}_stage")
    return convolved(w, x, "head")


def dense_layer(w, x, *p):
    """Tiramisu's layer without its dropout."""
    return convolved(w, relu(batch_norm(w, x, *p, "norm")), *p, "conv")


def dense_block(w, x, depth, sat, *p):
    """All maps of a dense block, its input first."""
    maps = [x]
    for i in range(depth):
        earlier = [gate(w, m, *p, f"gate{j}") if sat else m for j, m in enumerate(maps[:-1])]
        maps.append(dense_layer(w, np.concatenate([*earlier, maps[-1]], -1), *p, f"layer{i}"))
    return maps


def tiramisu(w, x, depths, sat=False, dense_sat=False):
    """FC-DenseNet; depths of each stage, the bottom last."""
    kept, levels = [], len(depths) - 1
    x = convolved(w, x, "intro")
    for level in range(levels):
        x = np.concatenate(dense_block(w, x, depths[level], dense_sat, f"enc{level}_block"), -1)
        kept.append(gate(w, x, f"skip{level}_keep") if sat else x)
        x = pool(dense_layer(w, x, f"enc{level}_down", "layer"))
    maps = dense_block(w, x, depths[-1], dense_sat, "mid_block")
    for level in reversed(range(levels)):
        kernel, bias = (w(f"dec{level}_up", "conv", part) for part in ("kernel", "bias"))
        up = transposed(np.concatenate(maps[1:], -1), kernel, bias)
        maps = dense_block(w, np.concatenate([up, kept[level]], -1), depths[level], dense_sat, f"dec{level}_block")
    return softmax(convolved(w, np.concatenate(maps, -1), "head"))
