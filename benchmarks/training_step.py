"""Seconds per training step of one network of each family, every backend beside a plain PyTorch twin.

CPU, Adam, noise as images. Each contestant runs in a process of its own; PyTorch runs first and last. TensorFlow runs
without XLA, with which it is several times slower here, and with oneDNN, which it leaves off by itself on CPUs without
AVX-512; JAX always compiles. A run can be cut short: every network's table is printed as soon as it is measured.

    make bench, or python benchmarks/training_step.py --network kbnet --network sunet64 --steps 10
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

CONTESTANTS = ("pytorch", "keras on tensorflow", "keras on jax", "keras on torch", "pytorch")
# name: (title, shape of a batch, output: an image, a vector of classes or a map of classes)
NETWORKS = {
    "nafnet": ("NAFNet sidd_width32", (4, 64, 64, 3), "image"),
    "kbnet": ("KBNet_s sidd_width64", (4, 64, 64, 3), "image"),
    "unet_sat": ("U-Net ronneberger2015 with SAT gates", (2, 64, 64, 1), 2),
    "lunet": ("Lean U-Net harp_width4, 3-D", (1, 64, 64, 64, 1), 2),
    "sunet64": ("SUNet-64 classifier", (4, 128, 128, 3), 1000),
}
WARM = 2


def main():
    """Runs every contestant of every network asked for, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10, help="timed steps of each contestant")
    parser.add_argument("--network", choices=NETWORKS, action="append", help="one of them; may be repeated; default all")
    parser.add_argument("--contestant", choices=sorted(set(CONTESTANTS)), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        print("\n".join(map(str, timed(arguments.network[0], arguments.contestant, arguments.steps))))
        return

    console = Console()
    for network in arguments.network or NETWORKS:
        title, shape, _ = NETWORKS[network]
        seconds = {}
        for name in CONTESTANTS:
            with console.status(f"{title}, {name}: building, then {arguments.steps} steps"):
                seconds.setdefault(name, []).extend(in_a_process(network, name, arguments.steps))
        console.print(as_table(f"{title}, {'x'.join(map(str, shape))}, {os.cpu_count()} CPU cores", seconds))


def as_table(title, seconds):
    """One row for each contestant."""
    peer = statistics.median(seconds["pytorch"])
    table = Table(title=title)
    for column in ("", "median s/step", "fastest", "slowest", "against pytorch"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in seconds.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:.3f}", f"{min(values):.3f}", f"{max(values):.3f}", f"{median / peer:.2f}")
    return table


def in_a_process(network, name, steps):
    """The seconds of each step, from a process that knows nothing of the others."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    if name.startswith("keras on "):
        environment["KERAS_BACKEND"] = name.removeprefix("keras on ")
    command = [sys.executable, __file__, "--network", network, "--contestant", name, "--steps", str(steps)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if child.returncode:
        sys.exit(f"{network}, {name} failed:\n{child.stderr[-2000:]}")
    return [float(line) for line in child.stdout.split()[-steps:]]


def timed(network, contestant, steps):
    """Seconds of each step after the warm-up."""
    x, y = batch(network)
    step = pytorch_step(network, x, y) if contestant == "pytorch" else keras_step(network, contestant, x, y)
    result = []
    for _ in range(WARM + steps):
        start = time.perf_counter()
        step()
        result.append(time.perf_counter() - start)
    return result[WARM:]


def batch(network):
    """Noise, and what the network shall make of it: other noise, or classes; speed does not depend on the values."""
    import numpy as np

    _, shape, output = NETWORKS[network]
    rng = np.random.default_rng(0)
    x = rng.random(shape).astype("float32")
    if output == "image":
        return x, rng.random(shape).astype("float32")
    return x, rng.integers(0, output, shape[:1] if output == 1000 else shape[:-1]).astype("int64")


def keras_step(network, contestant, x, y):
    """A training step of ours on the backend in the environment."""
    import keras

    from keras_unetmm import models

    model = {
        "nafnet": lambda: models.NAFNet("sidd_width32"),
        "kbnet": lambda: models.KBNet("sidd_width64"),
        "unet_sat": lambda: models.UNet("ronneberger2015", skips="sat", activation=None),
        "lunet": lambda: models.LUnet("harp_width4", activation=None),
        "sunet64": lambda: models.SUNet64(classifier_activation=None),
    }[network]()
    loss = "mse" if y.ndim == x.ndim else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Adam, not AdamW: at decay 0 PyTorch's skips the decay, but Keras's would still subtract nothing from every weight
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=contestant == "keras on jax")
    return lambda: model.train_on_batch(x, y)


def pytorch_step(network, x, y):
    """A training step of the peer."""
    import numpy as np
    import torch

    sys.path.insert(0, str(Path(__file__).parent.parent))
    from benchmarks import pytorch_kbnet, pytorch_lunet, pytorch_nafnet, pytorch_sunet, pytorch_unet

    model = {
        "nafnet": lambda: pytorch_nafnet.NAFNet(32),
        "kbnet": lambda: pytorch_kbnet.KBNet(64),
        "unet_sat": lambda: pytorch_unet.UNet(sat=True),
        "lunet": lambda: pytorch_lunet.LUnet(4),
        "sunet64": lambda: pytorch_sunet.SUNet("sunet64"),
    }[network]()
    loss_of = torch.nn.functional.mse_loss if y.ndim == x.ndim else torch.nn.functional.cross_entropy
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    y = torch.from_numpy(np.moveaxis(y, -1, 1).copy() if y.ndim == x.ndim else y)
    x = torch.from_numpy(np.moveaxis(x, -1, 1).copy())

    def step():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


if __name__ == "__main__":
    main()
