# SPDX-License-Identifier: Apache-2.0
"""Which integer form stands for a layer: what a target says of itself, and what a user may choose instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoweringOptions:
    """One choice for each layer that has several integer forms; the first is the layer's own operator, where it has one.

    Attributes:
        gelu: `"operator"`; or `"sigmoid"`, LOGISTIC and MUL, at most 0.0204 from it.
        shuffle: of a pixel shuffle, `"operator"`, DEPTH_TO_SPACE; or `"convolution"`, transposed, with a one-hot kernel.
        unshuffle: of a pixel unshuffle, `"operator"`, SPACE_TO_DEPTH; or `"convolution"`, strided, with a one-hot kernel.
        upconvolution: of a transposed convolution whose windows do not overlap, `"operator"`; or `"shuffle"`, a 1x1
            convolution and a pixel shuffle.
        channel_mean: `"operator"`; or `"convolution"`, 1x1 with the weights 1/C.
        gate: of the simple gate, `"split"`; or `"halves"`, two convolutions of half the filters; or `"largest"`, halves for
            the largest maps of the network, split for the others.
        affine: of a normalization that no convolution takes in, `"arithmetic"`, MUL and ADD; or `"depthwise"`, a
            depthwise 1x1 convolution.
        resize: `"operator"`; or `"steps"`, of at most 8 to the nearest pixel, and a mean after those where it is bilinear.
        groups: of a grouped convolution, `"operator"`; or `"dense"`, the kernel filled up with zeros.
        absolute: of a magnitude, `"operator"`, ABS; or `"rectified"`, relu(x) + relu(-x).
        dense: of a dense layer, `"operator"`; or `"convolution"`, 1x1, which has a scale for each channel everywhere.
        leaky: of a leaky ReLU, `"operator"`; or `"prelu"`.
        volume: of the model's input and output, `"operator"`, a volume of five axes; or `"stack"`, an image with the same
            bytes, in which the slices lie below each other.
        step: int, the largest factor of one shuffle as a convolution; larger powers of two take several.
    """

    gelu: str = "operator"
    shuffle: str = "operator"
    unshuffle: str = "operator"
    upconvolution: str = "operator"
    channel_mean: str = "operator"
    gate: str = "split"
    affine: str = "arithmetic"
    resize: str = "operator"
    groups: str = "operator"
    absolute: str = "operator"
    dense: str = "operator"
    leaky: str = "operator"
    volume: str = "operator"
    step: int = 64


CHOICES = {
    "gelu": ("operator", "sigmoid"),
    "shuffle": ("operator", "convolution"),
    "unshuffle": ("operator", "convolution"),
    "upconvolution": ("operator", "shuffle"),
    "channel_mean": ("operator", "convolution"),
    "gate": ("split", "halves", "largest"),
    "affine": ("arithmetic", "depthwise"),
    "resize": ("operator", "steps"),
    "groups": ("operator", "dense"),
    "absolute": ("operator", "rectified"),
    "dense": ("operator", "convolution"),
    "leaky": ("operator", "prelu"),
    "volume": ("operator", "stack"),
    "step": (2, 4, 8, 64),
}
