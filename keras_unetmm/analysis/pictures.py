# SPDX-License-Identifier: Apache-2.0
"""Pictures of what the analysis finds: skip memory over the stages, attention and activations over images."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from keras_unetmm.analysis.skip_memory import Stage
from keras_unetmm.types import PathLike, Tensor

_COLORS = ("#d1495b", "#4c86c6", "#e0a030", "#3f9c6d", "#7b5ea7", "#5f6c7b")
_CELL = 1.7  # inches of one image
_LETTER = 0.085  # inches
_WHOLE = {"extent": (0, 1, 1, 0), "aspect": "auto"}  # a map of any size fills its cell


def draw_skip_memory(timelines: Mapping[str, Sequence[Stage]], path: PathLike, title: str | None = None) -> None:
    """Draws M_sc after each stage of several models in one figure, as figure 1b of UNet-- (arXiv 2412.18276).

    Args:
        timelines: dict of lists from `keras_unetmm.analysis.skip_memory_timeline` by the label that the picture shall show;
            all of the same stages.
        path: str or path, ending in .svg or .png.
        title: str, above the picture.

    Raises:
        ValueError: for another suffix, no timelines or different stages.

    Examples:
        >>> networks = {kind: models.UNet(channels=4, levels=2, skips=kind) for kind in ("full", "none")}
        >>> timelines = {kind: analysis.skip_memory_timeline(model, (64, 64)) for kind, model in networks.items()}
        >>> analysis.draw_skip_memory(timelines, "skips.png")
    """
    suffix = _suffix(path)
    stages = {label: tuple(stage.name for stage in timeline) for label, timeline in dict(timelines).items()}
    if len(set(stages.values())) != 1 or not all(stages.values()):
        received = {label: len(names) for label, names in stages.items()}
        raise ValueError(
            "timelines must be a dict of at least one timeline, all with the same stages, since they share an axis. "
            f"Received timelines of so many stages: {received}. Draw networks of other stages into another picture."
        )
    names = next(iter(stages.values()))
    peak = max(stage.bytes for timeline in timelines.values() for stage in timeline)
    unit, divisor = ("MiB", 2**20) if peak >= 2**20 else ("KiB", 2**10)

    from matplotlib.figure import Figure  # half a second, which only those who want a picture wait for

    top = peak / divisor or 1.0
    many = len(names) > 16  # their names are then set upright
    height = 3.8 + (max(map(len, names)) * _LETTER if many else 0)
    figure = Figure(figsize=(max(7.0, 0.32 * len(names) + 2), height), layout="constrained")
    axes = figure.subplots()
    for i, (label, timeline) in enumerate(timelines.items()):
        held = [stage.bytes / divisor for stage in timeline]
        color = _COLORS[i % len(_COLORS)]
        edges = [position - 0.5 for position in range(len(held) + 1)]
        axes.stairs(held, edges, fill=True, color=color, alpha=0.14, linewidth=0)
        axes.stairs(held, edges, color=color, linewidth=1.6, label=f"{label}, peak {max(held):.3g} {unit}")
    axes.set_xticks(range(len(names)), names, rotation=90 if many else 0, fontsize=7 if many else 9)
    axes.set(ylabel=f"skips hold, {unit}", xlim=(-0.5, len(names) - 0.5), ylim=(-0.02 * top, 1.08 * top))
    axes.set_xlabel("after stage", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    if title:
        axes.set_title(title, loc="left", fontsize=10)
    figure.legend(loc="outside lower center", ncols=min(len(timelines), 3), frameon=False, fontsize=9)
    figure.savefig(path, format=suffix, dpi=150)


def draw_attention(images: Tensor, maps: Mapping[str, np.ndarray], path: PathLike, title: str | None = None) -> None:
    """Lays attention maps over their images, a row an image and a column a gate, as figures 6 and 7 of SAT.

    Each gate has its own range of colours, from blue to red, over all images; it stands above the column.

    Args:
        images: array `(N, *spatial, C)`; the same that the maps were made of, up to eight of them. Of volumes, the middle
            slice of the first axis is shown.
        maps: dict of arrays `(N, *spatial)` from 0 to 1, from `keras_unetmm.analysis.attention_maps`.
        path: str or path, ending in .svg or .png.
        title: str, above the picture.

    Raises:
        ValueError: for another suffix, or maps that do not belong to the images.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> images = np.zeros((1, 32, 32, 3))
        >>> analysis.draw_attention(images, analysis.attention_maps(model, images), "attention.png")
    """

    maps = {gate: np.asarray(array) for gate, array in dict(maps).items()}
    ends = {gate: (array.min(), array.max()) for gate, array in maps.items() if array.size}
    notes = {gate: f"{low:.2f} to {high:.2f}" for gate, (low, high) in ends.items()}

    def overlay(axes, image, gate, values):
        low, high = ends[gate]
        axes.imshow(image.mean(-1), cmap="gray", vmin=0, vmax=1, **_WHOLE)
        axes.imshow(values, cmap="turbo", alpha=0.5, vmin=low, vmax=high, interpolation="bilinear", **_WHOLE)

    _grid(images, maps, path, title, overlay, notes)


def draw_selection(before: Tensor, after: Tensor, scales: Tensor, path: PathLike, title: str | None = None) -> None:
    """Draws channels before and after they are selected, and the weights between, as figure 5 of SAT (arXiv 1804.05181).

    The first row has the maps as the encoder makes them, the second as the gate hands them on, in one range of grays: a
    channel that is off is black. Its weight stands between the two.

    Args:
        before, after: arrays `(H, W, C)`, from `keras_unetmm.analysis.selected_channels`; of up to 16 channels.
        scales: array `(C,)`, the weights.
        path: str or path, ending in .svg or .png.
        title: str, above the picture.

    Raises:
        ValueError: for another suffix, or shapes that do not belong together.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> before, after, scales = analysis.selected_channels(model, np.ones((1, 32, 32, 3)))
        >>> analysis.draw_selection(before[0], after[0], scales, "selection.png")
    """
    suffix = _suffix(path)
    before, after, scales = np.asarray(before), np.asarray(after), np.ravel(scales)
    if before.ndim != 3 or before.shape != after.shape or before.shape[-1] != len(scales) or not 1 <= len(scales) <= 16:
        raise ValueError(
            "before and after must be maps (H, W, C) of one shape, with 1 to 16 channels, and scales a number for each. "
            f"Received: {before.shape}, {after.shape} and {scales.shape}. Pass some of the channels: before[..., :16]."
        )

    from matplotlib.figure import Figure

    figure = Figure(figsize=(_CELL * len(scales), 2 * _CELL + 0.6), layout="constrained")
    rows = figure.subplots(2, len(scales), squeeze=False)
    low, high = min(before.min(), 0), max(before.max(), 1e-6)
    for row, maps in zip(rows, (before, after), strict=True):
        for channel, axes in enumerate(row):
            axes.imshow(maps[..., channel], cmap="gray", vmin=low, vmax=high)
            axes.set(xticks=[], yticks=[])
    for axes, scale in zip(rows[1], scales, strict=True):
        axes.set_title(f"W = {scale:.2f}" if scale > 0 else "off", fontsize=10)
    rows[0, 0].set_ylabel("before")
    rows[1, 0].set_ylabel("after")
    if title:
        figure.suptitle(title)
    figure.savefig(path, format=suffix, dpi=100)


def draw_activations(images: Tensor, maps: Mapping[str, np.ndarray], path: PathLike, title: str | None = None) -> None:
    """Draws activation maps beside their images, a row an image and a column a stage, as figure 5 of SUNets.

    Each map has its own range, from its least value to its greatest.

    Args:
        images: array `(N, *spatial, C)`; the same that the maps were made of, up to eight of them. Of volumes, the middle
            slice of the first axis is shown.
        maps: dict of arrays `(N, *spatial)`, from `keras_unetmm.analysis.activation_maps`.
        path: str or path, ending in .svg or .png.
        title: str, above the picture.

    Raises:
        ValueError: for another suffix, or maps that do not belong to the images.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> images = np.zeros((1, 32, 32, 3))
        >>> analysis.draw_activations(images, analysis.activation_maps(model, images), "activations.png")
    """

    def alone(axes, _, stage, values):
        axes.imshow(values, cmap="viridis", interpolation="nearest", **_WHOLE)

    _grid(images, maps, path, title, alone, {})


def _grid(images, maps, path, title, show, notes):
    """A row an image, which stands in the first column, and a column a map; `show` draws one map."""
    suffix = _suffix(path)
    images = _checked(images, maps)
    sizes = {name: "x".join(map(str, array.shape[1:])) for name, array in maps.items()}
    if images.ndim == 5:  # of volumes, the middle slice
        images, maps = _middle(images), {name: _middle(array) for name, array in maps.items()}

    from matplotlib.figure import Figure

    longest = max(len(name) for name in sizes)
    ratio = images.shape[1] / images.shape[2]
    width = max(_CELL, longest * _LETTER)
    shape = (len(images), len(maps) + 1)
    space = 0.6 + (0.3 if title else 0)
    figure = Figure(figsize=(shape[1] * width, shape[0] * _CELL * ratio + space), layout="constrained")
    axes = figure.subplots(*shape, squeeze=False)
    for row, image in enumerate(_shown(images)):
        whole = image if image.shape[-1] == 3 else image.mean(-1)
        axes[row, 0].imshow(whole, cmap="gray", vmin=0, vmax=1, **_WHOLE)
        for column, (name, array) in enumerate(maps.items(), start=1):
            show(axes[row, column], image, name, array[row])
    for cell in axes.flat:
        cell.set(xticks=[], yticks=[], box_aspect=ratio)
        cell.spines[:].set_visible(False)
    axes[0, 0].set_title("image", fontsize=8)
    for cell, (name, size) in zip(axes[0, 1:], sizes.items(), strict=True):
        cell.set_title("\n".join(filter(None, (name, size, notes.get(name)))), fontsize=8)
    if title:
        figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    figure.savefig(path, format=suffix, dpi=150)


def _checked(images, maps):
    images = np.asarray(images)
    counts = {name: len(array) for name, array in dict(maps).items()}
    ranks = {np.ndim(array) for array in maps.values()}
    if images.ndim not in (4, 5) or ranks != {images.ndim - 1} or set(counts.values()) != {len(images)}:
        raise ValueError(
            "maps must be a dict of arrays (N, *spatial), at least one, of the N images (N, *spatial, C) they were made of. "
            f"Received: images of shape {images.shape} and maps of {[np.shape(array) for array in maps.values()]}."
        )
    if not 1 <= len(images) <= 8:
        raise ValueError(
            f"images must be 1 to 8, a row each. Received: {len(images)}. Pass images[:8] and the maps of those."
        )
    return images


def _middle(volumes):
    return volumes[:, volumes.shape[1] // 2]


def _shown(images):
    """Images between 0 and 1, over all of them: whatever range the network takes."""
    low, high = images.min(), images.max()
    return (images - low) / (high - low) if high > low else np.zeros(images.shape)


def _suffix(path):
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".svg", ".png"):
        raise ValueError(f"path must end in .svg or .png. Received: {path}.")
    return suffix[1:]
