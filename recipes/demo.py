# SPDX-License-Identifier: Apache-2.0
"""The main job in one go: train a denoiser, convert it to integers, plan its arena, run it on an emulated Cortex-M7.

Data      photographs that scikit-image ships, in the public domain, CC0 or without known restrictions
Paper     UNet-- (arXiv 2412.18276), at microcontroller width and a few minutes of training
Expect    about 29 dB on the held-out photographs at sigma 25, where the noisy input has 20.6 dB
Takes     6 to 9 minutes on 2 CPU cores
Run       make demo, or python recipes/demo.py --out out; a killed run goes on where it was
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from keras_unetmm.conversion.quiet import captured

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with captured():  # what backends write while they look for a GPU
    import keras

    from keras_unetmm import analysis, data, losses, metrics, models, tflite
    from keras_unetmm.firmware.boards.boards import board, lacks
    from keras_unetmm.firmware.device.client import Device
    from keras_unetmm.firmware.device.emulator import Emulated
    from keras_unetmm.firmware.write import resized
    from keras_unetmm.lowering.lowering import lower
    from keras_unetmm.planner.picture import draw
    from keras_unetmm.planner.report import report
    from keras_unetmm.runtime.cross_check import cross_check

    keras.ops.zeros(1)

SIZE, SIGMA, SEED = 64, 25 / 255, 0
STEPS, BATCH, EPOCH = 900, 8, 100
TRAIN = ("astronaut", "rocket", "retina", "hubble_deep_field", "immunohistochemistry")
TEST = ("chelsea", "coffee")
VARIANTS = {
    "NAFNet full skips": lambda: models.NAFNet("mcu_width16", skips="full"),
    "NAFNet no skips": lambda: models.NAFNet("mcu_width16", skips="none"),
    "NAFNet UNet--": lambda: models.NAFNetUNetMinus("mcu_width16"),
}
TRAINED = "NAFNet UNet--"
BOARD, DEVICE_SIZE = "qemu-mps2-an500", (128, 128)  # an emulated Cortex-M7, and the image that it cleans
FILES = {"NAFNet full skips": "full.tflite", "NAFNet no skips": "none.tflite", "NAFNet UNet--": "unet_minus.tflite"}


def main():
    """Trains, converts, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what the demo writes")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps")
    arguments = parser.parse_args()
    if arguments.steps < EPOCH or arguments.steps % EPOCH:
        parser.error(f"--steps must be a multiple of {EPOCH}. Received: {arguments.steps}.")
    console = Console()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(SEED)

    networks = {name: build() for name, build in VARIANTS.items()}
    console.rule(f"Training {TRAINED} for {arguments.steps} steps on {', '.join(TRAIN)}")
    train(networks[TRAINED], out, arguments.steps)

    console.rule("Converting to integers, planning the arena and measuring on TFLM")
    clean = np.concatenate([grid(photograph(name)) for name in TEST])
    noisy = add_noise(clean, np.random.default_rng(SEED + 1))
    rows = {name: convert(name, network, out, console) for name, network in networks.items()}
    restored = evaluate(networks[TRAINED], rows[TRAINED], clean, noisy, out)

    document = {"sigma": SIGMA, "size": SIZE, "seed": SEED, "steps": arguments.steps, "test_crops": len(clean), "rows": rows}
    console.rule("Cleaning a photograph on a device")
    document["device"] = on_device(out, console)
    (out / "report.json").write_text(json.dumps(document, indent=2))
    draw(tflite.plan(out / FILES[TRAINED]), out / "arena.png", title=TRAINED)
    draw_crops(out / "denoised.png", noisy, clean, restored)
    wide = Console(width=max(console.width, 104))
    wide.print(table(rows))
    wide.print(why(rows), highlight=False)
    console.print(f"\nWrote {', '.join(sorted(str(p) for p in out.iterdir() if p.is_file()))}", highlight=False)


def photograph(name):
    """A photograph of scikit-image as floats in [0, 1]."""
    return getattr(skimage.data, name)()[..., :3].astype("float32") / 255


def add_noise(clean, rng):
    """Noise as a camera's bytes hold it: cut off at black and at white."""
    return np.clip(data.gaussian_noise(clean, SIGMA, rng), 0, 1)


def grid(image):
    """All crops of the demo's size that fit side by side into an image."""
    rows, columns = image.shape[0] // SIZE, image.shape[1] // SIZE
    image = image[: rows * SIZE, : columns * SIZE].reshape(rows, SIZE, columns, SIZE, 3)
    return image.swapaxes(1, 2).reshape(-1, SIZE, SIZE, 3)


