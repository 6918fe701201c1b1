# SPDX-License-Identifier: Apache-2.0
"""Loading PyTorch checkpoints of NAFNet and KBNet_s.

Their names are those of the authors' public code (both MIT licence), read for them.
"""

import re
from operator import attrgetter

import keras
import numpy as np

from keras_unetmm.layers import ChannelScale, KBBlock, KernelBasisAttention, NAFBlock
from keras_unetmm.types import StateDict

# what a checkpoint calls the parts of a block, and what we do
_NAF_PARTS = {part: part for part in ("norm1", "conv1", "conv2", "conv3", "beta", "norm2", "conv4", "conv5", "gamma")}
_NAF_PARTS["sca.1"] = "sca.conv"
_KB_PARTS = {part: part for part in ("norm1", "conv1", "conv21", "conv211", "conv3", "norm2", "conv4", "conv5")}
_KB_PARTS |= {part: part for part in ("ga1", "attgamma", "beta", "gamma")}
_KB_PARTS |= {"sca.1": "sca", "conv11.0": "conv11_0", "conv11.1": "conv11_1", "conv2.0": "conv2_0", "conv2.2": "conv2_2"}
_KB_PARTS[""] = "kba"


_OF_SKIPS = re.compile(r"skip\d+_(keep|restore)|skips_share|input_skip")  # which checkpoints have not


def load_pytorch(model: keras.Model, state_dict: StateDict) -> None:
    """Loads a `state_dict` of the authors' NAFNet or KBNet_s into ours; every weight must find its place.

    Kernels are transposed, and the channels in front of a pixel shuffle brought into the order of
    `keras.ops.depth_to_space`. Weights go by name, not by order: in both papers' networks a block lists its own scales (and
    kernel bases) before its convolutions, and a network its last, up and down convolutions apart from the stages; here
    `model.weights` stand in the order in which they are used.

    Args:
        model: a `NAFNet` with layer norm, or a `KBNet`. What skips other than full ones have of their own, MSIAM and IEM of
            UNet-- for instance, stays as it is.
        state_dict: dict from name to tensor or array, on the CPU; also under the key `"params"`, `"model"` or `"net"`, as
            published.

    Raises:
        ValueError: if a name is missing or left over, or a shape differs.

    Examples:
        >>> model = models.NAFNet("sidd_width32")  # doctest: +SKIP
        >>> models.load_pytorch(model, models.read_pytorch("NAFNet-SIDD-width32.pth"))  # doctest: +SKIP
    """
    wrapped = [state_dict[key] for key in ("params", "model", "net") if key in state_dict]
    source = dict(wrapped[0] if wrapped else state_dict)
    plan = []
    for layer in model.layers:
        plan += [(prefix, part, layer.name) for prefix, part in _parts(layer, _levels(model))]
    expected = {name for prefix, part, _ in plan for name in _names(prefix, part)}
    if expected != set(source):
        missing, extra = sorted(expected - set(source)), sorted(set(source) - expected)
        raise ValueError(
            f"state_dict must hold exactly the weights of {model.name!r}. Missing: {missing[:5]} ({len(missing)} in all). "
            f"Left over: {extra[:5]} ({len(extra)} in all). Build the model with the depths of the checkpoint."
        )
    converted = []
    for prefix, part, owner in plan:
        arrays = [_converted(np.asarray(source[name]), part, owner) for name in _names(prefix, part)]
        shapes, wanted = [a.shape for a in arrays], [tuple(w.shape) for w in part.weights]
        if shapes != wanted:
            raise ValueError(
                f"state_dict entry {prefix!r} must have the shapes {wanted}. Received: {shapes}. Check the width."
            )
        converted.append((part, arrays))
    for part, arrays in converted:
        part.set_weights(arrays)


def _levels(model):
    return sum(layer.name.endswith("_down") for layer in model.layers)


def _parts(layer, levels):
    """Pairs of a checkpoint prefix and the layer of ours that holds those weights."""
    name = layer.name
    if not layer.weights or _OF_SKIPS.match(name):
        return []
    if block := re.fullmatch(r"(enc|mid|dec)(\d*)_block(\d+)", name):
        stage, level, index = block.groups()
        prefix = {"enc": f"encoders.{level}", "mid": "middle_blks"}.get(stage) or f"decoders.{levels - 1 - int(level)}"
        parts = {NAFBlock: _NAF_PARTS, KBBlock: _KB_PARTS}[type(layer)]
        return [(f"{prefix}.{index}.{part}".rstrip("."), attrgetter(ours)(layer)) for part, ours in parts.items()]
    if down := re.fullmatch(r"enc(\d+)_down", name):
        return [(f"downs.{down[1]}", layer)]
    if up := re.fullmatch(r"dec(\d+)_up", name):
        return [(f"ups.{levels - 1 - int(up[1])}.0", layer.conv)]
    return [({"intro": "intro", "head": "ending"}.get(name, name), layer)]


def _names(prefix, part):
    if isinstance(part, ChannelScale):
        return [prefix]
    if isinstance(part, KernelBasisAttention):
        return [f"{prefix}.w", f"{prefix}.b"]
    return [f"{prefix}.weight", f"{prefix}.bias"][: len(part.weights)]


def _converted(array, part, owner):
    if isinstance(part, ChannelScale):
        return array.reshape(-1)  # (1, C, 1, 1)
    if isinstance(part, KernelBasisAttention):
        size, _, group, bases, channels = part.kernels.shape
        if array.shape[1:] != (bases, group * size * size * channels):
            return array[0]  # biases (1, K, C)
        array = array.reshape(bases, channels, group, size, size)
        return array.transpose(3, 4, 2, 0, 1)  # to (h, w, in, K, out)
    if array.ndim != 4:
        return array
    if "depthwise" in type(part).__name__.lower():
        return array.transpose(2, 3, 0, 1)  # (C, 1, h, w) -> (h, w, C, 1)
    kernel = array.transpose(2, 3, 1, 0)  # (out, in, h, w) -> (h, w, in, out)
    if owner.endswith("_up"):  # PyTorch shuffles (channel, block) where depth_to_space has (block, channel)
        *outer, outputs = kernel.shape
        kernel = kernel.reshape(*outer, outputs // 4, 4).swapaxes(-1, -2).reshape(kernel.shape)
    return kernel
