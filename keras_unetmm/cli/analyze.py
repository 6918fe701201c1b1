# SPDX-License-Identifier: Apache-2.0
"""`unetmm analyze`: what the skips of UNet-- restore, the paper's Tables 2 and 3."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors


def analyze(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A network with the skips of UNet--.")],
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder of images, as the network is given them.")],
    size: Annotated[int, typer.Option(min=8, help="Side of the window in the middle of each image.")] = 256,
    limit: Annotated[int, typer.Option(min=1, help="How many images at most.")] = 16,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the encoder's maps with those that UNet-- restores: Tables 2 and 3 of arXiv 2412.18276.

    SSIM says how alike they are. RA is the variance of the cosine distances between channels, compared at similar means.
    """
    with errors():
        choose_backend(backend)
        with quiet_backend():
            import keras
            import numpy as np

            from keras_unetmm.analysis import feature_similarity, restored_diversity
            from keras_unetmm.data.images import read_crops

            network = keras.models.load_model(model, compile=False)
            batch = np.stack(list(read_crops(images, (size, size, network.input_shape[-1])))[:limit])
            alike, diverse = feature_similarity(network, batch), restored_diversity(network, batch)
    rows = {level + 1: {"ssim": alike[level], **diverse[level]} for level in alike}
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(title=f"{len(batch)} images of {size}x{size}", title_justify="left")
    for column in ("stage", "SSIM", "RA of encoder", "mean distance", "RA of IEM", "mean distance"):
        table.add_column(column, justify="right")
    for stage, row in rows.items():
        keys = ("ssim", "encoder_variance", "encoder_mean", "iem_variance", "iem_mean")
        table.add_row(str(stage), *(f"{row[key]:.4f}" for key in keys))
    Console().print(table)
