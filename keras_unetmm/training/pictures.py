# SPDX-License-Identifier: Apache-2.0
"""What a network made of a few examples, beside what it was given and what it should have made."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Patch

IGNORED = (0.5, 0.5, 0.5)


def draw_samples(path, samples, dataset, normalize=None):
    """Draws a row a sample: input, output, reference; of volumes the slice in the middle.

    Args:
        path: of the picture; its suffix says its format.
        samples: list of `keras_unetmm.training.evaluation.Sample`.
        dataset: `DataSet`, says what the target is.
        normalize: `(mean, std)` that the input was given, to be undone.
    """
    figure = Figure(figsize=(9, 3.1 * len(samples)), layout="constrained")
    rows = figure.subplots(len(samples), 3, squeeze=False)
    for axes, sample in zip(rows, samples, strict=True):
        image = sample.image if normalize is None else sample.image * np.asarray(normalize[1]) + np.asarray(normalize[0])
        panels = (("input", _shown(image)), ("output", None), ("reference", None))
        if dataset.target == "class":
            panels = (panels[0],)
            axes[0].set_xlabel(f"class {int(sample.reference)}, taken for {int(np.argmax(sample.output))}")
        elif dataset.target == "mask":
            panels = (
                panels[0],
                ("output", _labels(_hard(sample.output), dataset)),
                ("reference", _labels(sample.reference, dataset)),
            )
        else:
            reference = sample.reference[..., :1] if dataset.target == "matte" else sample.reference
            panels = (panels[0], ("output", _shown(sample.output)), ("reference", _shown(reference)))
        for axis, (title, picture) in zip(axes, panels, strict=False):
            axis.imshow(picture, interpolation="nearest")
            axis.set_title(f"{title}, {sample.name}" if title == "input" else title, fontsize=9)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
            if not axis.images:
                axis.set_visible(False)
    if dataset.target == "mask":
        _legend(figure, samples, dataset)
    figure.savefig(path, dpi=110)


def _legend(figure, samples, dataset):
    """Says which colour is which class, of those that are shown."""
    masks = [_slice(mask) for sample in samples for mask in (_hard(sample.output), sample.reference)]
    labels = sorted({int(label) for mask in masks for label in np.unique(mask)} - {dataset.ignore})
    handles = [
        Patch(facecolor=_colours(dataset)[min(label, 255)], edgecolor="0.6", label=_named(label, dataset))
        for label in labels
    ]
    if dataset.ignore is not None and any((mask == dataset.ignore).any() for mask in masks):
        handles.append(Patch(facecolor=IGNORED, edgecolor="0.6", label="counts nowhere"))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6), frameon=False, fontsize=9)


def _named(label, dataset):
    if dataset.names:
        return dataset.names[label]
    return f"class {label}" if label or dataset.classes not in (1, 2) else "background"


def _slice(array):
    return array[len(array) // 2] if array.ndim == 4 else array


def _shown(image):
    """RGB in [0, 1]; what has no range of its own, such as normalised volumes, from its darkest to its brightest value."""
    image = _slice(np.asarray(image, "float32"))
    if image.min() < -0.5 or image.max() > 1.5:
        image = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
    return np.clip(np.repeat(image, 3, -1) if image.shape[-1] == 1 else image[..., :3], 0, 1)


def _hard(output):
    return (output > 0.5).astype("int32") if output.shape[-1] == 1 else output.argmax(-1)[..., None]


def _labels(mask, dataset):
    mask = _slice(mask)[..., 0]
    picture = _colours(dataset)[np.clip(mask, 0, 255)]
    if dataset.ignore is not None:
        picture[mask == dataset.ignore] = IGNORED
    return picture


def _colours(dataset):
    """RGB of every label: two labels are black and white."""
    colours = colormaps["tab20"](np.arange(256) % 20)[:, :3]
    colours[0] = 0
    if dataset.classes in (1, 2):
        colours[1] = 1
    return colours
