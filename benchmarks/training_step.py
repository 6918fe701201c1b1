"""Seconds per training step of NAFNet sidd_width32, every backend beside plain PyTorch.

64x64 patches, batch 4, AdamW without decay, PSNR loss, CPU. Each contestant runs in a process of its own; PyTorch
runs first and last. TensorFlow runs without XLA, with which it is several times slower here, and with oneDNN, which
it leaves off by itself on CPUs without AVX-512; JAX always compiles.

    make bench, or python benchmarks/training_step.py --steps 10
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

BATCH, SIZE, WARM = 4, 64, 2
CONTESTANTS = ("pytorch", "keras on tensorflow", "keras on jax", "keras on torch", "pytorch")


def main():
    """Runs every contestant and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10, help="timed steps of each contestant")
    parser.add_argument("--contestant", choices=sorted(set(CONTESTANTS)), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        print("\n".join(str(seconds) for seconds in timed(arguments.contestant, arguments.steps)))
        return

    console, seconds = Console(), {}
    for name in CONTESTANTS:
        with console.status(f"{name}: building, then {arguments.steps} steps"):
            seconds.setdefault(name, []).extend(in_a_process(name, arguments.steps))
    peer = statistics.median(seconds["pytorch"])
    table = Table(title=f"NAFNet sidd_width32, {SIZE}x{SIZE}, batch {BATCH}, Adam, {os.cpu_count()} CPU cores")
    for column in ("", "median s/step", "fastest", "slowest", "against pytorch"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in seconds.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:.3f}", f"{min(values):.3f}", f"{max(values):.3f}", f"{median / peer:.2f}")
    console.print(table)


def in_a_process(name, steps):
    """The seconds of each step, from a process that knows nothing of the others."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    if name.startswith("keras on "):
        environment["KERAS_BACKEND"] = name.removeprefix("keras on ")
    command = [sys.executable, __file__, "--contestant", name, "--steps", str(steps)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if child.returncode:
        sys.exit(f"{name} failed:\n{child.stderr[-2000:]}")
    return [float(line) for line in child.stdout.split()[-steps:]]


def timed(name, steps):
    """Seconds of each step after the warm-up."""
    step = pytorch_step() if name == "pytorch" else keras_step(name)
    result = []
    for _ in range(WARM + steps):
        start = time.perf_counter()
        step()
        result.append(time.perf_counter() - start)
    return result[WARM:]


def patches():
    """One batch of noise; speed does not depend on the values."""
    import numpy as np

    return np.random.default_rng(0).random((BATCH, SIZE, SIZE, 3)).astype("float32")


def keras_step(name):
    """A training step of ours on the backend in the environment."""
    import keras

    from keras_unetmm import losses, models

    model = models.NAFNet("sidd_width32")
    # AdamW without decay: at 0.0 PyTorch's skips the decay, but Keras's would still subtract nothing from every weight
    adam = keras.optimizers.Adam(1e-3, beta_2=0.9)
    model.compile(adam, losses.PSNRLoss(), jit_compile=name == "keras on jax")
    x = patches()
    return lambda: model.train_on_batch(x, x)


def pytorch_step():
    """A training step of the peer."""
    import torch

    sys.path.insert(0, str(Path(__file__).parent))
    import pytorch_nafnet

    model = pytorch_nafnet.NAFNet(32)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.9), weight_decay=0.0)
    x = torch.from_numpy(patches().transpose(0, 3, 1, 2).copy())

    def step():
        optimizer.zero_grad()
        error = (model(x) - x).square().mean(dim=(1, 2, 3))
        loss = (10 * torch.log10(error + 1e-8)).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


if __name__ == "__main__":
    main()
