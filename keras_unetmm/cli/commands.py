# SPDX-License-Identifier: Apache-2.0
"""All commands in one table."""

from typing import Annotated

import typer

from keras_unetmm import __version__
from keras_unetmm.cli.analyze import analyze
from keras_unetmm.cli.check import check
from keras_unetmm.cli.compare import compare
from keras_unetmm.cli.convert import convert
from keras_unetmm.cli.device import device
from keras_unetmm.cli.evaluate import evaluate
from keras_unetmm.cli.export import export
from keras_unetmm.cli.firmware import firmware
from keras_unetmm.cli.flash import flash
from keras_unetmm.cli.import_weights import import_weights
from keras_unetmm.cli.models import models
from keras_unetmm.cli.plan import plan
from keras_unetmm.cli.predict import predict
from keras_unetmm.cli.presets import presets, push
from keras_unetmm.cli.pruning import pruning
from keras_unetmm.cli.report import report
from keras_unetmm.cli.seeds import scores
from keras_unetmm.cli.tile import tile
from keras_unetmm.cli.train import train

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    models,
    presets,
    push,
    train,
    evaluate,
    predict,
    scores,
    pruning,
    analyze,
    convert,
    compare,
    plan,
    tile,
    firmware,
    flash,
    report,
    check,
    export,
):
    app.command()(command)
app.command("import")(import_weights)
app.add_typer(device, name="device")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"unetmm {__version__}")
        raise typer.Exit


@app.callback()
def unetmm(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Image networks of the U-Net family that fit on a microcontroller."""


def main() -> None:
    """Runs the command line."""
    app()
