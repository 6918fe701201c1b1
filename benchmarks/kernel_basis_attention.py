"""Seconds and peak memory of kernel basis attention, forward and backward, every backend beside plain PyTorch.

64 channels, 32 bases, CPU: `--size 64 --batch 4`, or the authors' patches, `--size 128`. The plain form
(`pytorch_kbnet.kernel_basis_attention`) holds the kernels of all pixels in one tensor. Each contestant is timed in a
process of its own. Memory is by how much the peak of a whole process grows when the batch doubles: inputs, gradients
and all that lies between, but neither the library nor its compiler. It is given in bytes and in maps of that batch.

    python benchmarks/kernel_basis_attention.py --size 64 --batch 4
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

CHANNELS, BASES = 64, 32
CONTESTANTS = ("pytorch", "keras on tensorflow", "keras on jax", "keras on torch")
# glibc gives every large block back at once, so that the peak is what was in use
LEAN = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_MMAP_MAX_": "1000000", "MALLOC_TOP_PAD_": "0"}


def main():
    """Runs every contestant and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64, help="height and width in pixels")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--steps", type=int, default=10, help="timed steps of each contestant")
    parser.add_argument("--only", choices=CONTESTANTS, nargs="*", default=CONTESTANTS)
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        print("\n".join(map(str, measured(arguments))))
        return

    shape = f"{arguments.batch}x{arguments.size}x{arguments.size}x{arguments.channels}"
    table = Table(title=f"Kernel basis attention, {shape}, {os.cpu_count()} CPU cores")
    for column in ("", "median s", "fastest", "against pytorch", "peak MB", "maps"):
        table.add_column(column, justify="left" if not column else "right")
    console, peer = Console(), None
    one_map = 4 * arguments.batch * arguments.size**2 * arguments.channels
    for name in arguments.only:
        with console.status(name):
            seconds = in_a_process(name, arguments, arguments.batch, arguments.steps)[:-1]
            batches = (arguments.batch, 2 * arguments.batch)
            peaks = [in_a_process(name, arguments, batch, 2, LEAN)[-1] for batch in batches]
        median, growth = statistics.median(seconds), peaks[1] - peaks[0]
        peer = peer or median
        row = (f"{median:.3f}", f"{min(seconds):.3f}", f"{median / peer:.2f}", f"{growth / 1e6:.0f}")
        table.add_row(name, *row, f"{growth / one_map:.1f}")
    console.print(table)


def in_a_process(name, arguments, batch, steps, environment=None):
    """What `measured` says in a process that knows nothing of the others."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", **(environment or {})}
    if name.startswith("keras on "):
        environment["KERAS_BACKEND"] = name.removeprefix("keras on ")
    numbers = {"size": arguments.size, "channels": arguments.channels, "batch": batch, "steps": steps}
    options = [word for option, value in numbers.items() for word in (f"--{option}", str(value))]
    command = [sys.executable, __file__, "--contestant", name, *options]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if child.returncode:
        sys.exit(f"{name} failed:\n{child.stderr[-2000:]}")
    return [float(line) for line in child.stdout.split()[-steps - 1 :]]


def measured(arguments):
    """Seconds of each step after the first, and the peak of the process in bytes."""
    step = (pytorch_step if arguments.contestant == "pytorch" else keras_step)(arguments)
    step()
    seconds = []
    for _ in range(arguments.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return [*seconds, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]


def maps(arguments):
    """Features, attention and the gradient of the output."""
    import numpy as np

    shape = (arguments.batch, arguments.size, arguments.size)
    rng = np.random.default_rng(0)
    features, attention, upstream = (rng.normal(size=(*shape, c)) for c in (arguments.channels, BASES, arguments.channels))
    return [x.astype("float32") for x in (features, attention, upstream)]


def pytorch_step(arguments):
    """All gradients of the plain form."""
    import torch

    sys.path.insert(0, str(Path(__file__).parent.parent))
    from benchmarks import pytorch_kbnet

    features, attention, upstream = (torch.from_numpy(x.transpose(0, 3, 1, 2).copy()) for x in maps(arguments))
    kernels, biases = torch.randn(BASES, arguments.channels * 36), torch.randn(BASES, arguments.channels)
    inputs = [x.requires_grad_() for x in (features, attention, kernels, biases)]
    return lambda: torch.autograd.grad(pytorch_kbnet.kernel_basis_attention(*inputs), inputs, upstream)


def keras_step(arguments):
    """All gradients of ours on the backend in the environment."""
    import keras

    from keras_unetmm.layers import KernelBasisAttention

    *inputs, upstream = maps(arguments)
    layer = KernelBasisAttention()
    layer.build([x.shape for x in inputs])
    return {"tensorflow": tensorflow_step, "jax": jax_step, "torch": torch_step}[keras.backend.backend()](
        layer, inputs, upstream
    )


def tensorflow_step(layer, inputs, upstream):
    """Compiled by `tf.function`, without XLA."""
    import tensorflow as tf

    inputs, upstream = [tf.constant(x) for x in inputs], tf.constant(upstream)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = layer(inputs)
        return tape.gradient(y, [*inputs, *(weight.value for weight in layer.weights)], output_gradients=upstream)

    return lambda: [gradient.numpy() for gradient in step()]


def jax_step(layer, inputs, upstream):
    """Compiled by XLA."""
    import jax

    weights = [weight.value for weight in layer.weights]

    def gradients(inputs, weights, upstream):
        return jax.vjp(lambda x, w: layer.stateless_call(w, [], x)[0], inputs, weights)[1](upstream)

    step = jax.jit(gradients)
    inputs, upstream = jax.device_put(inputs), jax.device_put(upstream)
    return lambda: jax.block_until_ready(step(inputs, weights, upstream))


def torch_step(layer, inputs, upstream):
    """Eager."""
    import torch

    inputs, upstream = [torch.tensor(x, requires_grad=True) for x in inputs], torch.from_numpy(upstream)
    weights = [weight.value for weight in layer.weights]
    return lambda: torch.autograd.grad(layer(inputs), [*inputs, *weights], upstream)


if __name__ == "__main__":
    main()
