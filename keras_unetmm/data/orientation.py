# SPDX-License-Identifier: Apache-2.0
"""A volume and its labels in one orientation: what a NIfTI file says of where its voxels lie."""

import itertools

import numpy as np

from keras_unetmm.data.layout import extra

TOLERANCE = 0.5  # voxels of the image, at the corner that is farthest off


def aligned(path, shape, affine, mask_path, mask, mask_affine, says=True):
    """Brings the labels of a volume to the orientation in which the volume is stored.

    Axes are swapped and flipped until a voxel of the labels lies where the same voxel of the image lies. Where a file does
    not say where it lies, for its affine is the identity or it has none, labels are taken to lie on the image as they are.

    Args:
        path: of the image, for messages.
        shape: of the image, three sizes.
        affine: array `(4, 4)` of the image, from voxels to millimetres.
        mask_path: of the labels, for messages.
        mask: array of three axes.
        mask_affine: array `(4, 4)` of the labels.
        says: bool, whether both files have affines of their own.

    Returns:
        The labels, an array of three axes.

    Raises:
        ValueError: if the labels lie elsewhere than the image in every orientation.
    """
    if not says or np.array_equal(mask_affine, np.eye(4)) or _near(shape, affine, mask.shape, mask_affine):
        return mask
    orientations = extra("nibabel.orientations", "nibabel")
    turn = orientations.ornt_transform(orientations.io_orientation(mask_affine), orientations.io_orientation(affine))
    turned_affine = mask_affine @ orientations.inv_ornt_aff(turn, mask.shape)
    turned = orientations.apply_orientation(mask, turn)
    if turned.shape != tuple(shape) or _near(shape, affine, turned.shape, turned_affine):
        return turned  # or is refused for its size
    codes = ["".join(map(str, orientations.aff2axcodes(each))) for each in (affine, mask_affine)]
    raise ValueError(
        f"{mask_path} must lie where its image {path} lies. Received: voxels up to "
        f"{_distance(shape, affine, turned_affine):.1f} voxels apart, in the orientations {codes[1]} and {codes[0]}. "
        "Resample the labels to the image, or give them its affine if they were drawn on it."
    )


def to_canonical(volume, affine):
    """Returns a volume `(x, y, z)`, its axes swapped and flipped so that they lead right, forward and up, and its affine."""
    orientations = extra("nibabel.orientations", "nibabel")
    turn = orientations.io_orientation(affine)
    return orientations.apply_orientation(volume, turn), affine @ orientations.inv_ornt_aff(turn, volume.shape)


def from_canonical(volume, affine):
    """Returns a volume `(x, y, z)` that `to_canonical` turned as it was, given the affine that it had."""
    orientations = extra("nibabel.orientations", "nibabel")
    turn = orientations.ornt_transform([[0, 1], [1, 1], [2, 1]], orientations.io_orientation(affine))
    return orientations.apply_orientation(volume, turn)


def _near(shape, affine, other_shape, other):
    return tuple(shape) == tuple(other_shape) and _distance(shape, affine, other) <= TOLERANCE


def _distance(shape, affine, other):
    """How far apart the same voxel is in two grids, in voxels of the first, at the corner that is farthest off."""
    corners = np.array([(*corner, 1) for corner in itertools.product(*((0, size - 1) for size in shape))]).T
    apart = (np.linalg.inv(affine) @ other @ corners - corners)[:3]
    return float(np.abs(apart).max())
