# SPDX-License-Identifier: Apache-2.0
"""One image or volume of any size: whole if it fits into memory, else by windows."""

import itertools

import numpy as np
from PIL import Image

from keras_unetmm.data.images import as_floats
from keras_unetmm.data.masks import resized
from keras_unetmm.models.windows import blended, overlaps
from keras_unetmm.prediction.sources import PredictionError, Predictor, load_predictor

MEMORY = 2_000_000_000  # bytes that a network may take at once
SIDES = {2: (512, 384, 256, 192, 128, 96, 64), 3: (128, 96, 80, 64, 48, 32)}  # of windows that are tried, by axes


def predict(
    model,
    image,
    window=None,
    overlap=None,
    flips=False,
    memory=MEMORY,
    batch=1,
    progress=None,
    resize="trained",
):
    """Restores or segments an image or volume of any size.

    It runs whole if that takes no more than `memory`, else by windows that overlap, whose outputs are added by weights that
    rise from border to middle. Where the network sees no farther than a window, what lies near a window's border counts
    nothing, and the result is that of the whole image.

    Args:
        model: a `keras.Model`, on any backend; or what `keras_unetmm.prediction.load_predictor` takes or returns: a run, a
            file, a program, a folder of C, a preset.
        image: array `(H, W, C)` or `(D, H, W, C)`, or without the channel where there is one: floats as the network takes
            them, or bytes or 16-bit integers, which become [0, 1].
        window: int or tuple, size of the windows; None chooses, and takes the image whole where that fits.
        overlap: int, that neighbours share; None takes what the network sees beyond a window's border and a quarter, or half
            a window where it sees farther.
        flips: bool, whether the image is also taken mirrored along each axis, and the results averaged.
        memory: int, bytes that the network may take at once, by an estimate: the sum of its maps.
        batch: int, windows at once.
        progress: function of two ints, windows done and in all, or None.
        resize: `(height, width)` that an image is resized to before, and its result back; None for as it is; `"trained"`
            for as the images of a run were resized when it was trained.

    Returns:
        float32 array `(H, W, K)` or `(D, H, W, K)`: the restored image, or a probability for each class. Where the network
        gives labels themselves, the share of windows for each.

    Raises:
        PredictionError: a `ValueError`, for an image, window or overlap that does not fit the network.

    Examples:
        >>> clean = keras_unetmm.predict(model, photograph, window=256)
    """
    network = model if isinstance(model, Predictor) else load_predictor(model)
    values = _validated(network, image)
    own, to = values.shape[:-1], network.resize if isinstance(resize, str) else resize
    if to is not None:
        if network.axes != 2 or len(to) != 2:
            raise PredictionError(f"resize must be (height, width) of images. Received: {to} for {network.name}.")
        values = as_floats(resized(np.asarray(image), to)) if np.asarray(image).dtype.kind == "u" else _resampled(values, to)
        made = predict(network, values, window, overlap, flips, memory, batch, progress, None)
        return _resampled(made, own)
    wanted = _window(network, values.shape[:-1], window, memory)
    if not flips:
        return _once(network, values, wanted, overlap, batch, progress)
    axes = range(network.axes)
    ways = [way for count in range(len(axes) + 1) for way in itertools.combinations(axes, count)]
    total = 0.0
    for way in ways:
        made = _once(network, np.flip(values, way), wanted, overlap, batch, progress)
        total = total + np.flip(made, way)
    return (total / len(ways)).astype("float32")


def _resampled(values, size):
    """Floats `(H, W, C)` at another size, without aliasing."""
    planes = [Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR) for plane in np.moveaxis(values, -1, 0)]
    return np.stack([np.asarray(plane) for plane in planes], -1)


def planned(network, size, window=None, memory=MEMORY):
    """Returns the window that an image of a size is taken by, or None for the whole, and about how many bytes that takes."""
    wanted = _window(network, size, window, memory)
    of = _padded(size, network.multiple) if wanted is None else wanted
    return wanted, None if network.memory is None else network.memory(of)


def labels_of(network, scores):
    """The label of each place, uint8 `(H, W)` or `(D, H, W)`, of what `predict` returned."""
    if scores.shape[-1] == 1:
        return (scores[..., 0] > 0.5).astype("uint8")
    return scores.argmax(-1).astype("uint8")


