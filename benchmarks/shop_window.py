"""The picture docs/denoised.png: what the preset denoise-tiled makes of photographs that it has never seen, in int8.

Run     python benchmarks/shop_window.py --out docs
Takes   a minute on one CPU core
"""

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from matplotlib.figure import Figure

from keras_unetmm.data.degradations import gaussian_noise
from keras_unetmm.runtime.engine import run
from keras_unetmm.tflite_file.graph import read

FILE = Path(__file__).parents[1] / "tflite" / "denoise-tiled" / "model.tflite"
PHOTOGRAPHS = ("chelsea", "coffee")
SHARES = 0.1, 0.3, 0.5, 0.7, 0.9  # of all crops, in the order of what they gain


def main():
    """Denoises every crop and draws those at five places of the order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the picture")
    arguments = parser.parse_args()
    content = FILE.read_bytes()
    side = read(content).main.tensors[read(content).main.inputs[0]].shape[1]
    clean = np.concatenate([crops(getattr(skimage.data, name)(), side) for name in PHOTOGRAPHS])
    noisy = np.clip(gaussian_noise(clean, 25 / 255, np.random.default_rng(0)), 0, 1)
    restored = np.clip(run(content, noisy, runtime="litert-reference").values[0], 0, 1)
    draw(arguments.out / "denoised.png", clean, noisy, restored)


def crops(photograph, side):
    """All crops that fit side by side, as floats in [0, 1]."""
    rows, columns = photograph.shape[0] // side, photograph.shape[1] // side
    whole = photograph[: rows * side, : columns * side, :3].astype("float32") / 255
    return whole.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def psnr(clean, image):
    """PSNR in dB of one image."""
    return float(-10 * np.log10(np.mean((clean - image) ** 2)))


def draw(path, clean, noisy, restored):
    """Draws noisy, denoised and clean, a column a crop."""
    before, after = ([psnr(c, i) for c, i in zip(clean, images, strict=True)] for images in (noisy, restored))
    gains = np.subtract(after, before)
    order = np.argsort(gains)
    chosen = [order[round(share * (len(order) - 1))] for share in SHARES]
    figure = Figure(figsize=(2 * len(SHARES), 6.7), layout="constrained")
    axes = figure.subplots(3, len(SHARES))
    rows = (("noisy", noisy, before), ("denoised, int8", restored, after), ("clean", clean, None))
    for column, crop in enumerate(chosen):
        for axis, (name, images, decibels) in zip(axes[:, column], rows, strict=True):
            axis.imshow(images[crop], interpolation="nearest")
            axis.set(xticks=[], yticks=[], xlabel="" if decibels is None else f"{decibels[crop]:.2f} dB")
            axis.set_ylabel(name if column == 0 else "")
    places = ", ".join(f"{100 * share:.0f}" for share in SHARES)
    figure.suptitle(
        f"preset denoise-tiled: the crops at percentiles {places} of the gain; {len(order)} crops gain "
        f"{gains.mean():.2f} dB on average, {gains.min():.2f} at least",
        x=0.01,
        ha="left",
        fontsize=9,
    )
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
