# SPDX-License-Identifier: Apache-2.0
"""A recipe for a user's own folders: what `unetmm train --task` runs, as the text of a file that can be changed."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from keras_unetmm.data.own_files import VOLUMES
from keras_unetmm.training.recipe_files import recipe_path
from keras_unetmm.training.rows import DEFAULT, TASKS, row_of

_TITLES = {
    "denoise": "Noise taken off photographs",
    "deblur": "Blur taken off photographs",
    "upscale": "Photographs enlarged",
    "segment": "Images segmented",
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a user wants to train on folders of their own.

    Args:
        task: str, `"denoise"`, `"deblur"`, `"upscale"` or `"segment"`.
        images: path of the folder of images.
        masks: path of the folder of masks, or of a file of annotations; None where they lie beside the images.
        references: path of the folder of clean images, of which `images` are spoilt by nature; or None to spoil `images`.
        validation: path of another folder of images to validate with, or the share or number of `images`.
        validation_masks: path of the masks, or references, of that folder.
        classes: dict from names to values or colours, the background first; for `"segment"`.
        ignore: value or colour of pixels that count nowhere, or None.
        size: `(height, width)` of the images on the device; for `"segment"` images and masks are resized to it.
        patch: int, size of the windows that others train on.
        channels: 3 or 1.
        network: str, a row of `keras_unetmm.training.rows`; or `recipe`, the path of a file whose network, loss, schedule
            and steps are taken.
        steps, batch, seed: int.
        sigma: float, noise of `"denoise"` out of 255.
        length: float, longest path of `"deblur"` in pixels.
        scale: int, of `"upscale"`.
        class_weight: tuple of float, what a pixel of each class counts, or None.
        volumes: bool, whether the images are NIfTI volumes.
        device: str, the budget that the network was chosen for, or None.
        partial: bool, whether images without a partner are left out.
    """

    task: str
    images: Path
    masks: Path | None = None
    references: Path | None = None
    validation: Path | float | int = 0.1
    validation_masks: Path | None = None
    classes: dict | None = None
    ignore: int | str | None = None
    size: tuple = (128, 128)
    patch: int = 64
    channels: int = 3
    network: str | None = None
    recipe: Path | None = None
    variant: str | None = None
    steps: int = 2000
    batch: int = 16
    seed: int = 0
    sigma: float = 25
    length: float = 15
    scale: int = 2
    class_weight: tuple | None = None
    volumes: bool = False
    device: str | None = None
    partial: bool = False

    def __post_init__(self):
        if self.task not in TASKS:
            raise ValueError(f"task must be one of {', '.join(map(repr, TASKS))}. Received: {self.task!r}.")
        if self.task == "segment" and self.references is not None:
            raise ValueError(f"references must be None to segment. Received: {self.references}. Give masks (--masks).")
        if self.task != "segment" and self.masks is not None:
            raise ValueError(
                f"masks are for segment. Received: {self.masks} for {self.task}. Clean images are --references."
            )
        if self.volumes and self.task != "segment":
            raise ValueError(f"images must be photographs to {self.task}. Received: NIfTI volumes, which can be segmented.")

    @property
    def labels(self):
        """How many labels masks have."""
        return 2 if self.classes is None else len(self.classes)

    @property
    def outputs(self):
        """Channels of the prediction: 1 for two labels."""
        return 1 if self.labels == 2 else self.labels

    def row(self):
        """The row of the network, for images."""
        return row_of(self.task, self.network or DEFAULT[self.task])


def is_of_volumes(folder):
    """Whether a folder holds NIfTI volumes and no photograph beside them."""
    names = [path.name.lower() for path in sorted(Path(folder).rglob("*"))[:2000]] if Path(folder).is_dir() else []
    return any(name.endswith(VOLUMES) for name in names)