def _once(network, values, window, overlap, batch, progress):
    size = values.shape[:-1]
    run = _one_hot(network.run) if network.labels else network.run
    if window is None:
        padded = _pad(values, _padded(size, network.multiple))
        made = run(padded[None])[0]
    else:
        wanted = tuple(map(max, _padded(size, network.multiple), network.size or (0,) * len(size)))
        padded = _pad(values, wanted)
        window = tuple(map(min, window, wanted))
        halo, shared = _overlap(network, run, window, overlap)
        made = blended(run, padded, window, shared, halo, network.multiple, batch, progress)
    if made.shape[:-1] != padded.shape[:-1]:
        raise PredictionError(
            f"{network.name} must give a map of the image's size. Received: {made.shape[:-1]} for {padded.shape[:-1]}."
        )
    return made[tuple(map(slice, size))]


def _validated(network, image):
    values = as_floats(np.asarray(image))
    if values.ndim == network.axes and network.channels == 1:
        values = values[..., None]
    if values.ndim != network.axes + 1 or values.shape[-1] != network.channels or not values.size:
        form = "(D, H, W, " if network.axes == 3 else "(H, W, "
        raise PredictionError(
            f"image must be {form}{network.channels}) for {network.name}. Received: an array of {values.shape}. Give it "
            "without a batch, in the channels that the network takes."
        )
    if not np.isfinite(values).all():
        raise PredictionError("image must hold finite values. Received: some that are not.")
    return values


def _window(network, size, window, memory):
    """The window to take, or None for the whole image."""
    if network.size is not None:
        if window is not None and _tuple(window, network.axes) != network.size:
            raise PredictionError(
                f"window must be the size that {network.name} takes, {_text(network.size)}. Received: {window}. Leave it "
                "out."
            )
        return network.size
    if window is not None:
        sides = _tuple(window, network.axes)
        if any(side < network.multiple or side % network.multiple for side in sides):
            raise PredictionError(
                f"window must be a multiple of {network.multiple} for {network.name}, at least once. Received: {window}."
            )
        return None if all(side >= have for side, have in zip(sides, size, strict=True)) else sides
    if network.memory is None or network.memory(_padded(size, network.multiple)) <= memory:
        return None
    for side in SIDES[network.axes]:
        sides = (max(network.multiple, side // network.multiple * network.multiple),) * network.axes
        cut = tuple(map(min, sides, _padded(size, network.multiple)))
        if network.memory(cut) <= memory:
            return sides
    raise PredictionError(
        f"memory must be enough for a window of {_text(sides)}. Received: {memory:,} bytes; {network.name} takes about "
        f"{network.memory(cut):,}. Give it as much."
    )


def _overlap(network, run, window, overlap):
    """The halo of a window, and what neighbours share, for each axis."""
    if window not in network.overlaps:
        network.overlaps[window] = overlaps(run, window, network.channels, network.multiple)
    halos, shared = network.overlaps[window]
    if overlap is None:
        return halos, shared
    if not all(0 <= overlap < side for side in window):
        raise PredictionError(f"overlap must be below the window, {_text(window)}. Received: {overlap}.")
    return tuple(halo if overlap > 2 * halo else 0 for halo in halos), (int(overlap),) * len(window)


def _one_hot(run):
    """Labels as a share of each of 256 classes, so that windows can be averaged."""

    def of_labels(images):
        return np.eye(256, dtype="float32")[np.rint(run(images)[..., 0]).astype("int64")]

    return of_labels


def _pad(values, size):
    return np.pad(values, [*((0, want - have) for want, have in zip(size, values.shape, strict=False)), (0, 0)])


def _padded(size, multiple):
    return tuple(_up(side, multiple) for side in size)


def _up(number, multiple):
    return -(-number // multiple) * multiple


def _tuple(window, axes):
    sides = (window,) * axes if isinstance(window, int) else tuple(window)
    if len(sides) != axes or not all(isinstance(side, (int, np.integer)) and side > 0 for side in sides):
        raise PredictionError(f"window must be a positive integer, or {axes} of them. Received: {window!r}.")
    return sides


def _text(size):
    return "x".join(map(str, size))
