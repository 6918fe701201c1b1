# SPDX-License-Identifier: Apache-2.0
"""Which backend runs, what it may print, and the models that it loads."""

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@contextlib.contextmanager
def quiet_backend() -> Iterator[None]:
    """Keeps from the terminal what backends write while they load."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_unetmm.conversion.quiet import captured

    with captured():
        yield


def choose_backend(name: str | None) -> None:
    """Takes effect before keras is imported."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # else off on CPUs without AVX-512, where a step takes twice as long
    if name is None:
        return
    if name not in ("tensorflow", "jax", "torch"):
        raise ValueError(f"--backend must be tensorflow, jax or torch. Received: {name!r}.")
    if importlib.util.find_spec(name) is None:
        raise ValueError(f"--backend {name} is not installed. Run pip install keras-unetmm[{name}].")
    os.environ["KERAS_BACKEND"] = name


def load_model(path: Path) -> "keras.Model":
    """The saved model, whatever backend wrote it."""
    if not path.is_file():
        raise ValueError(f"MODEL.keras must be a file that model.save wrote. Received: {path}, which is not a file.")
    with quiet_backend():
        from keras_unetmm import layers, losses, metrics  # noqa: F401 - registers what saved models are made of
        from keras_unetmm.graph import saved
        from keras_unetmm.quantization import quantized_layers  # noqa: F401 - likewise

        return saved.load_model(path)
