# SPDX-License-Identifier: Apache-2.0
"""Weights for SUNets from a classifier of ours, or from PyTorch checkpoints with the names of the authors' public code.

The authors' code (MIT licence) was read for the names.
"""

import os

import keras
import numpy as np

from keras_unetmm.layers import Degridding, ResidualDownsampling, UNetModule
from keras_unetmm.types import PathLike, StateDict

_OWN = ("head", "degridding")  # what a segmenter trains again


def load_classifier(model: keras.Model, classifier: keras.Model | PathLike) -> None:
    """Copies a classifier's weights into a segmenter, layer by layer by their names; the heads are left as they are.

    Args:
        model: a `SUNetSegmentation`, at any output stride.
        classifier: a `SUNet`, with or without its top, or the path of one that was saved as `.keras`.

    Raises:
        ValueError: if it is neither, a layer is missing or left over, or its weights have other shapes. Then nothing was
            copied.

    Examples:
        >>> classifier = models.SUNet64(classes=10)  # doctest: +SKIP
        >>> models.load_classifier(models.SUNetSegmentation("sunet64"), classifier)  # doctest: +SKIP
    """
    if isinstance(classifier, (str, os.PathLike)):
        classifier = keras.models.load_model(classifier, compile=False)
    if not isinstance(classifier, keras.Model):
        raise ValueError(
            "The classifier that gives the weights must be a keras.Model as SUNet(...) makes it, or the path of one that "
            f"was saved as .keras. Received: {classifier!r}."
        )
    sources, targets = ({x.name: x for x in m.layers if x.weights and x.name not in _OWN} for m in (classifier, model))
    shapes = [{name: [tuple(w.shape) for w in layer.weights] for name, layer in x.items()} for x in (sources, targets)]
    if shapes[0] != shapes[1]:
        given, wanted = shapes
        missing, extra = sorted(set(wanted) - set(given)), sorted(set(given) - set(wanted))
        other = [name for name in wanted if name in given and given[name] != wanted[name]]
        raise ValueError(
            f"The classifier must have the layers of {model.name!r}, with weights of the same shapes. Received: "
            f"{classifier.name!r}. Missing: {missing[:3]} ({len(missing)} in all). Left over: {extra[:3]} ({len(extra)} in "
            f"all). Of other shapes: {other[:3]} ({len(other)} in all). Build both from one row, with the same skips."
        )
    for name, layer in targets.items():
        layer.set_weights(sources[name].get_weights())


def load_pytorch_sunet(model: keras.Model, state_dict: StateDict) -> None:
    """Loads a `state_dict` of the authors' SUNet, classifier or segmenter, into ours; every weight must find its place.

    By order it goes, too: `model.weights` come as a `state_dict` lists them without `num_batches_tracked`, and
    `model.trainable_weights` as `parameters()`, kernels with their axes in Keras's order.

    Args:
        model: a `SUNet` with its top or a `SUNetSegmentation`, with full skips.
        state_dict: dict from name to tensor or array, on the CPU; also under the key `"state_dict"`, and with the prefix
            `module.` of a network that was trained on several devices.

    Raises:
        ValueError: if a name is missing or left over, or a shape differs. Then nothing was loaded.

    Examples:
        >>> model = models.SUNet64()  # doctest: +SKIP
        >>> models.load_pytorch_sunet(model, models.read_pytorch("sunet64.pth"))  # doctest: +SKIP
    """
    source = {name.removeprefix("module."): value for name, value in state_dict.get("state_dict", state_dict).items()}
    source = {name: value for name, value in source.items() if not name.endswith("num_batches_tracked")}
    plan = {}
    for layer in model.layers:
        for prefix, part in _parts(layer, model):
            ends = _NORM if isinstance(part, keras.layers.BatchNormalization) else _CONVOLUTION
            plan.update({f"{prefix}.{end}": weight for end, weight in zip(ends, part.weights, strict=True)})
    if set(plan) != set(source):
        missing, extra = sorted(set(plan) - set(source)), sorted(set(source) - set(plan))
        raise ValueError(
            f"state_dict must hold exactly the weights of {model.name!r}. Missing: {missing[:5]} ({len(missing)} in all). "
            f"Left over: {extra[:5]} ({len(extra)} in all). Build the model from the checkpoint's row, with its head."
        )
    arrays = {name: _converted(np.asarray(source[name])) for name in plan}
    for name, weight in plan.items():
        if arrays[name].shape != tuple(weight.shape):
            raise ValueError(
                f"state_dict entry {name!r} must come out as {tuple(weight.shape)}. Received: {arrays[name].shape}. "
                "Check the row and the number of classes."
            )
    for name, weight in plan.items():
        weight.assign(arrays[name])


_CONVOLUTION = ("weight", "bias")
_NORM = ("weight", "bias", "running_mean", "running_var")


def _parts(layer, model):
    """Pairs of a checkpoint prefix and the layer of ours that holds those weights."""
    if not layer.weights:
        return []
    if isinstance(layer, UNetModule):
        block, index = layer.name.removeprefix("block").split("_unet")
        return [(f"features.unet{block}_{index}.{prefix}", part) for prefix, part in _module_parts(layer)]
    if isinstance(layer, ResidualDownsampling):
        second = layer.conv2
        parts = (layer.norm, layer.conv1, second.norm, second.convolution, layer.shortcut)
        return [(f"features.residual1.{p}", x) for p, x in zip(_RESIDUAL, parts, strict=True)]
    if isinstance(layer, Degridding):
        parts = {"conv1": layer.conv1, "bn1": layer.norm1, "conv2": layer.conv2, "bn2": layer.norm2}
        return [(f"final.{name}", part) for name, part in parts.items()]
    degridding = any(isinstance(other, Degridding) for other in model.layers)
    head = "linear" if isinstance(layer, keras.layers.Dense) else "final.conv3" if degridding else "final.conv1"
    return [({"stem": "features.conv1", "tail_norm": "features.bn2", "head": head}[layer.name], layer)]


_RESIDUAL = ("bn.0", "conv.0", "conv.2", "conv.4", "shortcut.0")


def _module_parts(module):
    if module.shortcut is None:
        yield from _pair("down.0.bn0", "down.0.conv0", module.reduce)
    else:
        yield from (("down.0.conv0", module.reduce), ("bn.bn0", module.norm), ("upsample.conv0", module.shortcut))
    for i, (encoder, decoder) in enumerate([(module.encoder1, module.decoder1), (module.encoder2, module.decoder2)]):
        if encoder is not None:
            yield from _pair(f"down.{i}.bn1", f"down.{i}.conv1", encoder.conv1)
            yield from _pair(f"down.{i}.bn2", f"down.{i}.conv2", encoder.conv2)
            yield from _pair(f"up.{i}.bn0", f"up.{i}.deconv0", decoder.conv1)
            yield from _pair(f"up.{i}.bn1", f"up.{i}.deconv1", decoder.conv2)
    yield from _pair("up.0.bn2", "up.0.conv2", module.expand)


def _pair(norm, convolution, layer):
    return [(norm, layer.norm), (convolution, layer.convolution)]


def _converted(array):
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)  # (out, in, h, w), transposed (in, out, h, w), with the last two swapped
    return array.T  # a dense kernel, or a vector
