# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures or volumes predicted on, one after the other; what is done already is not done again."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.data.images import DamagedFileError, as_floats
from keras_unetmm.data.labels import palette
from keras_unetmm.data.overlays import overlay, sheet, shown
from keras_unetmm.data.own_files import IMAGES, VOLUMES, own_files
from keras_unetmm.prediction import files
from keras_unetmm.prediction.predict import MEMORY, labels_of, planned, predict
from keras_unetmm.prediction.sources import PredictionError

SAVED = ("indices", "colours", "overlays", "floats")
ABOUT, SHEET = "predict.json", "sheet.png"
ROWS = 8  # of the sheet, at most


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a folder is predicted on.

    Args:
        window, overlap, flips, memory: as for `keras_unetmm.predict`.
        resize: as for `keras_unetmm.predict`.
        save: tuple of `SAVED`: of masks labels as gray values, colours, colours over the picture; `"floats"` are what the
            network gave, as .npy.
        hounsfield: `(low, high)` of volumes, or None for mean 0 and deviation 1.
        on_error: `"raise"` or `"skip"`, what to do with a file that cannot be read.
        overwrite: bool, whether results of another model or other settings are replaced.
    """

    window: int | tuple | None = None
    overlap: int | None = None
    flips: bool = False
    memory: int = MEMORY
    resize: tuple | str | None = "trained"
    save: tuple = ("indices", "overlays")
    hounsfield: tuple | None = None
    on_error: str = "raise"
    overwrite: bool = False

    def __post_init__(self):
        if not self.save or not set(self.save) <= set(SAVED):
            raise PredictionError(f"save must be some of {', '.join(SAVED)}. Received: {self.save}.")
        if self.on_error not in ("raise", "skip"):
            raise PredictionError(f'on_error must be "raise" or "skip". Received: {self.on_error!r}.')


@dataclass(frozen=True)
class Done:
    """What was done.

    Args:
        written: list of paths of the first result of each file, in the files' order.
        before: int, files that had results already.
        skipped: list of `(path, reason)`.
        sheet: path of a picture of some of them, side by side.
    """

    written: list
    before: int
    skipped: list
    sheet: Path


def predict_folder(network, source, output, settings=None, progress=None):
    """Restores or segments the pictures or volumes of a folder, or one file, into another folder.

    Names and folders below are kept. Each result is written whole or not at all; when called again, files with results are
    passed over.

    Args:
        network: `keras_unetmm.prediction.sources.Predictor`.
        source: str or path, of a folder or file.
        output: str or path of the folder for results.
        settings: `Settings`.
        progress: function of `(done, count, name)`, before each file, or None.

    Returns:
        A `Done`.

    Raises:
        PredictionError: a `ValueError`, for a folder with results of another model, one that is the source, or one that
            cannot be written.
        DamagedFileError: a `ValueError`, if a file cannot be read, unless it is skipped.
    """
    settings, output = settings or Settings(), Path(output)
    try:
        return _predicted(network, source, output, settings, progress)
    except OSError as error:
        raise PredictionError(
            f"--output {output} cannot be written: {error.strerror or error}. Free space, or choose another disk; the same "
            "command goes on."
        ) from error


def _predicted(network, source, output, settings, progress):
    """Does what `predict_folder` says, and raises `OSError` if nothing can be written."""
    found = _found(network, source)
    if Path(source).resolve() == output.resolve():
        raise PredictionError(f"--output must be another folder than the images'. Received: {output}. Choose one.")
    stale = _begin(network, output, settings)
    for name, path in found.items() if stale else ():
        for target in _targets(network, output, name, path, settings).values():
            target.unlink(missing_ok=True)
    written, before, skipped, rows = [], 0, [], []
    chosen = set(list(found)[:: max(1, len(found) // ROWS)][:ROWS])
    for number, (name, path) in enumerate(found.items()):
        if progress is not None:
            progress(number, len(found), name)
        targets = _targets(network, output, name, path, settings)
        written.append(next(iter(targets.values())))
        if all(target.is_file() for target in targets.values()):
            before += 1
            continue
        try:
            given = files.read_input(path, network.channels, network.axes, settings.hounsfield)
        except DamagedFileError as error:
            if settings.on_error == "raise":
                raise
            skipped.append((path, str(error)))
            written.pop()
            continue
        row = _one(network, given, targets, settings)
        if name in chosen:
            rows.append((path.name, row))
    if rows:
        with atomic_write(output / SHEET) as temporary:
            sheet([row for _, row in rows], [name for name, _ in rows]).save(temporary, "PNG")
    return Done(written, before, skipped, output / SHEET)


def largest(network, source, settings):
    """How the largest picture is taken: `(size, window or None, bytes or None)`, by the headers of pictures."""
    from PIL import Image

    sizes = []
    for path in list(_found(network, source).values())[:1000]:
        if network.axes == 3:
            return None
        try:
            with Image.open(path) as image:
                sizes.append(image.size[::-1])
        except OSError:
            continue
    if not sizes:
        return None
    size = max(sizes, key=lambda each: each[0] * each[1])
    to = network.resize if isinstance(settings.resize, str) else settings.resize
    wanted, needs = planned(network, to or size, settings.window, settings.memory)
    return size, None if wanted == tuple(to or size) else wanted, needs


def _found(network, source):
    """The files by name."""
    source = Path(source)
    kinds = (VOLUMES, "volumes") if network.axes == 3 else (IMAGES, "images")
    if source.is_dir():
        return own_files(source, *kinds)
    if not source.is_file():
        raise PredictionError(f"images must be a folder or a file. Received: {source}, which is not there.")
    if not source.name.lower().endswith(kinds[0]):
        raise PredictionError(f"images must be {kinds[1]} ({', '.join(kinds[0])}) for {network.name}. Received: {source}.")
    return {files.stem(source): source}


def _begin(network, output, settings):
    """Makes the folder; whether results in it are to be replaced; refuses one of another model or other settings."""
    said = [
        network.name,
        network.fingerprint,
        settings.window,
        settings.overlap,
        settings.flips,
        settings.hounsfield,
        settings.resize,
    ]
    about = {"model": network.name, "sha256": hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()}
    path = output / ABOUT
    if output.exists() and not output.is_dir():
        raise PredictionError(f"--output must be a folder. Received: {output}, a file.")
    if path.is_file() and not settings.overwrite:
        try:
            before = json.loads(path.read_text())
        except ValueError:
            before = {}
        if before != about:
            raise PredictionError(
                f"--output {output} holds results of {before.get('model', 'another model')}, other weights or settings. "
                "Choose another folder, or replace them (--overwrite)."
            )
        return False
    if output.is_dir() and not path.is_file() and any(output.iterdir()):
        raise PredictionError(f"--output must be empty or a folder of results. Received: {output}, with other files.")
    stale = path.is_file()
    output.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        Path(temporary).write_text(json.dumps(about))
    return stale


def _targets(network, output, name, path, settings):
    """The files that are written for one input, by kind."""
    folder = (output / name).parent
    stem = Path(name).name
    if network.kind == "image":
        kept = {"image": folder / f"{stem}{files.restored_suffix(path) if network.axes == 2 else '.nii.gz'}"}
        return kept | ({"floats": folder / f"{stem}.npy"} if "floats" in settings.save else {})
    ends = {"indices": "_mask.png" if network.axes == 2 else "_mask.nii.gz", "colours": "_colours.png"}
    ends |= {"overlays": "_overlay.png", "floats": "_scores.npy"}
    return {kind: folder / f"{stem}{ends[kind]}" for kind in SAVED if kind in settings.save}


def _one(network, given, targets, settings):
    """Predicts on one file, writes what is made of it, and returns the pictures of a row of the sheet."""
    made = predict(
        network, given.values, settings.window, settings.overlap, settings.flips, settings.memory, resize=settings.resize
    )
    for target in targets.values():
        target.parent.mkdir(parents=True, exist_ok=True)
    if "floats" in targets:
        files.write_array(targets["floats"], made)
    if network.kind == "image":
        if network.axes == 2:
            files.write_picture(targets["image"], made, given)
        else:
            files.write_volume(targets["image"], made[..., 0].astype("float32"), given)
        return [shown(as_floats(given.values)), shown(made)]
    labels, classes = labels_of(network, made), made.shape[-1]
    over = overlay(given.values, labels, classes)
    colours = palette(classes)[labels if labels.ndim == 2 else labels[len(labels) // 2]]
    if "indices" in targets:
        if network.axes == 2:
            files.write_mask(targets["indices"], labels)
        else:
            files.write_volume(targets["indices"], labels, given)
    if "colours" in targets:
        files.write_colours(targets["colours"], colours)
    if "overlays" in targets:
        files.write_colours(targets["overlays"], over)
    return [shown(as_floats(given.values)), over, np.asarray(colours, "uint8")]
