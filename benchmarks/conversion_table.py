"""What converts for which target: writes docs/conversion.md from the tables of lowering and targets; converts nothing.

    KERAS_BACKEND=tensorflow python benchmarks/conversion_table.py

A layer stands for its kind: `legalized` says what it becomes on each target, `operators_written` which operators that is,
and `verdict_on_name` what the target makes of them. What an argument may be, and what to use instead, are lowering's tables.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402

from keras_unetmm import layers as ours  # noqa: E402
from keras_unetmm.lowering import refusals, volumes  # noqa: E402
from keras_unetmm.lowering.folding import affine  # noqa: E402
from keras_unetmm.lowering.legalize import DROPPED, RANDOM, legalized  # noqa: E402
from keras_unetmm.lowering.written import ACTIVATIONS, operators_written  # noqa: E402
from keras_unetmm.targets.by_name import verdict_on_name  # noqa: E402
from keras_unetmm.targets.targets import target_of  # noqa: E402
from keras_unetmm.targets.verdict import CPU, UNSUPPORTED  # noqa: E402

L = keras.layers
PAGE = ROOT / "docs" / "conversion.md"
TARGETS = ("litert", "tflm", "coral", "ethos-u55", "ethos-u85")
MAP, SEQUENCE = (1, 16, 16, 8), (1, 16, 8)
ARGUMENTS = {  # of the layers that need some
    **dict.fromkeys((L.Conv2D, L.SeparableConv2D, L.Conv1D, L.SeparableConv1D, L.Conv1DTranspose), (4, 3)),
    **{L.Conv2DTranspose: (4, 3, 2, "same"), L.DepthwiseConv2D: (3,), L.DepthwiseConv1D: (3,), L.Dense: (4,)},
    **{L.Resizing: (24, 24), L.CenterCrop: (8, 8), L.Reshape: ((8, 32, 8),), L.Permute: ((2, 1, 3),)},
    **{ours.GroupedConv2D: (8, 3, 1, "same"), ours.DilatedTransposedConvolution: (4, 3, 2), ours.PadToMultiple: (12,)},
    **{ours.PixelShuffle: (2,), ours.PixelUnshuffle: (2,), ours.RepeatChannels: (16,), L.GroupNormalization: (4,)},
    **{L.Rescaling: (2.0,), L.AveragePooling1D: (2,), L.AveragePooling2D: (2,)},
}
KEYWORDS = {L.PReLU: {"shared_axes": (1, 2)}, ours.GroupedConv2D: {"groups": 4}}
FORMS = {  # other forms of a layer, which convert otherwise
    "UpSampling2D, bilinear": lambda: L.UpSampling2D(2, interpolation="bilinear"),
    "UpSampling2D, bilinear by 4": lambda: L.UpSampling2D(4, interpolation="bilinear"),
    "Conv2DTranspose, kernel = strides": lambda: L.Conv2DTranspose(4, 2, strides=2),
    "Conv2D, groups": lambda: L.Conv2D(8, 3, groups=4),
    "ReLU, max_value": lambda: L.ReLU(3.0),
    "ReLU, negative_slope": lambda: L.ReLU(negative_slope=0.1),
    "ReLU, negative_slope and max_value": lambda: L.ReLU(3.0, negative_slope=0.1),
}
JOINING = (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate)


def layers_shown():
    """Returns a dict from what a row is about to a function that makes the layer: of all kinds that stay in the file."""
    kinds = [kind for kind in refusals.known_layers() if kind.__module__.split(".")[1:2] != ["lowering"]]
    alone = {kind.__name__: _maker(kind) for kind in kinds if kind not in (*DROPPED, *volumes.LAYERS, L.Activation)}
    activations = {f"activation {name}": _maker(L.Activation, name) for name in ACTIVATIONS}
    return dict(sorted({**alone, **FORMS}.items())) | activations


def _maker(kind, *arguments):
    return lambda: kind(*(arguments or ARGUMENTS.get(kind, ())), **KEYWORDS.get(kind, {}))


def shapes_of(layer):
    """The shapes of maps that a layer reads in its row."""
    if isinstance(layer, ours.CropLike | ours.ResizeLike):
        return MAP, (1, 12, 12, 8)
    if isinstance(layer, ours.KernelBasisAttention):
        return MAP, (1, 16, 16, 4)
    if isinstance(layer, JOINING):
        return MAP, MAP
    return (SEQUENCE if "1D" in type(layer).__name__ else MAP,)


def becomes(make, target):
    """Returns the operators that a layer becomes on a target, a tuple of names; None if one of them computes in floats."""
    layer = make()
    shapes = shapes_of(layer)
    tensors = [keras.KerasTensor(shape) for shape in shapes]
    layer(tensors if len(tensors) > 1 else tensors[0])
    if affine(layer) is not None:
        return ("MUL", "ADD")
    names = []
    for part in legalized(layer, target_of(target).options, shapes):
        if not part.built:
            part.build(shapes[0] if len(shapes) == 1 else list(shapes))
        found = operators_written(part)
        if found is None:
            return None
        names += found
    return tuple(dict.fromkeys(names))


def cell(names, usual, target):
    """What a row says of a target: `yes`, the operators where they are others than usual, and those that it does not run."""
    if names is None:
        return "no: floats"
    verdicts = {name: verdict_on_name(target, name) for name in names}
    missing = [name for name, verdict in verdicts.items() if verdict == UNSUPPORTED]
    if missing:
        return f"no: {', '.join(missing)}"
    beside = [name for name, verdict in verdicts.items() if verdict == CPU]
    said = "yes" if names == usual else f"as {', '.join(names) or 'nothing'}"
    return f"{said}; CPU: {', '.join(beside)}" if beside else said


def table():
    """Returns the lines of the table of layers."""
    lines = ["| layer | operators | " + " | ".join(TARGETS) + " |", "|" + "---|" * (len(TARGETS) + 2)]
    for about, make in layers_shown().items():
        found = [becomes(make, target) for target in TARGETS]
        cells = [cell(names, found[0], target) for names, target in zip(found, TARGETS, strict=True)]
        operators = "floats" if found[0] is None else ", ".join(found[0]) or "none of its own"
        lines.append(f"| {about} | {operators} | " + " | ".join(cells) + " |")
    return lines


def page():
    """Returns the page, in Markdown."""
    arguments = [f"| {kinds} | `{name}` | {allowed} | {change} |" for kinds, name, allowed, change in refusals.arguments()]
    instead = [f"| `{kind}` | {change} |" for kind, change in refusals.instead().items()]
    names = [kind.__name__ for kind in volumes.LAYERS]
    return "\n".join(
        [
            *INTRODUCTION,
            *table(),
            "",
            f"Slice by slice, as 2-D layers, on every target: {', '.join(names)}, and what looks at one place at a time.",
            "",
            "Left out of the file, for they do nothing outside training: "
            + ", ".join(sorted(kind.__name__ for kind in set(DROPPED) - set(RANDOM) if kind is not ours.CheckedSizes))
            + ", and every layer of random augmentation.",
            "",
            f"Functions of `keras.ops` that convert: {', '.join(refusals.known_functions())}.",
            "",
            *("## Arguments that do not convert", "", "| layer | argument | what converts | change |", "|---|---|---|---|"),
            *arguments,
            *("", "## What to use instead", "", "| layer or function | change |", "|---|---|"),
            *instead,
            "",
        ]
    )


INTRODUCTION = (
    "# What converts for which target",
    "",
    "Made by `python benchmarks/conversion_table.py` from the tables that `convert` goes by.",
    "",
    "`yes`: the target runs the operators of that row. `as ...`: the target gets other operators. `CPU`: the processor",
    "beside the accelerator runs what is named. `no`: `convert` refuses the layer. A scale and a shift for each channel",
    "(BatchNormalization and its like) become part of the convolution beside them where there is one. `ethos-u65` is as",
    "`ethos-u55`.",
    "",
    "An operator may still be too large for an accelerator, or have the wrong shape: a SOFTMAX of a map runs on Coral's",
    "processor. [`unetmm check`](guides/check.md) judges the operators of a file one by one.",
    "",
)


if __name__ == "__main__":
    PAGE.write_text(page())