def recipe_text(task, command):
    """Returns the recipe of a `Task`, a Python file.

    Args:
        task: `Task`.
        command: str, what the user called, for the docstring.
    """
    make = _segmentation if task.task == "segment" else _restoration
    lines = make(task)
    own = "Cosine, Recipe" if task.recipe is None else "load_recipe"
    imports = [
        "from functools import partial\n" if task.recipe is None else "import dataclasses\nfrom functools import partial\n",
        *(["import keras\n"] if task.recipe is None else []),
        f"from keras_unetmm import {', '.join(_used(lines))}",
        f"from keras_unetmm.training import {own}",
    ]
    about = f'"""{_TITLES[task.task]}: a recipe of `unetmm train --task {task.task}`.\n\nData      {task.images}\n'
    about += f"Device    {task.device}\n" if task.device else ""
    about += f'Run       {command}\n"""\n'
    return about + "\n" + "\n".join(imports) + "\n" + lines


def _restoration(task):
    degrade, how = "None", {} if task.task != "upscale" else {"multiple": str(task.scale)}
    if task.references is not None:
        how = {"partial": "True"} if task.partial else {}
        train, evaluate = _readers(task, "pairs", {"references": (task.references, task.validation_masks)}, how)
    else:
        train, evaluate = _readers(task, "photographs", {}, how)
        degrade = {
            "denoise": f"data.in_order(partial(data.gaussian_noise, sigma={task.sigma:g} / 255), data.as_bytes)",
            "deblur": f"partial(data.motion_blur, length={task.length:g})",
            "upscale": f'partial(data.bicubic_loss, scale={task.scale}, border="repeat")',
        }[task.task]
    shave = f", shave={task.scale}" if task.task == "upscale" else ""
    metrics = f"(partial(metrics.PSNR{shave}), partial(metrics.SSIM{shave}))" if shave else "(metrics.PSNR, metrics.SSIM)"
    return _recipe(
        task,
        model=task.row().text(task.channels),
        train=train,
        evaluate=evaluate,
        degrade=degrade,
        patch=str(task.patch),
        loss="losses.PSNRLoss",
        optimizer="partial(keras.optimizers.AdamW, beta_2=0.9, weight_decay=0.0)",
        schedule="Cosine(start=1e-3, end=1e-6)",
        augment='("flip", "rotate90")',
        metrics=metrics,
    )


def _segmentation(task):
    how = {"classes": _quoted(_table(task.classes))} if task.classes else {}
    how |= {} if task.ignore is None else {"ignore": _quoted(task.ignore)}
    reader = "volumes" if task.volumes else "pairs"
    if not task.volumes:
        how["size"] = repr(tuple(task.size))
    if task.partial:
        how["partial"] = "True"
    train, evaluate = _readers(task, reader, {"masks": (task.masks, task.validation_masks)}, how)
    outputs, ignore = task.outputs, None if task.ignore is None else 255
    about = f"classes={outputs}" + ("" if ignore is None else f", ignore={ignore}")
    weights = "" if task.class_weight is None else f", class_weight={task.class_weight}"
    metrics = [f"partial(metrics.Dice, {about})", f"partial(metrics.MeanIoU, {about})"]
    if outputs > 1:
        names = list(task.classes)[1:] if task.classes else range(1, outputs)
        metrics += [
            f'partial(metrics.Dice, {about}, label={label}, name="dice_{_word(name)}")'
            for label, name in enumerate(names, 1)
        ]
    metrics += [f"partial(metrics.BoundaryF1, {about})", f"partial(metrics.HausdorffDistance95, {about})"]
    if task.volumes:
        fields = {"model": f'partial(models.LUnet, "harp_width8", classes={outputs})', "patch": "(48, 48, 48)"}
        fields |= {"evaluate_multiple": "16", "augment": '("flip",)'}
    else:
        fields = {"model": task.row().text(task.channels, outputs), "augment": '("flip", "rotate90")'}
    return _recipe(
        task,
        train=train,
        evaluate=evaluate,
        loss=f"partial(losses.SegmentationLoss, {about}{weights})",
        optimizer="keras.optimizers.Adam",
        schedule="Cosine(start=3e-3, end=3e-5)",
        metrics=f"(\n        {(',' + chr(10) + '        ').join(metrics)},\n    )",
        **fields,
    )


