"""That `import keras_unetmm` is enough to load what we save, and what is said where a backend is missing."""

import importlib
import os
import pkgutil
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from checks import JIT, ON_TORCH, ONE_BACKEND, randomize
from tflite import files

import keras_unetmm
from keras_unetmm import layers, losses, metrics, models
from keras_unetmm.lowering.lowering import lower
from keras_unetmm.quantize import quantize_aware
from keras_unetmm.registered import CLASSES, PACKAGE, Registered

X = np.random.default_rng(0).random((2, 16, 16, 3)).astype("float32")


def child(code, **environment):
    code = textwrap.dedent(code)
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def network():
    return randomize(models.UNet(input_shape=(16, 16, 3), channels=4, levels=2, classes=1, skips="sat"))


def compiled():
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(0.01, 10)
    model.compile(keras.optimizers.AdamW(rate), losses.SegmentationLoss(), metrics=[metrics.Dice()], jit_compile=JIT)
    model.train_on_batch(X, (X[..., :1] > 0.5).astype("float32"))
    return model


def quantized():
    return quantize_aware(network(), X)


KINDS = {
    "plain": network,
    "compiled": compiled,
    "quantized": quantized,
    "lowered": lambda: lower(models.NAFNet("mcu_width16", width=8, input_shape=(16, 16, 3), norm="layer")),
}
ORDERS = {
    "keras first": "import keras, keras_unetmm",
    "keras last": "import keras_unetmm, keras",
    "a room between": "import keras_unetmm.tflite, keras_unetmm.layers.padding, keras",
}


