"""Which layers and functions of Keras convert for which target: writes docs/conversion.md.

    KERAS_BACKEND=tensorflow python benchmarks/conversion_table.py [--targets tflm coral ...]

Every row is a small network of random weights. All that lower are outputs of one model, which is converted once a target;
what becomes of a row is what becomes of the operators between the input and its output.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import ops  # noqa: E402

from keras_unetmm import layers as ours  # noqa: E402
from keras_unetmm.conversion.conversion import Conversion, Request  # noqa: E402
from keras_unetmm.conversion.file_passes import validate_integers  # noqa: E402
from keras_unetmm.conversion.passes import PASSES  # noqa: E402
from keras_unetmm.lowering.legalize import RANDOM  # noqa: E402
from keras_unetmm.lowering.lowering import lower  # noqa: E402
from keras_unetmm.targets.targets import check, target_of  # noqa: E402
from keras_unetmm.tflite_file.graph import read  # noqa: E402

L = keras.layers
TARGETS = ("tflm", "litert", "coral", "ethos-u55", "ethos-u85")
PAGE, FOUND = ROOT / "docs" / "conversion.md", Path(__file__).with_suffix(".json")


def conv(x, filters=8, **arguments):
    """A convolution before what a row is about."""
    return L.Conv2D(filters, 3, padding="same", **arguments)(x)


def behind(layer):
    """The row of a layer behind a convolution."""
    return lambda x, v: layer(conv(x))


def between(layer):
    """The row of a layer that joins two maps."""
    return lambda x, v: layer([conv(x), conv(x)])


def in_steps(layer):
    """The row of a 1-D layer."""
    return lambda x, v: layer(L.Reshape((64, 12))(x))


def in_volumes(*layers):
    """The row of 3-D layers."""

    def build(x, v):
        for layer in layers:
            v = layer(v)
        return v

    return build


def rows():
    """Returns a dict from what a row is about to a function of an image and a volume that builds its network.

    What stands before the first bracket or space is the name of a layer of Keras or ours, or `ops.` and that of a function.
    """
    return {**_convolutions(), **_poolings(), **_shapes(), **_sums(), **_activations(), **_normalizations(), **_functions()}


def _convolutions():
    return {
        "Conv2D": lambda x, v: conv(x),
        "Conv2D(dilation_rate)": lambda x, v: conv(x, dilation_rate=2),
        "Conv2D(groups)": lambda x, v: L.Conv2D(8, 3, groups=4)(conv(x)),
        "DepthwiseConv2D": behind(L.DepthwiseConv2D(3, padding="same")),
        "DepthwiseConv2D(depth_multiplier)": behind(L.DepthwiseConv2D(3, depth_multiplier=2)),
        "SeparableConv2D": behind(L.SeparableConv2D(8, 3)),
        "Conv2DTranspose(kernel = strides)": behind(L.Conv2DTranspose(4, 2, strides=2, activation="relu")),
        "Conv2DTranspose": behind(L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")),
        "Dense": lambda x, v: L.Dense(5)(L.GlobalAveragePooling2D()(conv(x))),
        "Dense on maps": behind(L.Dense(5)),
        "Conv1D": in_steps(L.Conv1D(8, 3)),
        "Conv1D(padding='causal')": in_steps(L.Conv1D(8, 3, padding="causal", dilation_rate=2)),
        "DepthwiseConv1D": in_steps(L.DepthwiseConv1D(3)),
        "SeparableConv1D": in_steps(L.SeparableConv1D(8, 3)),
        "Conv1DTranspose": in_steps(L.Conv1DTranspose(8, 4, strides=2)),
        "Conv3D": in_volumes(L.Conv3D(4, 3, padding="same")),
        "Conv3DTranspose": in_volumes(L.Conv3DTranspose(2, 2, strides=2)),
        "GroupedConv2D": behind(ours.GroupedConv2D(8, 3, groups=4)),
        "DilatedTransposedConvolution": behind(ours.DilatedTransposedConvolution(4, 3, 2)),
        "KernelBasisAttention": lambda x, v: ours.KernelBasisAttention()([conv(x), L.Softmax()(conv(x, 4))]),
    }


def _poolings():
    return {
        "MaxPooling2D": behind(L.MaxPooling2D(2)),
        "AveragePooling2D": behind(L.AveragePooling2D(2)),
        "GlobalAveragePooling2D": behind(L.GlobalAveragePooling2D()),
        "GlobalMaxPooling2D": behind(L.GlobalMaxPooling2D()),
        "MaxPooling1D": in_steps(L.MaxPooling1D(2)),
        "AveragePooling1D": in_steps(L.AveragePooling1D(2)),
        "GlobalAveragePooling1D": in_steps(L.GlobalAveragePooling1D()),
        "GlobalMaxPooling1D": in_steps(L.GlobalMaxPooling1D()),
        "MaxPooling3D": in_volumes(L.Conv3D(4, 3, padding="same"), L.MaxPooling3D(2)),
    }


def _shapes():
    return {
        "UpSampling2D(interpolation='nearest')": behind(L.UpSampling2D(2)),
        "UpSampling2D(interpolation='bilinear')": behind(L.UpSampling2D(2, interpolation="bilinear")),
        "UpSampling1D": in_steps(L.UpSampling1D(2)),
        "UpSampling3D": in_volumes(L.Conv3D(4, 3, padding="same"), L.UpSampling3D(2)),
        "Resizing": behind(L.Resizing(24, 24)),
        "ResizeLike": lambda x, v: ours.ResizeLike()([L.MaxPooling2D(2)(conv(x)), x]),
        "PixelShuffle": behind(ours.PixelShuffle(2)),
        "PixelUnshuffle": behind(ours.PixelUnshuffle(2)),
        "Flatten": lambda x, v: L.Dense(4)(L.Flatten()(L.MaxPooling2D(8)(conv(x)))),
        "Reshape": behind(L.Reshape((8, 32, 8))),
        "Permute": behind(L.Permute((2, 1, 3))),
        "ZeroPadding2D": behind(L.ZeroPadding2D(1)),
        "ZeroPadding1D": in_steps(L.ZeroPadding1D(1)),
        "Cropping2D": behind(L.Cropping2D(1)),
        "Cropping1D": in_steps(L.Cropping1D(1)),
        "Cropping3D": in_volumes(L.Conv3D(4, 3, padding="same"), L.Cropping3D(1)),
        "CenterCrop": behind(L.CenterCrop(8, 8)),
        "PadToMultiple": lambda x, v: ours.PadToMultiple(12)(conv(x)),
        "CropLike": lambda x, v: ours.CropLike()([L.ZeroPadding2D(1)(conv(x)), x]),
        "RepeatChannels": behind(ours.RepeatChannels(16)),
    }


def _sums():
    return {
        "Add": between(L.Add()),
        "Subtract": between(L.Subtract()),
        "Multiply": between(L.Multiply()),
        "Average": between(L.Average()),
        "Maximum": between(L.Maximum()),
        "Minimum": between(L.Minimum()),
        "Concatenate": between(L.Concatenate()),
        "SimpleGate": behind(ours.SimpleGate()),
    }


def _activations():
    names = ("relu", "relu6", "sigmoid", "tanh", "softmax", "silu", "gelu", "elu", "leaky_relu", "hard_sigmoid", "hard_silu")
    made = {f"Activation('{name}')": behind(L.Activation(name)) for name in (*names, "hard_tanh", "exponential", "softplus")}
    return {
        **made,
        "ReLU": behind(L.ReLU()),
        "ReLU(max_value, negative_slope)": behind(L.ReLU(3.0, negative_slope=0.1)),
        "LeakyReLU": behind(L.LeakyReLU(0.1)),
        "PReLU(shared_axes=[1, 2])": behind(L.PReLU(shared_axes=(1, 2))),
        "ELU": behind(L.ELU()),
        "Softmax": behind(L.Softmax()),
        "GELU": behind(ours.GELU()),
    }


def _normalizations():
    return {
        "BatchNormalization": behind(L.BatchNormalization()),
        "BatchNormalization behind an activation": lambda x, v: L.BatchNormalization()(conv(x, activation="relu")),
        "LayerNormalization": behind(L.LayerNormalization()),
        "GroupNormalization": behind(L.GroupNormalization(4)),
        "RMSNormalization": behind(L.RMSNormalization()),
        "UnitNormalization": behind(L.UnitNormalization()),
        "Normalization": lambda x, v: conv(L.Normalization(mean=[0.4] * 3, variance=[0.1] * 3)(x)),
        "Rescaling": lambda x, v: conv(L.Rescaling(2.0, -1.0)(x)),
        "GlobalResponseNormalization": behind(ours.GlobalResponseNormalization()),
        "ChannelScale": behind(ours.ChannelScale()),
        "Select": behind(ours.Select(0.7)),
        "Dropout": behind(L.Dropout(0.1)),
        "RandomFlip": lambda x, v: conv(L.RandomFlip()(x)),
        "LSTM": in_steps(L.LSTM(4)),
        "MultiHeadAttention": lambda x, v: L.MultiHeadAttention(2, 4)(L.Reshape((64, 12))(x), L.Reshape((64, 12))(x)),
        "Lambda": behind(L.Lambda(lambda x: x)),
    }


def _functions():
    unary = {
        "Absolute": ops.abs,
        "Square": ops.square,
        "Negative": ops.negative,
        "Sigmoid": ops.sigmoid,
        "Tanh": ops.tanh,
        "Relu": ops.relu,
        "Relu6": ops.relu6,
        "Silu": ops.silu,
        "Gelu": ops.gelu,
        "HardSilu": ops.hard_silu,
        "HardSigmoid": ops.hard_sigmoid,
        "Softmax": ops.softmax,
        "Sqrt": ops.sqrt,
        "Exp": ops.exp,
    }
    made = {f"ops.{name}": (lambda x, v, function=function: function(conv(x))) for name, function in unary.items()}
    return made | {
        "ops.Rsqrt": lambda x, v: ops.rsqrt(conv(x, activation="relu") + 0.5),
        "ops.LeakyRelu": lambda x, v: ops.leaky_relu(conv(x)),
        "ops.Add": lambda x, v: conv(x) + conv(x),
        "ops.Subtract": lambda x, v: conv(x) - conv(x),
        "ops.Multiply": lambda x, v: conv(x) * conv(x),
        "ops.Divide by a constant": lambda x, v: conv(x) / 2.0,
        "ops.TrueDivide by a constant": lambda x, v: ops.true_divide(conv(x), 2.0),
        "ops.Divide": lambda x, v: conv(x) / (conv(x, activation="relu") + 1.0),
        "ops.Power 2": lambda x, v: conv(x) ** 2,
        "ops.Maximum": lambda x, v: ops.maximum(conv(x), conv(x)),
        "ops.Minimum": lambda x, v: ops.minimum(conv(x), 0.1),
        "ops.Clip": lambda x, v: ops.clip(conv(x), -0.5, 0.5),
        "ops.Mean": lambda x, v: ops.mean(conv(x), axis=(1, 2), keepdims=True),
        "ops.Mean of channels": lambda x, v: ops.mean(conv(x), axis=-1, keepdims=True),
        "ops.Sum": lambda x, v: ops.sum(conv(x), axis=(1, 2), keepdims=True),
        "ops.Amax": lambda x, v: ops.amax(conv(x), axis=-1, keepdims=True),
        "ops.MaxPool": lambda x, v: ops.max_pool(conv(x), 2),
        "ops.AveragePool": lambda x, v: ops.average_pool(conv(x), 2),
        "ops.Resize": lambda x, v: ops.image.resize(conv(x), (32, 32)),
        "ops.DepthToSpace": lambda x, v: ops.depth_to_space(conv(x), 2),
        "ops.SpaceToDepth": lambda x, v: ops.space_to_depth(conv(x), 2),
        "ops.Concatenate": lambda x, v: ops.concatenate([conv(x), conv(x)], axis=-1),
        "ops.Split": lambda x, v: ops.split(conv(x), 2, axis=-1)[0],
        "ops.GetItem": lambda x, v: conv(x)[:, 1:-1, :, :4],
        "ops.Slice": lambda x, v: ops.slice(conv(x), (0, 0, 0, 0), (1, 8, 8, 8)),
        "ops.Pad": lambda x, v: ops.pad(conv(x), ((0, 0), (1, 1), (1, 1), (0, 0))),
        "ops.Reshape": lambda x, v: ops.reshape(conv(x), (1, 32, 8, 8)),
        "ops.Transpose": lambda x, v: ops.transpose(conv(x), (0, 2, 1, 3)),
        "ops.ExpandDims": lambda x, v: ops.expand_dims(L.GlobalAveragePooling2D()(conv(x)), 1),
        "ops.Squeeze": lambda x, v: ops.squeeze(L.GlobalAveragePooling2D(keepdims=True)(conv(x)), 1),
        "ops.Copy": lambda x, v: conv(ops.copy(x)),
        "ops.StopGradient": lambda x, v: conv(ops.stop_gradient(x)),
        "ops.Cast": lambda x, v: conv(ops.cast(x, "float32")),
        "ops.Repeat": lambda x, v: ops.repeat(conv(x), 2, axis=1),
        "ops.Matmul": lambda x, v: ops.matmul(conv(x), ops.transpose(conv(x), (0, 1, 3, 2))),
    }


def inputs():
    """The image and the volume that all rows read."""
    return keras.Input(batch_shape=(1, 16, 16, 3), name="pixels"), keras.Input(batch_shape=(1, 4, 8, 8, 1), name="voxels")


def network(build):
    """The model of one row, on the image or on the volume."""
    x, v = inputs()
    output = build(x, v)
    try:
        return keras.Model(x, output)
    except ValueError:
        return keras.Model(v, output)


_FILES = {}  # what was converted already, by the forms of a target: the rows, and the file


def verdicts(target):
    """Returns a dict from each row to what becomes of it on a target, in a few words."""
    said, kept = {}, {}
    for name, build in rows().items():
        try:
            lower(network(build), target)
            kept[name] = build
        except ValueError as error:
            said[name] = "no: " + str(error).partition("Received: ")[2]
    forms = target_of(target).options
    if forms not in _FILES:
        _FILES[forms] = _converted(kept, target)
    found, bad, content = _FILES[forms]
    graph, operators = read(content).main, check(content, target, compile=False).operators
    for name, number in zip(found, graph.outputs, strict=True):
        said[name] = _said([operators[i] for i in _before(graph, number)])
    return {**said, **dict.fromkeys(bad, "no: the converter computes it in floats")}


def _converted(kept, target):
    """The rows of one file that holds them all, those that compute in floats and were taken out, and the file."""
    x, v = inputs()
    rng = np.random.default_rng(0)
    model = keras.Model([x, v], [build(x, v) for build in kept.values()])
    for weight in model.weights:
        values = rng.normal(0, 0.2, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    images = [(rng.random((16, 16, 3)), rng.random((4, 8, 8, 1))) for _ in range(4)]
    images = [tuple(array.astype("float32") for array in sample) for sample in images]
    conversion = Conversion(Request(images, target, output_kind="values", compared=False), model=model)
    for step in PASSES[: PASSES.index(validate_integers)]:
        step(conversion)
    graph = conversion.graph
    bad = [name for name, number in zip(kept, graph.outputs, strict=True) if _in_floats(graph, number)]
    if bad:
        kept, more, content = _converted({name: build for name, build in kept.items() if name not in bad}, target)
        return kept, [*bad, *more], content
    return list(kept), [], conversion.content


def _before(graph, number):
    """The operators between the inputs and a tensor."""
    wanted, places = {number}, []
    for i in reversed(range(len(graph.operators))):
        if wanted & set(graph.operators[i].outputs):
            places.append(i)
            wanted |= set(graph.operators[i].inputs)
    return places


def _in_floats(graph, number):
    outputs = (n for i in _before(graph, number) for n in graph.operators[i].outputs)
    return any("FLOAT" in graph.tensors[n].type for n in outputs)


def _said(operators):
    cannot = sorted({operator.name for operator in operators if operator.verdict == "unsupported"})
    beside = sorted({operator.name for operator in operators if operator.verdict == "cpu"})
    if cannot:
        return "no: " + ", ".join(cannot)
    return "CPU: " + ", ".join(beside) if beside else "yes"


def page(found):
    """Returns the page, in Markdown.

    Args:
        found: dict of what `verdicts` returns, by target.
    """
    random = ", ".join(sorted(kind.__name__ for kind in RANDOM))
    lines = [
        "# What converts for which target",
        "",
        "Made by `python benchmarks/conversion_table.py` from small networks of random weights, with the rules of each",
        "target; Vela and edgetpu_compiler were not asked. `yes`: every operator runs there in integers. `CPU`: the",
        "processor beside the accelerator runs what is named. `no`: `convert` refuses it, and says what to use instead.",
        "`ethos-u65` is as `ethos-u55`.",
        "",
        f"Left out, for they do nothing outside training: dropout, noise, {random}.",
        "",
        "| layer or function | " + " | ".join(TARGETS) + " |",
        "|" + "---|" * (len(TARGETS) + 1),
    ]
    notes = {}
    for name in rows():
        cells = []
        for target in TARGETS:
            cell = found.get(target, {}).get(name, "not run")
            if len(cell) > 40:
                key = cell.partition(", ")[2] if ", " in cell else cell
                cell = f"no [{list(notes).index(key) + 1 if key in notes else len(notes) + 1}]"
                notes.setdefault(key, None)
            cells.append(cell)
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    lines += ["", *(f"{i + 1}. {note}" for i, note in enumerate(notes))]
    return "\n".join(lines) + "\n"


def main():
    """Writes the page, and what it is made of, so that a long run may be cut into several."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=TARGETS)
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for target in parser.parse_args().targets:
            found[target] = verdicts(target)
            print(target, sum(cell == "yes" for cell in found[target].values()), "of", len(found[target]), flush=True)
            FOUND.write_text(json.dumps(found, indent=1) + "\n")
            PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