def _readers(task, name, partners, how=None):
    """The text of the reader to train on, and of those to evaluate with by name."""
    how = {**({} if task.channels == 3 or task.volumes else {"channels": str(task.channels)}), **(how or {})}
    separate = isinstance(task.validation, Path)

    def text(images, index, split):
        given = {"images": _quoted(str(images))}
        given |= {key: _quoted(str(paths[index])) for key, paths in partners.items() if paths[index] is not None}
        given |= how
        if split is not None:
            given |= {"split": _quoted(split), "validation": repr(task.validation), "seed": str(task.seed)}
        inside = ",\n        ".join(f"{key}={value}" for key, value in given.items())
        return f"partial(\n        data.{name},\n        {inside},\n    )"

    train = text(task.images, 0, None if separate else "train")
    validate = text(task.validation, 1, None) if separate else text(task.images, 0, "validation")
    return train, {"validation": validate}


def _recipe(task, **fields):
    """The text of `recipe = ...`."""
    every = max(1, min(500, task.steps // 4))
    save = max(1, min(100, every))
    every -= every % save
    lines = (f'        "{name}": {text},\n'.replace("\n    ", "\n        ") for name, text in fields["evaluate"].items())
    fields["evaluate"] = "{\n" + "".join(lines) + "    }"
    numbers = {"batch": task.batch if not task.volumes else 4, "steps": task.steps, "save_every": save}
    numbers |= {"evaluate_every": every, "validate": 24, "seed": task.seed}
    fields |= {name: str(number) for name, number in numbers.items() if name not in fields}
    if not task.volumes:
        fields["device_size"] = repr(tuple(task.size))
    if task.recipe is None:
        groups = (
            ("", ("model",)),
            ("data", ("train", "evaluate", "degrade", "patch", "evaluate_multiple", "batch", "augment", "device_size")),
            ("optimization", ("loss", "optimizer", "schedule", "steps", "save_every", "evaluate_every")),
            ("what is reported", ("metrics", "validate", "seed")),
        )
        text = "\nrecipe = Recipe(\n"
        for title, names in groups:
            text += f"    # {title}\n" if title else ""
            text += "".join(f"    {name}={fields[name]},\n" for name in names if fields.get(name, "None") != "None")
        return text + ")\n"
    variant = "" if task.variant is None else f", {task.variant!r}"
    path = str(recipe_path(task.recipe).resolve())
    text = f"\nbase = load_recipe({path!r}{variant})\nrecipe = dataclasses.replace(\n    base,\n"
    fields["model"] = f"partial(base.model, classes={task.outputs})" if task.task == "segment" else "base.model"
    kept = ("model", "train", "evaluate", "degrade", "loss", "metrics", "validate", "device_size")
    text += "".join(f"    {name}={fields.get(name, 'None')},\n" for name in kept)
    return text + "    variants={},\n    smoke={},\n)\n"


def _used(text):
    return [name for name in ("data", "losses", "metrics", "models", "skips") if re.search(rf"\b{name}\.", text)]


def _word(name):
    return re.sub(r"\W+", "_", str(name)).strip("_").lower() or "class"


def _quoted(value):
    """A value as Python has it, in double quotes."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_quoted, value))})"
    return json.dumps(value, ensure_ascii=False)


def _table(classes):
    """A dict of labels, or the list of their names where the values are 0, 1, ..."""
    if list(classes.values()) == list(range(len(classes))) or list(classes.values()) == list(classes):
        return tuple(classes)
    return classes


def fingerprint(task):
    """A short number of all that a `Task` says: the same command goes on with its run."""
    said = {name: str(value) for name, value in vars(task).items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