def train(model, out, steps):
    """Trains in place; keeps a backup every epoch so that a killed run goes on."""
    photographs = data.DataSet("photographs", tuple((name,) for name in TRAIN), lambda example: 2 * (photograph(*example),))
    hues = partial(keras.layers.RandomHue, 1.0, value_range=(0, 1))  # five photographs have few colours
    augment = ("flip", "rotate90", hues)
    patches = data.Batches(photographs, BATCH, EPOCH, patch=SIZE, augment=augment, degrade=add_noise, seed=SEED)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps, alpha=1e-3)
    adam = keras.optimizers.Adam(schedule, beta_2=0.9)
    model.compile(adam, losses.PSNRLoss(), metrics=[metrics.PSNR()], jit_compile=False)
    backup = keras.callbacks.BackupAndRestore(out / f"backup_{steps}_steps")
    fresh = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(patches, "first", epoch * EPOCH))
    model.fit(patches, epochs=steps // EPOCH, callbacks=[backup, fresh], verbose=1 if Console().is_terminal else 2)


def convert(name, network, out, console):
    """Writes the integer file of a network and the same file planned, and returns what is known about them."""
    with console.status(f"converting {name}"):
        calibration = [grid(photograph(image)) for image in TRAIN[:2]]
        calibration = np.concatenate([crops[:: len(crops) // 16] for crops in calibration])
        calibration = add_noise(calibration, np.random.default_rng(SEED + 2))
        content = tflite.convert(network, calibration, target="tflm", size=(SIZE, SIZE))
        network.save((out / FILES[name]).with_suffix(".keras"))
        (out / FILES[name]).write_bytes(content)
    with console.status(f"planning {name}, and comparing both files on TFLM"):
        found, result = report(content)
        cross_check(content, found.planned.content)
        (out / FILES[name].replace(".", "_planned.")).write_bytes(found.planned.content)
    arenas = [result[which]["measured"]["total"] for which in ("as_is", "planned")]
    console.print(
        f"{name}: {len(content):,} bytes of flash; TFLM arena {arenas[0]:,} bytes, planned {arenas[1]:,}, same outputs",
        highlight=False,
    )
    return {
        "parameters": network.count_params(),
        "macs": analysis.macs(network, (SIZE, SIZE)),
        "skip_memory": analysis.skip_memory(network, (SIZE, SIZE)),
        "file": FILES[name],
        "plan": result,
    }


def evaluate(network, row, clean, noisy, out):
    """Adds PSNR of the input, the float network and the integer file to a row; returns the integer file's images."""
    as_float = network.predict(noisy, batch_size=16, verbose=0)
    lowered = lower(network, "tflm", (None, SIZE, SIZE, 3)).predict(noisy, batch_size=16, verbose=0)
    on_litert = tflite.run(out / row["file"], noisy, runtime="litert").values[0]
    on_tflm = tflite.run(out / row["file"], noisy, runtime="tflm").values[0]
    images = {"noisy": noisy, "float": as_float, "float_lowered": lowered, "int8_litert": on_litert, "int8_tflm": on_tflm}
    row["psnr"] = {key: psnr(clean, image) for key, image in images.items()}
    return on_tflm


def on_device(out, console):
    """Writes the firmware, starts it and sends it a noisy photograph row by row; returns what that took."""
    lacking = lacks(board(BOARD), ("compiler", "cmake", "emulator"))
    name = "host" if lacking else BOARD
    if lacking:
        console.print(f"The emulated board needs what is missing here: {lacking}. This computer takes its place.")
    with console.status(f"writing the firmware for {name}"):
        content = resized((out / FILES[TRAINED]).read_bytes(), DEVICE_SIZE)
        written = tflite.firmware(content, out / "firmware", "denoiser", board=name)
    clean = photograph("chelsea")[20:, 130:][: DEVICE_SIZE[0], : DEVICE_SIZE[1]]
    noisy = add_noise(clean, np.random.default_rng(SEED + 3))
    sent = np.round(noisy * 255).astype("int64") - 128
    with (
        console.status(f"{name} cleans a photograph"),
        Emulated(out / "firmware") as emulated,
        Device(emulated.port) as device,
    ):
        ran = device.run([sent.astype("int8")[None]])
        counted = device.hello.description["ticks"]
    same = np.array_equal(ran.outputs[0], tflite.run(content, sent.astype("int8"), runtime="tflm").outputs[0])
    if not same:
        raise SystemExit("The device gave other bytes than TFLM: please report it with out/unet_minus.tflite.")
    cleaned = (ran.outputs[0][0].astype("float64") + 128) / 255
    values = [psnr(clean[None], image[None].astype("float32")) for image in (noisy, cleaned)]
    draw_device(out / "device.png", (noisy, cleaned, clean), values, name)
    console.print(
        f"{name}: {'x'.join(map(str, DEVICE_SIZE))} pixels in {ran.arena + ran.carried:,} of {written['ram_bytes']:,} "
        f"bytes, {ran.ticks - ran.transfer:,} {counted}, the bytes of TFLM; {values[0]:.2f} dB in, {values[1]:.2f} dB out.",
        highlight=False,
    )
    return {
        "board": name,
        "ram_bytes": written["ram_bytes"],
        "arena_bytes": ran.arena + ran.carried,
        "stack_bytes": ran.stack,
        counted: ran.ticks - ran.transfer,
        "seconds_here": ran.seconds,
        "psnr": dict(zip(("noisy", "cleaned"), values, strict=True)),
    }


def draw_device(path, images, values, name):
    """Draws what went to the device, what came back, and what it should be."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    titles = f"sent, {values[0]:.2f} dB", f"cleaned on {name}, {values[1]:.2f} dB", "the photograph"
    for axis, image, title in zip(figure.subplots(1, 3), images, titles, strict=True):
        axis.imshow(np.clip(image, 0, 1), interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=120)


def psnr(clean, image):
    """Mean PSNR in dB over images, clipped to what a display shows."""
    metric = metrics.PSNR()
    metric.update_state(clean, np.clip(image, 0, 1))
    return float(metric.result())


def table(rows):
    """The demo's table."""
    title = f"Denoising at sigma 25, {SIZE}x{SIZE} pixels, int8, stock TFLM; memory in bytes"
    result = Table(title=title, title_justify="left")
    result.add_column("", no_wrap=True)
    columns = (
        "params",
        "MACs",
        "skips,\npaper",
        "arena\nhead",
        "arena\ntail",
        "arena\ntotal",
        "noisy\ndB",
        "float\ndB",
        "int8\ndB",
    )
    for column in columns:
        result.add_column(column, justify="right", no_wrap=True)
    for name, row in rows.items():
        quality = [f"{row['psnr'][key]:.2f}" for key in ("noisy", "float", "int8_tflm")] if "psnr" in row else ["-"] * 3
        arenas = [
            [f"{row['plan'][which]['measured'][part]:,}" for part in ("head", "tail", "total")]
            for which in ("as_is", "planned")
        ]
        counts = [f"{row['parameters'] / 1e6:.2f} M", f"{row['macs'] / 1e6:.0f} M", f"{row['skip_memory']:,}"]
        result.add_row(name, *counts, *arenas[0], *quality)
        result.add_row("  planned", "", "", "", *arenas[1], end_section=True)
    return result


def why(rows):
    """Says from the figures what the arenas consist of."""
    full, small = rows["NAFNet full skips"], rows[TRAINED]
    as_is, planned, peak = (small["plan"][key] for key in ("as_is", "planned", "peak"))
    largest = ", ".join("x".join(map(str, tensor["shape"][1:])) for tensor in peak["live"])
    rewritten = len(planned["rewrites"])
    return (
        f"\nBy the paper's formula the skips shrink from {full['skip_memory']:,} to {small['skip_memory']:,} bytes; as "
        "converted, the arenas do not, and out/arena.png shows why:\n"
        f"- The peak is operator {peak['operator']}, {peak['name']}, with maps {largest} alive: a block at full resolution, "
        "which needs them whatever the skips keep.\n"
        "- The converter chose the order. It squeezes encoder maps long after the encoder, restores decoder inputs long "
        "before the decoder, and computes the input skip first of all.\n"
        f"- TFLM's planner takes a head of {as_is['measured']['head']:,} bytes where this order needs "
        f"{as_is['order_bound']:,}.\n"
        f"Planned, the same network gives the same bytes with a head of {planned['measured']['head']:,}: the order with the "
        f"smallest peak, {rewritten} graph rewrites,\nand outputs that take the place of inputs where kernels read before "
        f"they write. The lower bound of that order is {planned['bound']:,}. What is left is the block at full resolution.\n"
        "The two networks that are compared were converted with their initial weights: the arena does not depend on them."
    )


def draw_crops(path, noisy, clean, restored, shares=(0.1, 0.3, 0.5, 0.7, 0.9)):
    """Draws noisy, denoised and clean crops side by side, each with its PSNR: from those that gain little to those that gain
    much."""
    gains = [
        psnr(clean[i : i + 1], restored[i : i + 1]) - psnr(clean[i : i + 1], noisy[i : i + 1]) for i in range(len(clean))
    ]
    order = np.argsort(gains)
    chosen = [order[round(share * (len(order) - 1))] for share in shares]
    figure = Figure(figsize=(2 * len(shares), 6.7), layout="constrained")
    axes = figure.subplots(3, len(shares))
    places = ", ".join(f"{100 * share:.0f}" for share in shares)
    title = f"crops at percentiles {places} of what {len(order)} crops gain, which is {np.mean(gains):.2f} dB on average"
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    for column, i in enumerate(chosen):
        for row, (name, images) in enumerate((("noisy", noisy), ("denoised, int8 on TFLM", restored), ("clean", clean))):
            axis = axes[row, column]
            axis.imshow(np.clip(images[i], 0, 1), interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            if row < 2:
                axis.set_xlabel(f"{psnr(clean[i : i + 1], images[i : i + 1]):.2f} dB", fontsize=9)
            if column == 0:
                axis.set_ylabel(name, fontsize=10)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
