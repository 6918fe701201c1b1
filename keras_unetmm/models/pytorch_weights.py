"""Loading PyTorch checkpoints of NAFNet with the names of the authors' public code (MIT licence, read for the names)."""

import re

import numpy as np

_BLOCK_PARTS = ("norm1", "conv1", "conv2", "sca", "conv3", "beta", "norm2", "conv4", "conv5", "gamma")


def load_pytorch(model, state_dict):
    """Loads a `state_dict` of the authors' NAFNet into ours; every weight must find its place.

    Kernels are transposed, and the channels in front of a pixel shuffle brought into the order of
    `keras.ops.depth_to_space`.

    Args:
        model: a `NAFNet` with full skips, layer norm and no input skip.
        state_dict: dict from name to tensor or array, on the CPU; also under the key `"params"`, as published.

    Raises:
        ValueError: if a name is missing or left over, or a shape differs.
    """
    source = dict(state_dict.get("params", state_dict))
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
    if not layer.weights:
        return []
    if block := re.fullmatch(r"(enc|mid|dec)(\d*)_block(\d+)", name):
        stage, level, index = block.groups()
        prefix = {"enc": f"encoders.{level}", "mid": "middle_blks"}.get(stage) or f"decoders.{levels - 1 - int(level)}"
        parts = ((part, getattr(layer, part)) for part in _BLOCK_PARTS)
        return [(f"{prefix}.{index}.{part}", sub.conv if part == "sca" else sub) for part, sub in parts]
    if down := re.fullmatch(r"enc(\d+)_down", name):
        return [(f"downs.{down[1]}", layer)]
    if up := re.fullmatch(r"dec(\d+)_up", name):
        return [(f"ups.{levels - 1 - int(up[1])}.0", layer.conv)]
    return [({"intro": "intro", "head": "ending"}.get(name, name), layer)]


def _names(prefix, part):
    if prefix.endswith((".beta", ".gamma")):
        return [prefix]
    stem = f"{prefix}.1" if prefix.endswith(".sca") else prefix
    return [f"{stem}.weight", f"{stem}.bias"][: len(part.weights)]


def _converted(array, part, owner):
    if array.ndim != 4:
        return array
    if array.shape[0] == 1 and array.shape[2:] == (1, 1) and len(part.weights) == 1 and part.name in ("beta", "gamma"):
        return array.reshape(-1)  # a scale, (1, C, 1, 1)
    if "depthwise" in type(part).__name__.lower():
        return array.transpose(2, 3, 0, 1)  # (C, 1, h, w) -> (h, w, C, 1)
    kernel = array.transpose(2, 3, 1, 0)  # (out, in, h, w) -> (h, w, in, out)
    if owner.endswith("_up"):  # PyTorch shuffles (channel, block) where depth_to_space has (block, channel)
        *outer, outputs = kernel.shape
        kernel = kernel.reshape(*outer, outputs // 4, 4).swapaxes(-1, -2).reshape(kernel.shape)
    return kernel
