"""A run killed at any moment goes on by the same command and ends with the same weights."""

import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from training.small import written

KILLS = 10


def command(recipe, out):
    return [
        sys.executable,
        "-c",
        "from keras_unetmm.cli import main; main()",
        "train",
        str(recipe),
        "--smoke",
        "--out",
        str(out),
    ]


def states(folder):
    with np.load(folder / "state.npz") as file:
        return {name: file[name] for name in file.files}


def finish(recipe, out):
    subprocess.run(command(recipe, out), check=True, capture_output=True)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="each start of the others takes twice as long")
def test_ten_kills_at_random_moments(tmp_path):
    recipe = written(tmp_path)
    finish(recipe, tmp_path / "unbroken")
    killed, rng, begun = tmp_path / "killed", np.random.default_rng(), []
    for kill in range(KILLS):
        process = subprocess.Popen(command(recipe, killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = modified(killed)
        while process.poll() is None and modified(killed) == before and kill % 3:  # every third one while it starts
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1) if kill % 3 else rng.uniform(0, 4))
        begun.append(process.poll() is None)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert sum(begun) >= KILLS // 2, "most kills came before the run was done"
    finish(recipe, killed)
    assert (tmp_path / "unbroken/log.csv").read_text() == (killed / "log.csv").read_text()
    whole, pieced = states(tmp_path / "unbroken"), states(killed)
    assert list(whole) == list(pieced)
    for name in whole:
        np.testing.assert_array_equal(whole[name], pieced[name])
    assert (tmp_path / "unbroken/scores.json").read_text() == (killed / "scores.json").read_text()


def modified(folder):
    path = folder / "state.npz"
    return path.stat().st_mtime_ns if path.exists() else None
