# SPDX-License-Identifier: Apache-2.0
"""The network that a published checkpoint of NAFNet or KBNet_s belongs to, told by its names and shapes."""

import re

import keras

from keras_unetmm.models.kbnet import KBNet
from keras_unetmm.models.nafnet import NAFNet
from keras_unetmm.models.pytorch_weights import load_pytorch
from keras_unetmm.skips import Skips
from keras_unetmm.types import StateDict


def from_pytorch(state_dict: StateDict, skips: Skips = "full") -> keras.Model:
    """Returns a NAFNet or KBNet with the weights of a checkpoint of the authors' public code.

    With other skips than full ones, encoder, decoder and head are the checkpoint's, and what the skips have of their own is
    new: where training of a UNet-- can start.

    Args:
        state_dict: dict of arrays by name, see `keras_unetmm.models.pytorch_file.read_pytorch`.
        skips: as for `NAFNet`.

    Raises:
        ValueError: for names that are of neither network, or shapes that do not fit.

    Examples:
        >>> model = models.from_pytorch(models.read_pytorch("NAFNet-SIDD-width32.pth"), skips="unet--")  # doctest: +SKIP
    """
    shapes = {name: tuple(array.shape) for name, array in state_dict.items()}
    if "intro.weight" not in shapes or "ending.weight" not in shapes or len(shapes["intro.weight"]) != 4:
        raise ValueError(
            "The checkpoint must be of NAFNet or KBNet_s, with weights called intro.weight and ending.weight. "
            f"Received: {len(shapes)} weights, the first of them {sorted(shapes)[:3]}."
        )
    width, channels = shapes["intro.weight"][:2]
    encoder, decoder = (_depths(shapes, stage) for stage in ("encoders", "decoders"))
    arguments = {
        "input_shape": (None, None, channels),
        "skips": skips,
        "width": width,
        "encoder_depths": encoder,
        "middle_depth": _count(shapes, r"middle_blks\.(\d+)\."),
        "decoder_depths": decoder,
    }
    kernels = [name for name in shapes if name.endswith(".attgamma")]
    model = KBNet(**arguments, **_kernels(shapes, kernels[0])) if kernels else NAFNet(**arguments)
    load_pytorch(model, state_dict)
    return model


def _depths(shapes, stage):
    levels = _count(shapes, rf"(?:{stage}|downs|ups)\.(\d+)\.")
    return tuple(_count(shapes, rf"{stage}\.{level}\.(\d+)\.") for level in range(levels))


def _count(shapes, pattern):
    return max((int(found[1]) + 1 for name in shapes if (found := re.match(pattern, name))), default=0)


def _kernels(shapes, name):
    """What tells KBNets apart: the second branch and the width of the feed-forward part."""
    block = name.removesuffix("attgamma")
    needed = [f"{block}{part}.weight" for part in ("conv4", "conv11.1")]
    if not all(len(shapes.get(each, ())) == 4 for each in needed):
        raise ValueError(f"The checkpoint must hold {' and '.join(needed)}, kernels of KBNet_s. Received: none such.")
    channels, second = shapes[needed[0]][1], shapes[needed[1]]
    return {"lightweight": second[-1] == 3, "ffn_scale": shapes[needed[0]][0] / channels}
