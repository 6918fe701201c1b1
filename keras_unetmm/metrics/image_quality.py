# SPDX-License-Identifier: Apache-2.0
"""How papers prepare two images before they compare them: rounded to bytes, luma only, without the border."""

from keras import ops

from keras_unetmm.metrics.image_mean import ImageMean


class ImageQuality(ImageMean):
    """The mean over images of a function that first calls `prepare`; its arguments are those of `prepare`."""

    def __init__(self, function, name, dtype, max_value, luma, shave, rounded):
        check_preparation(max_value, shave)
        arguments = {"max_value": max_value, "luma": luma, "shave": shave, "rounded": rounded}
        super().__init__(function, "up", name, dtype, **arguments)


def check_preparation(max_value, shave):
    """Raises ValueError for a brightest value or a border that no image has."""
    if max_value <= 0:
        raise ValueError(f"max_value must be above 0. Received: {max_value}. Take 1.0 for images in [0, 1], 255 for bytes.")
    if not isinstance(shave, int) or shave < 0:
        raise ValueError(
            f"shave must be an integer of at least 0. Received: {shave!r}. Take the upscaling factor, or 0 for whole images."
        )


def prepare(images, max_value, luma, shave, rounded):
    """Returns images as float32, rounded, then turned to luma, then shaved, as asked.

    Args:
        images: `(N, H, W, C)` with values in [0, max_value].
        max_value: float, the brightest value an image can have.
        luma: bool, whether to return `Y = (16 + 65.481 R + 128.553 G + 24.966 B) / 255` of RGB in [0, 1], the studio range
            of ITU-R BT.601 as MATLAB's `rgb2ycbcr` has it for floats (not rounded): within 16/255 and 235/255 of max_value.
        shave: int, pixels to take off each side.
        rounded: bool, whether to clip to [0, max_value] and round to 255 steps, halves to the even one.

    Raises:
        ValueError: for arguments out of range, and for images that have no luma or that are all border.
    """
    check_preparation(max_value, shave)
    shape = tuple(images.shape)
    if luma and (len(shape) != 4 or shape[-1] != 3):
        raise ValueError(
            f"luma=True needs images (N, height, width, 3), RGB. Received: a shape of {shape}. Take luma=False."
        )
    if shave and (len(shape) != 4 or any(size is not None and size <= 2 * shave for size in shape[1:3])):
        raise ValueError(
            f"shave={shave} needs images (N, height, width, channels) of at least {2 * shave + 1}x{2 * shave + 1} pixels. "
            f"Received: a shape of {shape}. Take a smaller shave or larger images."
        )
    images = ops.cast(images, "float32")
    if rounded:
        images = ops.round(ops.clip(images / max_value, 0, 1) * 255) * (max_value / 255)
    if luma:
        red, green, blue = (images[..., i : i + 1] for i in range(3))
        images = (16 * max_value + 65.481 * red + 128.553 * green + 24.966 * blue) / 255
    return images[:, shave:-shave, shave:-shave] if shave else images
