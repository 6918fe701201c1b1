"""How fast batches of random patches come from files: ours beside tf.data and torch's DataLoader, of the same files.

    python benchmarks/loading.py --data DATA [--steps 60] [--batch 16] [--patch 64]

All three decode a JPEG for each patch, cut a window at a random place, flip it by chance and give float batches; all use
every core. Ours is measured without its memory, then with it, as `unetmm train` uses it; and once more with noise added. The
others have no such memory of decoded files unless the user builds it.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import torch
from rich.console import Console
from rich.table import Table

from keras_unetmm import data
from keras_unetmm.data.decoded import Decoded


def main():
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder that holds bsds500")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=64)
    arguments = parser.parse_args()
    dataset = data.bsds500(arguments.data)
    paths = [str(path) for (path,) in dataset.examples]
    size = arguments.batch, arguments.patch

    def ours(memory, degrade=None):
        batches = data.Batches(dataset, arguments.batch, patch=arguments.patch, augment=("flip",), degrade=degrade)
        batches.decoded = Decoded(dataset, memory=memory)
        if memory:
            list(batches.stream(0, -(-len(dataset) // arguments.batch)))  # the first pass over the files
        return batches.stream(100, 100 + arguments.steps + 1)

    def noise(images, rng):
        return data.gaussian_noise(images, 25 / 255, rng)

    makers = {
        "tf.data": lambda: tensorflow_batches(paths, *size),
        "torch DataLoader": lambda: torch_batches(paths, *size),
        "ours, every file decoded again": lambda: ours(0),
        "ours": lambda: ours(2_000_000_000),
        "ours, with noise": lambda: ours(2_000_000_000, noise),
    }
    rates = {name: [] for name in makers}
    for _ in range(3):
        for name, maker in makers.items():
            rates[name].append(rate(maker(), arguments.steps, arguments.batch))
    table = Table(title=f"patches a second, {os.cpu_count()} cores, median of 3 in turn", title_justify="left")
    for column in ("loader", "patches/s", "ratio to tf.data"):
        table.add_column(column, justify="left" if column == "loader" else "right")
    base = np.median(rates["tf.data"])
    for name, found in rates.items():
        table.add_row(name, f"{np.median(found):,.0f}", f"{np.median(found) / base:.2f}")
    Console().print(table)


def rate(batches, steps, batch):
    """Patches a second, without the first batch."""
    iterator = iter(batches)
    shape = next(iterator)[0].shape
    begun = time.perf_counter()
    for _ in range(steps):
        assert next(iterator)[0].shape == shape
    return steps * batch / (time.perf_counter() - begun)


def tensorflow_batches(paths, batch, patch):
    """The same by tf.data as its guides write it."""

    def example(path):
        image = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)
        window = tf.image.random_flip_left_right(tf.image.random_crop(image, (patch, patch, 3)))
        clean = tf.cast(window, tf.float32) / 255
        return clean, clean

    files = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths)).repeat()
    return (
        files.map(example, num_parallel_calls=tf.data.AUTOTUNE).batch(batch).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    )


class Files(torch.utils.data.Dataset):
    """The same by torch's Dataset as its guides write it."""

    def __init__(self, paths, patch):
        self.paths, self.patch = paths, patch

    def __len__(self):
        return 10**6

    def __getitem__(self, index):
        image = data.read_image(self.paths[torch.randint(len(self.paths), ()).item()])
        top, left = (torch.randint(s - self.patch + 1, ()).item() for s in image.shape[:2])
        window = image[top : top + self.patch, left : left + self.patch]
        clean = torch.from_numpy(window[:, ::-1].copy() if torch.rand(()) < 0.5 else window.copy())
        return clean, clean


def torch_batches(paths, batch, patch):
    """A loader with a process for each core."""
    return torch.utils.data.DataLoader(Files(paths, patch), batch, num_workers=os.cpu_count(), prefetch_factor=4)


if __name__ == "__main__":
    main()
