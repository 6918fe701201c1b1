"""A recipe small enough to be run by tests, with everything that a run must keep: slots, statistics, random states."""

import os
import signal
import sys

TEXT = '''"""A recipe of the tests."""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics
from keras_unetmm.training import Cosine, Recipe


def network(width=4, rate=0.1):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False, name="first")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(rate, name="dropout")(x)
    return keras.Model(inputs, keras.layers.Conv2D(3, 3, padding="same", name="last")(x))


recipe = Recipe(
    model=network,
    train=data.bsds500,
    evaluate={"kodak24": data.kodak24},
    degrade=partial(data.gaussian_noise, sigma=25 / 255),
    patch=16,
    batch=4,
    augment=("flip", "rotate90"),
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.AdamW, beta_2=0.9, weight_decay=0.0),
    schedule=Cosine(start=1e-2, end=1e-4),
    steps=60,
    save_every=2,
    evaluate_every=20,
    metrics=(metrics.PSNR,),
    smoke={"steps": 60, "batch": 4, "patch": 16, "evaluate_every": 20},
    variants={"wide": {"model": partial(network, width=8)}},
)
'''


def aimed(arguments, printed, moves=0, place=""):
    """Runs a command of `unetmm` and ends the process, which kills itself around a move of a file to its place.

    Args:
        arguments: list of str.
        printed: path, for what it prints.
        moves: int, the number of the move; 0 for none.
        place: `"before"` or `"after"`.
    """
    from keras_unetmm.cli import main

    left, real = moves, os.replace

    def replace(source, target):
        nonlocal left
        left -= 1
        if not left and place == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(source, target)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace
    sys.argv = ["unetmm", *arguments]
    with open(printed, "w") as sys.stdout:
        sys.stderr = sys.stdout
        main()


def written(folder, **replaced):
    """Writes the recipe with pieces of its text replaced, and returns its path."""
    text = TEXT
    for before, after in replaced.get("text", {}).items():
        assert before in text, before
        text = text.replace(before, after)
    path = folder / "recipe.py"
    path.write_text(text)
    return path
