# SPDX-License-Identifier: Apache-2.0
"""`unetmm import`: published PyTorch weights become a Keras model."""

from pathlib import Path
from typing import Annotated

import typer

from keras_unetmm.cli.arguments import validate_folder_exists
from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors


def import_weights(
    checkpoint: Annotated[Path, typer.Argument(metavar="AUTHORS.pth", help="A checkpoint of NAFNet or KBNet_s.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.keras", help="The file to write.")],
    skips: Annotated[str, typer.Option(help="full, as published; unet--, st or none to start training from.")] = "full",
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
) -> None:
    """Import a checkpoint of the authors' NAFNet or KBNet, into a network with other skips too. PyTorch is not needed."""
    with errors():
        if output.suffix != ".keras":
            raise ValueError(f"--output must end in .keras. Received: {output}.")
        validate_folder_exists(output)
        choose_backend(backend)
        with quiet_backend():
            from keras_unetmm.models.published import from_pytorch
            from keras_unetmm.models.pytorch_file import read_pytorch

            model = from_pytorch(read_pytorch(checkpoint), skips)
            model.save(output)
        own = sum(layer.count_params() for layer in model.layers if layer.name.startswith("skip"))
    new = f", {own:,} of them the skips', which are new and want training" if own else ""
    typer.echo(f"{output}: {model.name}, {model.count_params():,} parameters{new}")
