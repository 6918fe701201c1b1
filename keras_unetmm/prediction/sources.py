# SPDX-License-Identifier: Apache-2.0
"""Everything that can predict, as one kind of object: a Keras model, a run, a preset, a file, a program, a folder of C."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_unetmm.interpreters import runtime
from keras_unetmm.runtime import engine
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tflite_file.metadata import metadata
from keras_unetmm.types import PathLike

if TYPE_CHECKING:
    import keras

KINDS = ("image", "mask")


class PredictionError(ValueError):
    """A model that cannot predict, or an image that does not fit it."""


@dataclass(frozen=True)
class Predictor:
    """A network that takes images or volumes.

    Args:
        name: str, for messages.
        run: function of a float32 batch `(N, *size, C)` as images are, in [0, 1], that returns float32 `(N, *size, K)`.
        channels: int, C.
        axes: int, 2 of images, 3 of volumes.
        size: tuple of the only size that it takes, or None for any.
        multiple: int, that sizes must be multiples of, or else are padded to.
        kind: str, `"image"` for what restores, `"mask"` for what gives labels.
        memory: function of a size that returns about how many bytes a run of one image takes, or None where it is unknown.
        labels: bool, whether the output is the labels themselves, and not a probability for each.
        fingerprint: str, tells one model from another.
        resize: `(height, width)` that images were resized to when it was trained, or None.
        overlaps: dict, what windows share, by window: found once.
    """

    name: str
    run: Callable
    channels: int
    axes: int
    size: tuple | None
    multiple: int
    kind: str
    memory: Callable | None = None
    labels: bool = False
    fingerprint: str = ""
    resize: tuple | None = None
    overlaps: dict = field(default_factory=dict, compare=False)


def load_predictor(source: "keras.Model | PathLike", runtime: str = "tflm", kind: str | None = None) -> Predictor:
    """Returns what predicts.

    Args:
        source: a `keras.Model`; or a str or path: a run's folder, a `.keras` file, a `.tflite` file, a folder that `unetmm
            tile` or `unetmm firmware` wrote, or the name of a preset.
        runtime: str, what runs files and programs: `"tflm"`, `"litert"` or `"litert-reference"`; `"engine"` for files.
        kind: `"image"` or `"mask"`, what the output is; None finds out.

    Raises:
        PredictionError: a `ValueError`, for a source that is none of these, or a network that gives no map.
    """
    if kind not in (None, *KINDS):
        raise PredictionError(f'kind must be "image", "mask" or None. Received: {kind!r}.')
    if not isinstance(source, (str, Path)):
        return _of_model(source, getattr(source, "name", "model"), None, kind, "")
    path = Path(source)
    if (path / "run.json").is_file():
        return _of_run(path, kind)
    if (path / "program.json").is_file():
        return _of_program(path, runtime, kind)
    if (path / "unetmm.json").is_file() or path.suffix == ".tflite":
        found = _of_file(path, runtime, kind)
        return replace(found, resize=_resized_to(path.parent)) if (path.parent / "run.json").is_file() else found
    if path.suffix in (".keras", ".h5"):
        return _of_model(_loaded(path), path.name, None, kind, _stamp(path))
    from keras_unetmm.presets import store

    if str(source) in store.names():
        return _of_preset(str(source), kind)
    raise PredictionError(
        f"MODEL must be a run's folder, a .keras or .tflite file, a folder of unetmm tile or firmware, or a preset: "
        f"{', '.join(store.names())}. Received: {source}, which is {'none of these' if path.exists() else 'not there'}."
    )


def _loaded(path: Path) -> "keras.Model":
    import keras

    from keras_unetmm.quantization import quantized_layers  # noqa: F401 - registers what saved models are made of

    if not path.is_file():
        raise PredictionError(f"MODEL must be a file that model.save wrote. Received: {path}, which is not there.")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # keras raises anything for a damaged archive
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PredictionError(f"{path} cannot be loaded as a Keras model: {reason}. Save it again.") from error


def _of_run(folder: Path, kind: str | None) -> Predictor:
    from keras_unetmm.training.folder import BEST, RECIPE, RUN, read_json
    from keras_unetmm.training.recipe import load_recipe

    about = read_json(folder / RUN)
    recipe = load_recipe(folder / RECIPE, about.get("variant"))
    normalize = (recipe.for_quantization() if about.get("quantize") else recipe).normalize
    if not (folder / BEST).is_file():
        raise PredictionError(f"{folder} must hold {BEST}. Received: none. The run's first evaluation writes it.")
    made = _of_model(_loaded(folder / BEST), folder.name, normalize, kind, _stamp(folder / BEST))
    return replace(made, resize=_resized_to(folder))


def _resized_to(folder: Path) -> tuple | None:
    """The size that the images of a run were resized to by its reader, or None."""
    from keras_unetmm.training.folder import RECIPE, RUN, read_json
    from keras_unetmm.training.recipe import load_recipe

    recipe = load_recipe(folder / RECIPE, read_json(folder / RUN).get("variant"))
    size = getattr(recipe.train, "keywords", {}).get("size")
    return None if size is None else tuple(size)


def _of_preset(name: str, kind: str | None) -> Predictor:
    from keras_unetmm.presets.load import from_preset

    return _of_model(from_preset(name), name, None, kind, name)


def _of_model(model: "keras.Model", name: str, normalize: tuple | None, kind: str | None, fingerprint: str) -> Predictor:
    import keras

    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.inputs[0].shape) not in (4, 5):
        raise PredictionError(
            f"{name} must take one batch of images or volumes and give one map. Received: inputs of "
            f"{[tuple(x.shape) for x in model.inputs]}, outputs of {[tuple(x.shape) for x in model.outputs]}."
        )
    *size, channels = model.inputs[0].shape[1:]
    if len(model.outputs[0].shape) != len(model.inputs[0].shape):
        raise PredictionError(f"{name} must give a map. Received: outputs of {tuple(model.outputs[0].shape)}.")
    fixed = None if None in size else tuple(size)
    model.jit_compile = keras.backend.backend() == "jax"  # by XLA, which is slower on TensorFlow

    def run(images: np.ndarray) -> np.ndarray:
        if normalize is not None:
            images = ((images - np.asarray(normalize[0])) / np.asarray(normalize[1])).astype("float32")
        try:
            return np.asarray(keras.ops.convert_to_numpy(model.predict_on_batch(images)), "float32")
        except ValueError as error:
            raise PredictionError(f"{name} cannot take an image of {images.shape[1:]}: {error}") from error

    def memory(of: tuple) -> int:
        from keras_unetmm.graph.trace import trace

        return 4 * sum(int(np.prod(output.shape)) for call in trace(model, of) for output in call.outputs)

    made = "image" if model.outputs[0].shape[-1] == channels and not _ends_in_probabilities(model) else "mask"
    multiple = 1 if fixed else _multiple(model, len(size))
    return Predictor(name, run, channels, len(size), fixed, multiple, kind or made, memory, False, fingerprint)


def _ends_in_probabilities(model: "keras.Model") -> bool:
    from keras_unetmm.graph.nodes import maker

    activation = getattr(getattr(maker(model.outputs[0]), "activation", None), "__name__", "")
    return activation in ("softmax", "sigmoid")


def _multiple(model: "keras.Model", axes: int) -> int:
    """What sizes have to be multiples of: as the network says itself, or as often as it halves its maps."""
    from keras_unetmm.graph.trace import trace

    side = 256 if axes == 2 else 64
    with contextlib.suppress(ValueError):
        sizes = [shape[1:-1] for call in trace(model, (side,) * axes) for shape in (tuple(o.shape) for o in call.outputs)]
        small = [min(of) for of in sizes if len(of) == axes and min(of) > 1]
        return max(1, side // min(small)) if small else 1
    return 1


def _of_file(path: Path, kind_of_runtime: str, kind: str | None) -> Predictor:
    folder = path.is_dir()
    if folder:
        kind_of_runtime = "engine"
        about = json.loads((path / "unetmm.json").read_text(encoding="utf-8"))
        shape, wanted = about["inputs"][0]["shape"], about["outputs"][0]["shape"]
        said: dict = {}
    else:
        from keras_unetmm.tflite_file.graph import read

        if not path.is_file():
            raise PredictionError(f"MODEL must be a .tflite file. Received: {path}, which is not there.")
        graph = read(path).main
        shape, wanted = graph.tensors[graph.inputs[0]].shape, graph.tensors[graph.outputs[0]].shape
        said = metadata(path) or {}
    output = said.get("output", {}).get("kind")
    if len(shape) not in (4, 5):
        raise PredictionError(f"{path} must take images or volumes. Received: an input of {tuple(shape)}.")
    content = path if folder else path.read_bytes()

    def run(images: np.ndarray) -> np.ndarray:
        made = engine.run(content, images, runtime=kind_of_runtime).values[0]
        made = np.asarray(made, "float32").reshape(len(images), *wanted[1:])
        return made[..., None] if made.ndim == len(shape) - 1 else made

    found = "image" if output == "image" or (output is None and wanted[-1] == shape[-1]) else "mask"
    size = tuple(map(int, shape[1:-1]))
    labels = output == "indices" or len(wanted) == len(shape) - 1
    return Predictor(path.name, run, int(shape[-1]), len(size), size, 1, kind or found, None, labels, _stamp(path))


def _of_program(folder: Path, kind_of_runtime: str, kind: str | None) -> Predictor:
    from keras_unetmm.program.store import load

    if kind_of_runtime not in runtime.RUNTIMES:
        raise PredictionError(f"runtime must be one of {', '.join(runtime.RUNTIMES)}. Received: {kind_of_runtime!r}.")
    program = load(folder)
    said = program.description
    size, channels = tuple(said["size"]), said["input"]["channels"]
    labels = said["output"]["channels"] is None

    def run(images: np.ndarray) -> np.ndarray:
        made = [run_tiled(program, np.clip(image, 0, 1), kind_of_runtime).values for image in images]
        return np.stack([each[..., None] if labels else each for each in made]).astype("float32")

    found = "image" if said["output"]["channels"] == channels else "mask"
    return Predictor(folder.name, run, channels, 2, size, 1, kind or found, None, labels, _stamp(folder / "program.json"))


def _stamp(path: Path) -> str:
    """What tells a file or folder from itself before it was made again."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return "; ".join(f"{file.name} {file.stat().st_mtime_ns} {file.stat().st_size}" for file in files if file.is_file())
