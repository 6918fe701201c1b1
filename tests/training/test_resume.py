"""A run killed at any moment goes on by the same command and ends with the same weights."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from rich.console import Console
from training.small import aimed, written

from keras_unetmm.training import checkpointer, train
from keras_unetmm.training.state import save_state

MOVES = (1, 2, 3, 4, 5, 8, 14)  # of a file to its place: that many into a start comes the kill, before or after
MOMENTS = 3  # kills at random
# a process that has imported everything and forks for each start: the imports take longer than such a run
FORKS = multiprocessing.get_context("forkserver")
PRELOADED = ("training.run", "cli.commands", "cli.train", "data", "losses", "metrics")
FORKS.set_forkserver_preload([f"keras_unetmm.{name}" for name in PRELOADED])
MAIN = "from keras_unetmm.cli import main; main()"


def command(recipe, out):
    return ["train", str(recipe), "--smoke", "--out", str(out)]


def start(recipe, out, *aim):
    process = FORKS.Process(target=aimed, args=(command(recipe, out), out.with_suffix(".txt"), *aim))
    process.start()
    return process


def finish(recipe, out):
    process = start(recipe, out)
    process.join()
    assert process.exitcode == 0, out.with_suffix(".txt").read_text()


def saved(folder):
    path = folder / "state.npz"
    return path.stat().st_mtime_ns if path.exists() else None


def states(folder):
    with np.load(folder / "state.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="each start of the others takes twice as long")
def test_ten_kills(tmp_path):
    recipe = written(tmp_path, text={'"evaluate_every": 20': '"evaluate_every": 4'})
    finish(recipe, tmp_path / "unbroken")
    killed, seed = tmp_path / "killed", int.from_bytes(os.urandom(4))
    rng = np.random.default_rng(seed)
    for number, moves in enumerate(MOVES):  # while it saves
        process = start(recipe, killed, moves, ("before", "after")[number % 2])
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"move {moves} never came"
    for _ in range(MOMENTS):
        process, before = start(recipe, killed), saved(killed)
        while process.is_alive() and saved(killed) == before:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "the run was done before"
    fresh = [sys.executable, "-c", MAIN, *command(recipe, killed)]  # a process of its own, which orders sets otherwise
    subprocess.run(fresh, check=True, capture_output=True)
    for name in ("log.csv", "scores.json"):
        assert (tmp_path / "unbroken" / name).read_text() == (killed / name).read_text(), f"seed {seed}"
    whole, pieced = states(tmp_path / "unbroken"), states(killed)
    assert list(whole) == list(pieced)
    for name in whole:
        np.testing.assert_array_equal(whole[name], pieced[name], err_msg=f"{name}, seed {seed}")
    assert not list(killed.glob(".*-*")), "half a file"


SHORT = {'"steps": 60': '"steps": 6', '"evaluate_every": 20': '"evaluate_every": 2'}


@pytest.mark.parametrize("options", [{}, {"accumulate": 2}], ids=["plain", "accumulated"])
def test_a_run_broken_at_a_save_ends_like_one_that_was_not(tmp_path, monkeypatch, options):
    recipe = written(tmp_path, text=SHORT)

    def run(out):
        train(recipe, None, tmp_path / out, smoke=True, console=Console(quiet=True), **options)

    run("unbroken")

    def broken(path, model, state):
        if state.step == 4:
            raise KeyboardInterrupt
        save_state(path, model, state)

    monkeypatch.setattr(checkpointer, "save_state", broken)
    with pytest.raises(KeyboardInterrupt):
        run("broken")
    monkeypatch.undo()
    run("broken")
    whole, pieced = (states(tmp_path / out) for out in ("unbroken", "broken"))
    for name in whole:
        np.testing.assert_array_equal(whole[name], pieced[name], err_msg=name)