def test_the_table_names_every_class_that_is_registered():
    for module in pkgutil.walk_packages(keras_unetmm.__path__, "keras_unetmm."):
        if module.name != "keras_unetmm.training.mirrored":  # needs TensorFlow, registers nothing
            importlib.import_module(module.name)
    found = keras.saving.get_custom_objects()
    ours = {name: made for name, made in found.items() if name.startswith(f"{PACKAGE}>")}
    assert not [name for name, made in ours.items() if isinstance(made, Registered)], "not where the table says"
    listed = {f"{PACKAGE}>{name}": f"{PACKAGE}.{module}" for module, names in CLASSES.items() for name in names.split()}
    assert listed == {name: made.__module__ for name, made in ours.items() if made.__module__.startswith(PACKAGE)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a model of each kind, and what each gives."""
    folder = tmp_path_factory.mktemp("saved")
    np.save(folder / "x", X[:1])
    for kind, make in KINDS.items():
        model = make()
        model.save(folder / f"{kind}.keras")
        np.save(folder / f"{kind}.npy", keras.ops.convert_to_numpy(model(X[:1], training=False)))
    return folder


@pytest.mark.parametrize(
    ("order", "kinds"),
    [
        ("keras first", list(KINDS)),
        pytest.param("keras last", ["compiled"], marks=ON_TORCH),  # which names layers, a loss and a metric
        pytest.param("a room between", ["compiled"], marks=ON_TORCH),
    ],
    ids=list(ORDERS),
)
def test_importing_the_package_is_enough_to_load(order, kinds, saved):
    done = child(
        f"""
        {ORDERS[order]}
        import json, numpy as np
        assert keras.saving.load_model is keras.models.load_model
        x = np.load({str(saved / "x.npy")!r})
        for kind in {kinds!r}:
            path = {str(saved)!r} + "/" + kind
            want = np.load(path + ".npy")
            model = keras.saving.load_model(path + ".keras")
            copies = model, keras.models.clone_model(model), type(model).from_config(model.get_config())
            for copy in copies:
                copy.set_weights(model.get_weights())
                got = keras.ops.convert_to_numpy(copy(x, training=False))
                np.testing.assert_allclose(got, want, atol=1e-4)
            if kind == "compiled":
                assert type(model.loss).__name__ == "SegmentationLoss" and model.optimizer.iterations == 1
        """
    )
    assert done.returncode == 0, done.stderr


@ON_TORCH
def test_a_class_is_found_before_its_module_is_imported():
    done = child(
        """
        import keras_unetmm, keras, sys
        assert "keras_unetmm.layers" not in sys.modules
        layer = keras.layers.deserialize({"class_name": "keras_unetmm>PadToMultiple", "config": {"multiple": 8}})
        assert type(layer).__name__ == "PadToMultiple" and layer.multiple == 8
        found = keras.saving.get_registered_object("keras_unetmm>PadToMultiple")
        assert found is type(layer), "the class itself, once its module is there"
        early = keras.saving.get_registered_object("keras_unetmm>Dice")
        assert early().name == "dice" and early.__doc__
        assert keras.saving.get_registered_name(type(layer)) == "keras_unetmm>PadToMultiple"
        """
    )
    assert done.returncode == 0, done.stderr


@ON_TORCH
def test_the_package_and_its_search_for_keras_import_no_backend():
    done = child(
        """
        import sys, importlib.util, keras_unetmm, keras_unetmm.tflite
        assert importlib.util.find_spec("keras") is not None  # which imports nothing and does not use up the hook
        assert not {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)
        import keras
        assert "keras_unetmm>UNetModule" in keras.saving.get_custom_objects()
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_class_of_the_user_of_the_same_name_stays():
    name = f"{PACKAGE}>GELU"
    assert keras.saving.get_custom_objects()[name] is layers.GELU
    keras_unetmm.registered.register(keras)
    assert keras.saving.get_custom_objects()[name] is layers.GELU


HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""
ENTRIES = {
    "models": "from keras_unetmm import models",
    "from_preset": "import keras_unetmm; keras_unetmm.from_preset('lesions-full')",
    "train": "from keras_unetmm.training import train",
    "convert": "from keras_unetmm.tflite import convert; convert(None, None)",
    "quantize": "from keras_unetmm.quantize import quantize_aware",
    "analysis": "import keras_unetmm.analysis",
    "keras itself": "import keras_unetmm, keras",
}


@ON_TORCH  # the child has a backend of its own, here and below
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_missing_backend_is_named_with_the_command_that_brings_it(entry):
    code = HIDE.format(hidden={"jax"}) + ENTRIES[entry]
    last = child(code, KERAS_BACKEND="jax").stderr.strip().splitlines()[-1]
    assert 'jax, which KERAS_BACKEND chooses, is not installed. Run pip install "keras-unetmm[jax]"' in last
    assert "or set KERAS_BACKEND to what is installed: tensorflow" in last


@ON_TORCH
@pytest.mark.parametrize(
    "arguments",
    [
        ["models"],
        ["train", "a.py", "--out", "run"],
        ["evaluate", "run"],
        ["convert", "a.keras", "--calibration", ".", "-o", "y.tflite"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_say_it_in_one_line(arguments, tmp_path):
    (tmp_path / "a.keras").write_bytes(b"")
    start = f"import os; os.chdir({str(tmp_path)!r}); from keras_unetmm.cli import app; app({arguments!r})"
    code = HIDE.format(hidden={"torch"}) + start
    done = child(code, KERAS_BACKEND="torch")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert 'torch, which KERAS_BACKEND chooses, is not installed. Run pip install "keras-unetmm[torch]"' in line


@ON_TORCH
def test_a_missing_interpreter_is_named_with_the_command_that_brings_it(tmp_path):
    (tmp_path / "a.tflite").write_bytes(files.unet())
    path = str(tmp_path / "a.tflite")
    asks = f"""
import numpy as np
from keras_unetmm.interpreters.runtime import run, measure
from keras_unetmm.tflite_file.graph import read
graph = read(open({path!r}, "rb").read()).main
x = np.zeros(graph.tensors[graph.inputs[0]].shape, "int8")
print(run({path!r}, x, "litert").outputs[0].dtype)
for ask in (lambda: measure({path!r}), lambda: run({path!r}, x, "tflm")):
    try:
        ask()
    except ImportError as error:
        print(error)
"""
    done = child(HIDE.format(hidden={"tflite_micro"}) + asks)
    assert done.returncode == 0, done.stderr
    first, *said = done.stdout.strip().splitlines()
    assert first == "int8", "the others still run"
    assert len(said) == 2
    assert all("tflite-micro, which is not installed. Run pip install tflite-micro." in line for line in said)


@ONE_BACKEND
def test_conversion_says_what_was_not_tried_and_what_it_needs(tmp_path):
    network().save(tmp_path / "m.keras")
    code = f"""
import warnings
warnings.simplefilter("always")
import keras_unetmm, keras, numpy as np
from keras_unetmm import tflite
model = keras.saving.load_model({str(tmp_path / "m.keras")!r})
content = tflite.convert(model, list(np.random.default_rng(0).random((2, 16, 16, 3)).astype("float32")))
print(len(content) > 1000)
"""
    done = child(HIDE.format(hidden={"tflite_micro"}) + code)
    assert done.stdout.strip() == "True", done.stderr
    assert (
        "was not tried: tflm runs files by tflite-micro, which is not installed. Run pip install tflite-micro."
        in done.stderr
    )
    (tmp_path / "sitecustomize.py").write_text(HIDE.format(hidden={"tensorflow"}))  # of the second process as well
    path = os.pathsep.join([str(tmp_path), *sys.path])
    last = child(code, KERAS_BACKEND="jax", PYTHONPATH=path).stderr.strip().splitlines()[-1]
    assert "Conversion needs TensorFlow, whatever backend trained the model. Run pip install" in last
    assert '"keras-unetmm[tensorflow]"' in last
