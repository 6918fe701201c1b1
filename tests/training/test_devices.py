"""Several devices train as one does with the same batch."""

import csv
import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
from training.small import written

from keras_unetmm.data import bsds500, kodak24
from keras_unetmm.training.devices import devices
from keras_unetmm.training.folder import TrainingError

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
    with pytest.raises(TrainingError, match=r"Received: the backend torch, .* Add --backend jax or --backend tensorflow"):
        devices(distribute=True)


def cluster(host):
    """What tells a process that it is one of two hosts."""
    if keras.backend.backend() == "jax":
        names = {"JOB_ADDRESSES": f"127.0.0.1:{PORTS[0]}", "NUM_PROCESSES": "2", "PROCESS_ID": str(host)}
        return {f"KERAS_DISTRIBUTION_{name}": value for name, value in names.items()}
    workers = [f"127.0.0.1:{port}" for port in PORTS]
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": host}})}


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


PORTS = free_ports(2)
REAL = {"rate=0.1": "rate=0.0", "batch=4": "batch=8", "steps=60": "steps=12", "evaluate_every=20": "evaluate_every=12"}


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="trains on one device")
def test_two_hosts_have_the_loss_curve_of_one(tmp_path):
    recipe, data = written(tmp_path, text=REAL), tmp_path / "data"
    for reader in (bsds500, kodak24):
        reader.tiny(data, np.random.default_rng(0))

    def start(out, *options, **environment):
        command = [sys.executable, "-c", "from keras_unetmm.cli import main; main()", "train", recipe, "--data", data]
        command = [*map(str, command), "--partial", "--out", str(tmp_path / out), *options]
        environment = os.environ | environment
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    processes = [start("one"), *(start("two", "--distribute", **cluster(host)) for host in (0, 1))]
    try:
        for process in processes:
            printed, _ = process.communicate(timeout=300)
            assert process.returncode == 0, printed
    finally:
        for process in processes:
            with process:  # closes what it prints to, and waits
                process.kill()
    one, two = ((tmp_path / out / "log.csv").read_text().split() for out in ("one", "two"))
    assert len(one) == len(two) == 7
    for rows in zip(one[1:], two[1:], strict=True):
        ours, theirs = (np.array([float(value) for value in row.split(",") if value]) for row in rows)
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
