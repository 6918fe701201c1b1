# SPDX-License-Identifier: Apache-2.0
"""`unetmm export`: a Keras model becomes an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.arguments import parsed_size, validate_folder_exists
from keras_unetmm.cli.backend import choose_backend, load_model
from keras_unetmm.cli.errors import errors


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A model saved with model.save.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.onnx", help="The file to write.")],
    size: Annotated[str | None, typer.Option(metavar="HxW", help="Fix the input size, such as 64x64.")] = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, torch or jax: whose exporter writes the file.")] = None,
) -> None:
    """Export a Keras model as ONNX, in floats, checked with onnxruntime."""
    with errors():
        choose_backend(backend)
        if output.suffix != ".onnx":
            raise ValueError(f"--output must end in .onnx. Received: {output}.")
        validate_folder_exists(output)
        sizes = None if size is None else parsed_size(size)
        loaded = load_model(model)
        with Console(stderr=True).status("exporting"):
            from keras_unetmm.conversion.onnx import export_onnx

            made = export_onnx(loaded, output, sizes)
    said = f"{output}: {made.nodes} operators of opset {made.opset}. onnxruntime gives the model's values but for "
    Console().print(said + f"{made.difference:.2g} of {made.of:.3g}.", highlight=False)
