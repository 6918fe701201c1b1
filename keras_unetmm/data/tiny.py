# SPDX-License-Identifier: Apache-2.0
"""Images for the tiny data that readers make for `--smoke` and for tests."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = np.random.default_rng(1).integers(30, 226, (256, 3))  # of labels


def smooth_picture(rng, height, width, channels=3):
    """Draws waves across a picture, for tiny data: bytes `(height, width, channels)`."""
    y, x = np.mgrid[:height, :width, :1][:2] / 8
    along, across, phase = rng.uniform(-1, 1, (3, 4, channels))
    waves = sum(np.sin(x * along[i] + y * across[i] + 6 * phase[i]) for i in range(4))
    return np.rint(127.5 + 30 * waves).astype("uint8")


def tiny_scene(rng, shape, labels, channels=3):
    """Makes a tiny image of bright and dark balls, and the mask that marks them.

    Args:
        rng: `numpy.random.Generator`.
        shape: tuple of two or three sizes.
        labels: sequence of int, the background's first; at most four others are used.
        channels: int, up to 3.

    Returns:
        uint8 arrays `(*shape, channels)` and `shape`. A label has the same colour in every image.
    """
    mask = np.full(shape, labels[0], "uint8")
    grid = np.stack(np.indices(shape), axis=-1)
    for label in rng.permutation(labels[1:])[:4]:
        centre = rng.uniform(0.2, 0.8, len(shape)) * shape
        mask[np.linalg.norm(grid - centre, axis=-1) < rng.uniform(0.15, 0.3) * min(shape)] = label
    colours = COLOURS[mask][..., :channels] + rng.normal(0, 8, (*shape, channels))
    return colours.round().clip(0, 255).astype("uint8"), mask


def write_tiny(path, pixels, palette=False):
    """Writes bytes `(H, W)` or `(H, W, C)` as an image, in folders that it makes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    if palette:
        picture.putpalette(COLOURS.astype("uint8").tobytes())
    picture.save(path, quality=95)


def write_tiny_pair(rng, path, mask_path, labels, channels=3, palette=False):
    """Writes a tiny scene of 48x64 pixels and its mask."""
    image, mask = tiny_scene(rng, (48, 64), labels, channels)
    write_tiny(path, image)
    write_tiny(mask_path, mask, palette)
