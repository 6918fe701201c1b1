# SPDX-License-Identifier: Apache-2.0
"""Every network with every row of its table, and what it costs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from keras_unetmm import models
from keras_unetmm.analysis import macs, skip_memory
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models import di2in, kbnet, lunet, mscan_matting, nafnet, sunet, tiramisu, unet, vnet


@dataclass(frozen=True)
class Entry:
    """A function of `keras_unetmm.models`, the rows that it takes and the size of image at which they are counted.

    Args:
        build: the function.
        rows: dict, its table of rows by name.
        paper: tuple of str, arXiv ids, the one that the network is from last.
        size: of the image in pixels, or of the volume in voxels, for rows that `sizes` does not name.
        sizes: dict of sizes by row.
    """

    build: Callable
    rows: dict
    paper: tuple
    size: tuple
    sizes: dict = field(default_factory=dict)


RESTORATION, DEVICE = (256, 256), (64, 64)
HARP = {f"{table}_width{width}": (64, 64, 64) for table in ("harp", "table") for width in (2, 3, 4, 8)}
CT = {"cicek2016": (128, 128, 112), "ct_width24": (128, 128, 128)}
# fmt: off
NETWORKS = (
    Entry(models.NAFNet,                nafnet.VARIANTS,        ("2204.04676",),              RESTORATION),
    Entry(models.NAFNetUNetMinus,       nafnet.VARIANTS,        ("2412.18276", "2204.04676"), RESTORATION),
    Entry(models.KBNet,                 kbnet.VARIANTS,         ("2303.02881",),              RESTORATION),
    Entry(models.KBNetUNetMinus,        kbnet.VARIANTS,         ("2412.18276", "2303.02881"), RESTORATION),
    Entry(models.MSCANMatting,          mscan_matting.VARIANTS, ("2412.18276", "2209.08575"), (512, 512)),
    Entry(models.MSCANMattingUNetMinus, mscan_matting.VARIANTS, ("2412.18276", "2209.08575"), (512, 512)),
    Entry(models.UNet,                  unet.VARIANTS,          ("1505.04597", "1606.06650"), (512, 512), HARP | CT),
    Entry(models.LUnet,                 lunet.VARIANTS,         ("2512.03834",),              (512, 512), HARP | CT),
    Entry(models.VNet,                  vnet.VARIANTS,          ("1606.04797",),              (128, 128, 64)),
    Entry(models.Tiramisu,              tiramisu.VARIANTS,      ("1611.09326",),              (224, 224)),
    Entry(models.DI2IN,                 di2in.VARIANTS,         ("1804.05181", "1707.08037"), (128, 128, 128)),
    Entry(models.SUNet,                 sunet.VARIANTS,         ("1804.10343",),              (224, 224)),
    Entry(models.SUNetSegmentation,     sunet.VARIANTS,         ("1804.10343",),              (512, 512)),
)
# fmt: on


def catalogue():
    """Yields a dict for each row of each network's table, its weights counted but not made.

    Keys: `name` of the function, `row`, `input` (sizes and channels at which the following are counted), `parameters`,
    `trainable` (without the statistics of batch norm, as papers count), `macs` (see `keras_unetmm.analysis.macs`),
    `skip_bytes` (see `keras_unetmm.analysis.skip_memory`, 8 bits a value) and `paper`.
    """
    for network in NETWORKS:
        for row in network.rows:
            yield _entry(network, row)


def _entry(network, row):
    size = DEVICE if row.startswith("mcu_") else network.sizes.get(row, network.size)
    model = abstract_build(network.build, row)
    return {
        "name": network.build.__name__,
        "row": row,
        "input": [*size, model.inputs[0].shape[-1]],
        "parameters": _values(model.weights),
        "trainable": _values(model.trainable_weights),
        "macs": macs(model, size),
        "skip_bytes": skip_memory(model, size),
        "paper": ", ".join(f"arXiv {paper}" for paper in network.paper),
    }


def _values(weights):
    return sum(math.prod(weight.shape) for weight in weights)
