# SPDX-License-Identifier: Apache-2.0
"""`unetmm train --task`: a recipe made for a user's own folders, and what is shown before it runs."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from keras_unetmm.cli.arguments import parsed_size
from keras_unetmm.cli.class_table import class_table
from keras_unetmm.cli.errors import warn
from keras_unetmm.cli.files import allow_large_pictures
from keras_unetmm.types import JsonObject

if TYPE_CHECKING:
    from keras_unetmm.data.dataset import DataSet
    from keras_unetmm.training.fit import Budget
    from keras_unetmm.training.tasks import Task


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """What the command line says of a user's own data; `keras_unetmm.training.tasks.Task` says what each means."""

    task: str
    images: Path | None = None
    masks: Path | None = None
    references: Path | None = None
    validation: str = "0.1"
    validation_masks: Path | None = None
    classes: str | None = None
    ignore: str | None = None
    fit: str | None = None
    size: str | None = None
    network: str | None = None
    recipe: Path | None = None
    variant: str | None = None
    channels: int = 3
    steps: int | None = None
    batch: int = 16
    patch: int = 64
    seed: int = 0
    sigma: float = 25
    length: float = 15
    scale: int | None = None
    class_weight: str | None = None
    on_error: str = "raise"
    partial: bool = False

    def prepared(self, out: Path | None, console: Console) -> str:
        """Looks at the data, chooses the network and returns the text of the recipe.

        Args:
            out: the run's folder, for the picture of examples; a run that is there goes on with its own recipe. Or None.
            console: shows what was found.
        """
        from keras_unetmm.training.tasks import fingerprint, recipe_text

        allow_large_pictures()
        task, budget = self._task()
        command = f"{self._command()}  # {fingerprint(task)}"
        before = None if out is None else out / "recipe.py"
        if before is not None and before.is_file() and f"Run       {command}\n" in (text := before.read_text()):
            return text
        task, dataset = self._looked_at(task, console)
        if budget is not None:
            task = _fitting(task, budget, console)
        text = recipe_text(task, command)
        if out is not None:
            _draw(dataset, out)
        return text

    def _task(self) -> "tuple[Task, Budget | None]":
        """The task as far as it is said, and the device."""
        from keras_unetmm.training.fit import parsed_budget
        from keras_unetmm.training.tasks import Task, is_of_volumes

        name, scale = _named(self.task, self.scale)
        if self.images is None:
            raise ValueError(f"--images must be the folder of images, for --task {name}. Received: none.")
        if self.network is not None and self.fit is not None:
            raise ValueError(f"--network must be left out with --fit, which chooses it. Received: {self.network!r}.")
        if self.recipe is not None and (self.fit or self.network):
            raise ValueError(f"--recipe must be left out with --fit and --network. Received: {self.recipe}.")
        budget = None if self.fit is None else parsed_budget(self.fit)
        size = parsed_size(self.size) if self.size is not None else budget.size if budget is not None else (128, 128)
        if budget is not None and size != budget.size:
            raise ValueError(f"--size must be that of --fit, or left out. Received: {self.size} and {self.fit}.")
        paths = {key: None if (value := getattr(self, key)) is None else value.resolve() for key in ("masks", "references")}
        task = Task(
            task=name,
            images=self.images.resolve(),
            **paths,
            validation=_validation(self.validation),
            validation_masks=None if self.validation_masks is None else self.validation_masks.resolve(),
            size=size,
            patch=self.patch,
            channels=self.channels,
            network=self.network,
            recipe=self.recipe,
            variant=self.variant,
            steps=2000 if self.steps is None else self.steps,
            batch=self.batch,
            seed=self.seed,
            sigma=self.sigma,
            length=self.length,
            scale=scale,
            device=self.fit,
            partial=self.partial,
            volumes=name == "segment" and is_of_volumes(self.images),
        )
        task.row()  # refuses an unknown network before the data are read
        if task.volumes and budget is not None:
            raise ValueError(f"--fit must be left out for volumes, for which no table is kept. Received: {self.fit}.")
        return task, budget

    def _command(self) -> str:
        """What the user called, as far as it makes the recipe."""
        words = ["unetmm", "train"]
        for key, value in vars(self).items():
            if value not in (None, OwnData.__dataclass_fields__[key].default, False):
                option = f"--{key.replace('_', '-')}"
                words += [option] if value is True else [option, str(value)]
        return shlex.join(words)

    def _looked_at(self, task: "Task", console: Console) -> "tuple[Task, DataSet]":
        """The task with what the data say of it, and the data set that it is trained on."""
        from keras_unetmm.data.summary import report, summarize, validate_files

        if task.task == "segment":
            task = replace(task, **_labels(task, self.classes, self.ignore, self.on_error))
        dataset = _dataset(task)
        with console.status("looking at the data"):
            summary = summarize(dataset, on_error=self.on_error)
            validation = _validated_with(task)
            for name, _ in validate_files(validation, self.on_error):
                warn(f"{name} cannot be read, and is left out when validating.")
        names = list(task.classes) if task.classes else None
        lines = [*report(summary, names), f"{validation.name}: {len(validation):,} examples to validate with"]
        console.print("\n".join(lines), highlight=False, soft_wrap=True)
        if self.class_weight is not None and task.task == "segment":
            task = replace(task, class_weight=_weights(self.class_weight, summary.shares(task.labels)))
        smallest = summary.headers.smallest
        if task.task != "segment" and smallest is not None and min(smallest[0]) < task.patch:
            raise ValueError(
                f"--patch must be as large as the smallest image at most. Received: {task.patch} and {smallest[1]} of "
                f"{'x'.join(map(str, smallest[0]))}. Give a smaller --patch, or take small images away."
            )
        return task, dataset


