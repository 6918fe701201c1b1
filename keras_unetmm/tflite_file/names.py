# SPDX-License-Identifier: Apache-2.0
"""What the names of a converted file's tensors say: the layer of the lowered model that each comes from."""

import re

_TRACED = re.compile(r"_\d+$")  # what TensorFlow adds, for it traces the model twice


def layer_of(name, layers):
    """Returns the name of the layer whose output a tensor of a converted file is, or None.

    The converter names a tensor after all that it fused into one operator, with `;` between:
    `net_1/relu_1/Relu;net_1/conv_1/BiasAdd;net_1/conv_1/convolution`. The last of these layers made the tensor. A layer
    of several operators, such as a normalization, has several tensors: the last operator's is its output.

    Args:
        name: str, of the tensor.
        layers: sequence of the names of the layers of the lowered model, in the order of its graph.

    Returns:
        str, one of `layers`, or None for what no layer's name stands in: the file's ends and calls of `keras.ops`.
    """
    places = {layer: place for place, layer in enumerate(layers)}
    found = [layer for path in name.split(";") for layer in [_in_path(path, places)] if layer is not None]
    return max(found, key=places.get, default=None)


def _in_path(path, layers):
    """The first layer in `model/layer/part/operation`; of `conv_1`, the layer `conv` rather than a layer `conv_1`."""
    for component in path.split("/")[:-1]:
        for candidate in (_TRACED.sub("", component), component):
            if candidate in layers:
                return candidate
    return None


def short_name(name):
    """Returns the part of a converter's tensor name that a person can read, its layer."""
    last = name.split(";")[0]
    parts = [part for part in last.split("/") if part]
    return "/".join(parts[1:3]) if len(parts) > 1 else last
