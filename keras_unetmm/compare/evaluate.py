# SPDX-License-Identifier: Apache-2.0
"""How well a program does on whole photographs of any size: PSNR in int8, beside the network in floats."""

import numpy as np

from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tiling.tile import tile


def evaluate(file, photographs, sigma, *, model=None, runtime="litert", progress=None, **choice):
    """Returns the mean PSNR in dB over photographs with noise, each run tile by tile by a program for its size.

    Noise is normal, with seed 0, 1, 2, ... for the first, second, third photograph, cut at black and white and rounded to
    bytes, as a camera has it; the network in floats is given the same bytes.

    Args:
        file: path or bytes of the .tflite file that all programs are cut from: one set of scales.
        photographs: iterable of arrays `(H, W, C)` in [0, 1].
        sigma: float, the noise's deviation, of 255.
        model: `keras.Model`, the network in floats; None leaves that figure out.
        runtime: as for `keras_unetmm.tflite.run_tiled`.
        progress: function of an int, called with the number of photographs done.
        **choice: of `keras_unetmm.tflite.tile`: `levels`, `tile`, `skips`, `ram`, `kernels`.

    Returns:
        dict with `photographs`, `noisy`, `int8`, and `float` where there is a model.

    Raises:
        ValueError: as `keras_unetmm.tflite.tile`, if there are no photographs, or if the file gives no images like them.
    """
    programs, scores = {}, []
    for number, clean in enumerate(photographs):
        noise = np.random.default_rng(number).normal(0, sigma / 255, clean.shape)
        noisy = np.round(np.clip(clean + noise, 0, 1) * 255).astype("uint8")
        if clean.shape not in programs:
            programs[clean.shape] = tile(file, clean.shape[:2], **choice)
        made = programs[clean.shape].description["output"]
        if (made["channels"], made["pixels"]) != (clean.shape[2], 1):
            raise ValueError(
                f"file must give an image like the one it takes, to be compared with it. Received: one that takes "
                f"{clean.shape[2]} channels and gives {made['channels']}, at 1/{made['pixels']:g} of the size."
            )
        row = {"noisy": noisy / 255, "int8": run_tiled(programs[clean.shape], noisy, runtime).values}
        if model is not None:
            row["float"] = np.asarray(model.predict(noisy[None].astype("float32") / 255, verbose=0))[0]
        scores.append({name: _psnr(image, clean) for name, image in row.items()})
        if progress is not None:
            progress(number + 1)
    if not scores:
        raise ValueError("photographs must hold at least one. Received: none.")
    return {"photographs": len(scores), **{name: float(np.mean([s[name] for s in scores])) for name in scores[0]}}


def _psnr(image, clean):
    """In dB; an image counts at most 100, as in `metrics.PSNR`, so that one without a flaw leaves the mean finite."""
    return -10 * np.log10(np.maximum(np.mean((np.clip(image, 0, 1) - clean) ** 2), 1e-10))
