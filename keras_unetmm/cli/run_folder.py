# SPDX-License-Identifier: Apache-2.0
"""A run's folder in the place of a file: what `unetmm convert RUN` and `unetmm firmware RUN` take from it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_unetmm.cli.backend import quiet_backend

if TYPE_CHECKING:
    from keras_unetmm.training.recipe import Recipe

MODEL, FILE, FIRMWARE = "best.keras", "model.tflite", "firmware"
CALIBRATION = 64  # examples of those that were trained on
SCALED = (0.5, 0.125)  # mean and deviation as which volumes of mean 0 and deviation 1 go into bytes


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a run of `unetmm train`."""
    return (path / "run.json").is_file() and (path / "recipe.py").is_file()


@dataclass(frozen=True)
class Run:
    """What a run says of its network.

    Args:
        folder: path.
        recipe: `keras_unetmm.training.Recipe` that was trained.
        data: path, folder of all data sets.
        partial: whether data sets need not be whole.
        quantized: whether it went on as integers, from values as the device has them.
    """

    folder: Path
    recipe: "Recipe"
    data: Path
    partial: bool
    quantized: bool = False

    @property
    def model(self) -> Path:
        """The best weights.

        Raises:
            ValueError: if there are none yet.
        """
        path = self.folder / MODEL
        if not path.is_file():
            raise ValueError(f"{self.folder} must hold {MODEL}. Received: none. The run's first evaluation writes it.")
        return path

    def size(self) -> tuple[int, ...] | None:
        """The size of the images on the device, or of the windows that were trained on."""
        if self.recipe.device_size is not None:
            return self.recipe.device_size
        patch = self.recipe.evaluate_patch or self.recipe.patch
        return (patch, patch) if isinstance(patch, int) else patch

    def calibration(self, shape: tuple[int, ...]) -> tuple[list[np.ndarray], tuple[float, float] | None]:
        """Inputs as the device will have them, of those that were trained on, and the mean and deviation to undo.

        Args:
            shape: of the network's input, with the batch.

        Raises:
            ValueError: if the data are not there any more, or smaller than the input.
        """
        from keras_unetmm.compare.quality_data import from_recipe

        trained = dataclasses.replace(self.recipe, evaluate={"train": self.recipe.train})
        loads = from_recipe(trained, self.data, shape, CALIBRATION, self.partial)["train"]
        images = [load().image for load in loads]
        if self.quantized:  # the network undoes what it was trained with
            mean, std = self.recipe.normalize or (0.0, 1.0)
            return [np.clip((image - mean) / std, 0, 1) for image in images], None
        values = self.recipe.device_values
        if values is None and self.recipe.normalize is None and min(float(image.min()) for image in images) < -1:
            values = SCALED
        mean, std = values or (0.0, 1.0)
        return [np.clip(image * std + mean, 0, 1) for image in images], values or self.recipe.normalize


def read_run(folder: Path) -> Run:
    """Reads what a run says of itself.

    Raises:
        ValueError: for a folder that is none.
    """
    with quiet_backend():
        from keras_unetmm.training.folder import RECIPE, RUN, read_json
        from keras_unetmm.training.recipe import load_recipe

        about = read_json(folder / RUN)
        recipe = load_recipe(folder / RECIPE, about.get("variant"))
    quantized = bool(about.get("quantize"))
    recipe = recipe.for_quantization() if quantized else recipe
    if about.get("smoke"):
        return Run(folder, recipe.for_smoke(), folder / "tiny_data", True, quantized)
    if about.get("data") is None:
        raise ValueError(
            f"{folder} must say where its data lie. Received: a run of an older version. Give {MODEL} in it "
            "and --calibration."
        )
    return Run(folder, recipe, Path(about["data"]), bool(about.get("partial")), quantized)