def _named(task: str, scale: int | None) -> tuple[str, int]:
    """The task of `upscale`, `"upscale x2"` or `upscale-x2`, and the scale."""
    words = task.lower().replace("-", " ").split()
    if len(words) == 2 and words[0] == "upscale" and words[1].lstrip("x").isdigit():
        said = int(words[1].lstrip("x"))
        if scale not in (None, said):
            raise ValueError(f"--scale must be that of --task, or left out. Received: {scale} and {task!r}.")
        task, scale = "upscale", said
    scale = 2 if scale is None else scale
    if scale < 2 or scale > 8:
        raise ValueError(f"--scale must be from 2 to 8. Received: {scale}.")
    return task, scale


def _validation(text: str) -> Path | float | int:
    """A folder, a share or a number."""
    if Path(text).is_dir():
        return Path(text).resolve()
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise ValueError(
            f"--validation must be a folder, a share such as 0.1, or a number of examples. Received: {text!r}."
        ) from None


def _labels(task: "Task", classes: str | None, ignore: str | None, on_error: str) -> JsonObject:
    """What masks hold, as fields of a `Task`: as the user says, or as some of them show."""
    from keras_unetmm.data.own_pairs import labels_in, mask_examples
    from keras_unetmm.data.own_volumes import labels_in_volumes, volume_examples
    from keras_unetmm.data.polygons import annotations

    wrong = None if ignore is None else int(ignore) if ignore.isdigit() else ignore
    if task.masks is not None and task.masks.is_file():
        names = annotations(task.masks)[0]
        chosen = class_table(classes) if classes is not None else {name: name for name in names if name != "background"}
        return {"classes": {"background": "background", **{name: name for name in chosen if name != "background"}}}
    if classes is not None:
        return {"classes": class_table(classes), "ignore": wrong}
    if task.volumes:
        found = labels_in_volumes(volume_examples(task.images, task.masks or task.images, task.partial))
    else:
        found = labels_in(mask_examples(task.images, task.masks, task.partial), on_error)
    return {"classes": found.table(), "ignore": wrong if wrong is not None else found.ignore}


def _weights(text: str, shares: list[float]) -> tuple[float, ...] | None:
    from keras_unetmm.losses import balanced_weights

    if text == "balanced":
        return balanced_weights(shares)
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if len(weights) != len(shares):
        raise ValueError(
            f"--class-weight must be balanced, or {len(shares)} numbers with commas between. Received: {text!r}."
        )
    return weights


def _validated_with(task: "Task") -> "DataSet":
    """The data set to validate with."""
    if isinstance(task.validation, Path):
        if task.references is not None:
            return _dataset(replace(task, images=task.validation, references=task.validation_masks))
        return _dataset(replace(task, images=task.validation, masks=task.validation_masks))
    return _dataset(task, "validation")


def _dataset(task: "Task", split: str | None = "train") -> "DataSet":
    """The data set to train on, or another split, by the reader of the recipe."""
    from keras_unetmm import data

    split = None if isinstance(task.validation, Path) else split
    given: JsonObject = {"split": split, "validation": task.validation, "seed": task.seed}
    if task.volumes:
        masks = task.masks or task.images
        return data.volumes("/", task.images, masks, task.classes, task.ignore, **given, partial=task.partial)
    given["channels"] = task.channels
    if task.task == "segment":
        classes = {**(task.classes or {})}
        given["classes"] = list(classes) if task.masks is not None and task.masks.is_file() else classes
        return data.pairs("/", task.images, task.masks, ignore=task.ignore, size=task.size, partial=task.partial, **given)
    if task.references is not None:
        return data.pairs("/", task.images, references=task.references, partial=task.partial, **given)
    return data.photographs("/", task.images, **given)


def _fitting(task: "Task", budget: "Budget", console: Console) -> "Task":
    """The task with the network that fits the device and computes most; shows the table."""
    from keras_unetmm.training.fit import chosen, footprints

    with console.status("scheduling") as status:
        found = footprints(
            task.task, budget.size, task.channels, task.labels, lambda name: status.update(f"scheduling {name}")
        )
    height, width = budget.size
    table = Table(title=f"RAM of the engine at {height}x{width}, int8, {budget.ram:,} bytes to fit", title_justify="left")
    for column in ("network", "MACs", "RAM, bytes", "fits"):
        table.add_column(column, justify="left" if column in ("network", "fits") else "right")
    best = chosen(found, budget.ram)
    for each in found:
        fits = "chosen" if each is best else "yes" if each.ram <= budget.ram else "no"
        table.add_row(each.row.name, f"{each.macs / 1e6:,.1f} M", f"{each.ram:,}", fits)
    console.print(table)
    return replace(task, network=best.row.name)


def _draw(dataset: "DataSet", out: Path) -> None:
    """Draws six examples into the run's folder."""
    from keras_unetmm.data.overlays import examples_sheet
    from keras_unetmm.training.folder import EXAMPLES, TrainingError, writing

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"--out {out} cannot be written: {error.strerror}. Choose another folder.") from error
    try:
        sheet = examples_sheet(dataset)
    except ValueError as error:  # a damaged file that is skipped
        warn(error)
        return
    with writing(out / EXAMPLES) as temporary:
        sheet.save(temporary, "PNG")
