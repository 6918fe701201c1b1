# SPDX-License-Identifier: Apache-2.0
"""Every public name of the reference has an example, and what the examples say is so."""

import doctest
import importlib
import inspect

import keras
import numpy as np
import pytest
from PIL import Image
from tflite.tiling.networks import encoder_decoder

import keras_unetmm

ROOMS = (
    *("analysis", "data", "layers", "losses", "metrics", "models", "presets", "pruning", "quantize", "skips", "tflite"),
    "training",
)


def _public(room):
    module = importlib.import_module(f"keras_unetmm.{room}")
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    found = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {f"{room}.{name}": value for name, value in found.items() if inspect.isroutine(value) or inspect.isclass(value)}


NAMES = {name: value for room in ROOMS for name, value in _public(room).items()}
EXPLAINED = [  # an error is explained by what raises it
    name for name, value in NAMES.items() if not (inspect.isclass(value) and issubclass(value, (Exception, Warning)))
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", EXPLAINED)
def test_examples_say_what_is_so(name, tmp_path, monkeypatch):
    keras.utils.clear_session()  # names that Keras gives begin without a number
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for file in ("a.png", "b.png"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), "uint8")).save(tmp_path / "photos" / file)
    (tmp_path / "model.tflite").write_bytes(encoder_decoder(9))
    known = {"keras": keras, "np": np, "keras_unetmm": keras_unetmm}
    known |= {room: importlib.import_module(f"keras_unetmm.{room}") for room in ROOMS}
    parsed = doctest.DocTestParser().get_doctest(inspect.getdoc(NAMES[name]) or "", known, name, None, 0)
    assert parsed.examples, f"{name} has no example"
    said = []
    assert doctest.DocTestRunner(verbose=False).run(parsed, out=said.append).failed == 0, "".join(said)
