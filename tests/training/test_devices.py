"""Several devices train as one does with the same batch."""

import csv
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from training.small import written

from keras_unetmm.training.devices import devices
from keras_unetmm.training.folder import RunError

SMALLER = {
    "rate=0.1": "rate=0.0",
    '"steps": 60, "batch": 4': '"steps": 12, "batch": 8',
    '"evaluate_every": 20': '"evaluate_every": 12',
}


def log(recipe, out, *options, **environment):
    code = "from keras_unetmm.cli import main; main()"
    command = [sys.executable, "-c", code, "train", str(recipe), "--smoke", "--out", str(out), *options]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
    with open(out / "log.csv") as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="trains on one device")
def test_four_devices_have_the_loss_curve_of_one(tmp_path):
    recipe = written(tmp_path, text=SMALLER)
    one = log(recipe, tmp_path / "one")
    four = log(recipe, tmp_path / "four", "--distribute", "--cpu-devices", "4")
    assert len(one) == len(four) == 6
    for name in ("loss", "kodak24_psnr"):
        ours, theirs = ([float(row[name]) for row in rows if row[name]] for rows in (one, four))
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="the others have several devices")
def test_torch_is_refused_with_what_to_use():
    with pytest.raises(RunError, match=r"Received: the backend torch, .* Add --backend jax or --backend tensorflow"):
        devices(distribute=True)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it is TensorFlow's variable")
def test_several_hosts_are_for_jax(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}}')
    with pytest.raises(RunError, match=r"TF_CONFIG with 2 workers.*--backend jax"):
        devices(distribute=True)
