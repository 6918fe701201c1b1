# SPDX-License-Identifier: Apache-2.0
"""The maps with which a network's stages end, and their values for images."""

import re

import keras
import numpy as np
from keras import tree

from keras_unetmm.graph.nodes import maker
from keras_unetmm.layers import UNetModule

BATCH = 8


def stage_maps(model):
    """Returns what each stage makes, `{name: symbolic map}`, in the order of running.

    Stages are `enc0`, ..., `mid`, ..., `dec0` of an encoder-decoder, each before its change of resolution, and the U-Net
    modules of a SUNet.

    Args:
        model: a functional `keras.Model` of this package.

    Raises:
        ValueError: for a model without such stages.
    """
    maps = {}
    for layer in getattr(model, "layers", ()):
        stage = re.match(r"(enc\d+|mid|dec\d+)_", layer.name)
        if stage and not layer.name.endswith("_down"):
            maps[stage[1]] = layer.output
        elif isinstance(layer, UNetModule):
            maps[layer.name] = layer.output
        if skip := re.match(r"(?:skip|dec)(\d+)_(?:keep|fuse)$", layer.name):
            for tensor in tree.flatten(layer.input):  # of an encoder whose layers have names of its own
                if not re.match(r"(dec|skip)\d+_", maker(tensor).name):
                    maps.setdefault(f"enc{skip[1]}", tensor)
    if not maps:
        raise ValueError(
            "model must have stages, layers named enc0_..., mid_..., dec0_..., or be made of U-Net modules. "
            f"Received: {getattr(model, 'name', model)!r}. Pass a network of keras_unetmm.models itself, not one around it."
        )
    return dict(sorted(maps.items(), key=lambda stage: _place(stage[0])))


def level_maps(model):
    """Returns what the levels of a SUNet that segments end with, `{"level1": symbolic map, ...}`.

    They are those of the paper's figure 2: the residual block, the four blocks of U-Net modules, the map of classes before
    it is resized.

    Args:
        model: a `SUNetSegmentation`.

    Raises:
        ValueError: for another model.
    """
    layers = {layer.name: layer for layer in getattr(model, "layers", ())}
    ends = {}
    for name, layer in layers.items():
        if block := re.match(r"block(\d+)_unet\d+$", name):
            ends[int(block[1])] = layer  # the last one of the block stays
    if not {"residual", "head", "resize"} <= set(layers) or not ends:
        raise ValueError(
            "model must be a SUNetSegmentation, with layers residual, block1_unet0 and on, head and resize. "
            f"Received: {getattr(model, 'name', model)!r}."
        )
    every = [layers["residual"], *(ends[block] for block in sorted(ends)), layers["head"]]
    return {f"level{i}": layer.output for i, layer in enumerate(every, 1)}


def restored_maps(model):
    """Returns each encoder map that skips restore, and what they make of it, `{level: (map, restored map)}`, symbolic.

    Args:
        model: a functional `keras.Model` of this package with `skips="unet--"`, at some levels at least.

    Raises:
        ValueError: for a model without such skips.
    """
    layers = {layer.name: layer for layer in getattr(model, "layers", ())}
    levels = sorted(int(found[1]) for name in layers if (found := re.match(r"skip(\d+)_restore$", name)))
    if not levels:
        raise ValueError(
            "model must have skips that restore the encoder's maps, layers named skip0_restore and on. "
            f"Received: {getattr(model, 'name', model)!r}, which has none. Build it with skips='unet--'."
        )
    return {level: (layers[f"skip{level}_keep"].input, layers[f"skip{level}_restore"].output) for level in levels}


def _place(stage):
    """Encoder, bottleneck, decoder; U-Net modules stay in the order in which they stand."""
    found = re.match(r"(enc|dec)(\d+)$", stage)
    level = int(found[2]) if found else 0
    return {"enc": (0, level), "dec": (2, -level)}[found[1]] if found else (1, 0)


def values(model, maps, images):
    """Returns the values of symbolic maps of a model for images, as numpy arrays in float32.

    Args:
        model: a functional `keras.Model`.
        maps: list of symbolic maps.
        images: array `(N, *spatial, C)`, as the model takes them.

    Raises:
        ValueError: for images that the model does not take.
    """
    images = checked(model, images)
    part, batches = keras.Model(model.inputs[0], list(maps)), []
    for i in range(0, len(images), BATCH):
        outputs = tree.flatten(part(images[i : i + BATCH], training=False))
        batches.append([keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")) for output in outputs])
    return [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]


def checked(model, images):
    """Returns images as a float array that the model takes, or raises a `ValueError`."""
    images, shape = np.asarray(images), tuple(model.inputs[0].shape)
    fits = images.ndim == len(shape) and all(own in (None, n) for own, n in zip(shape[1:], images.shape[1:], strict=True))
    if not fits or not images.size:
        raise ValueError(
            f"images must be a batch as {model.name} takes it, of shape {shape}, at least one image. "
            f"Received: shape {images.shape}. A single image is images[None]."
        )
    if images.dtype.kind not in "fiub" or not np.isfinite(images).all():
        raise ValueError(f"images must be finite numbers. Received: values of {images.dtype}, not all of them finite.")
    return images.astype("float32")
