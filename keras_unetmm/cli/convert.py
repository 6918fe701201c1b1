# SPDX-License-Identifier: Apache-2.0
"""`unetmm convert`: a Keras model becomes an integer .tflite file."""

import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.arguments import parsed_numbers, parsed_size, validate_folder_exists
from keras_unetmm.cli.backend import load_model
from keras_unetmm.cli.errors import errors, renamed, warn
from keras_unetmm.cli.files import write
from keras_unetmm.cli.preset_model import float_preset, is_preset, write_retargeted
from keras_unetmm.cli.run_folder import FILE, is_run, read_run
from keras_unetmm.types import Calibration


def convert(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL.keras", help="A model saved with model.save, the folder of a run, or a preset's name."
        ),
    ],
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of images like those on the device; .npy files for volumes. By default a run's own.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT.tflite", help="The file to write; by default model.tflite in a run."),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="HxW", help="Input size, such as 64x64; DxHxW for volumes.")] = None,
    target: Annotated[str, typer.Option(help="litert, tflm, coral, ethos-u55, ethos-u65 or ethos-u85.")] = "tflm",
    io: Annotated[str, typer.Option(help="Bytes in and out: int8 or uint8.")] = "int8",
    output_kind: Annotated[
        str,
        typer.Option(
            help="What the output is: auto, image, probabilities, values, logits or indices; or a,b,... of several."
        ),
    ] = "auto",
    mean: Annotated[str | None, typer.Option(metavar="M[,M,M]", help="What the model's training subtracted.")] = None,
    std: Annotated[str | None, typer.Option(metavar="S[,S,S]", help="What it divided by then.")] = None,
    outliers: Annotated[str, typer.Option(help="Of the values inside the network, one in 10,000: cut or keep.")] = "cut",
    card: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write what the file is, takes and gives.")] = None,
    gives: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Convert a Keras model to a full-integer .tflite file."""
    with errors():
        kind = renamed("--gives", gives, "--output-kind", output_kind, "auto")
        sizes = None if size is None else parsed_size(size)
        numbers = {name: parsed_numbers(name, text) for name, text in (("mean", mean), ("std", std))}
        run = read_run(model) if is_run(model) else None
        named = str(model) if is_preset(model) else None
        if run is not None:
            output, model, sizes = output or model / FILE, run.model, sizes or run.size()
        elif named is None and not model.is_file():
            reason = "a folder that is no run" if model.is_dir() else "no such file"
            raise ValueError(
                f"MODEL must be a file that model.save wrote, a run's folder, or the name of a preset. Received: {model}, "
                f"{reason}."
            )
        if output is None or (calibration is None and run is None and named is None):
            missing = "--output" if output is None else "--calibration"
            raise ValueError(f"{missing} must be given for a model that is no run's folder. Received: none.")
        if output.suffix != ".tflite":
            raise ValueError(f"--output must end in .tflite. Received: {output}.")
        for path in (output, card):
            if path is not None:
                validate_folder_exists(path)
        if calibration is not None and not calibration.is_dir():
            raise ValueError(f"--calibration must be a folder. Received: {calibration}.")
        if named is not None and calibration is None:
            asked = {"size": size, "io": io, "output_kind": kind, "mean": mean, "std": std, "outliers": outliers}
            write_retargeted(named, target, output, {**asked, "card": card})
            return
        if named is None:
            loaded = load_model(model)
        else:
            loaded, own_size, normal = float_preset(named)
            sizes, numbers = sizes or own_size, _normalization(normal, numbers)
        with Console(stderr=True).status("converting"), warnings.catch_warnings(record=True) as told:
            from keras_unetmm.conversion.conversion import Request
            from keras_unetmm.conversion.convert import conversion_of, report_of

            warnings.simplefilter("always", UserWarning)
            given: Calibration = calibration
            if calibration is None and run is not None:
                from keras_unetmm.graph.expand import static_shape

                given, trained_with = run.calibration(static_shape(loaded, sizes, ranks=(2, 3)))
                numbers = _normalization(trained_with, numbers)
            kinds = kind if "," not in kind else [part.strip() for part in kind.split(",")]
            request = Request(given, target, sizes, io, kinds, numbers["mean"], numbers["std"], outliers)
            report = report_of(conversion_of(loaded, request), card=card is not None)
        content, verdict = report.content, report.verdict
        for warning in told:
            warn(warning.message)
        write(output, content)
        if card is not None:
            write(card, report.card(output.name).encode())
        from keras_unetmm.targets.verdict_table import as_table

        if verdict is not None:
            Console().print(as_table(f"{output} on {target}", verdict))
            Console().print(verdict.note, highlight=False)
        for line in report.lines():
            Console().print(line, highlight=False)
        Console().print(f"{output}: {len(content):,} bytes, all integers. Next: unetmm plan {output}", highlight=False)


def _normalization(trained_with, numbers):
    """The mean and deviation of a file: as the user says, or as its network was trained."""
    if numbers["mean"] is not None or numbers["std"] is not None:
        return numbers
    mean, std = trained_with or (None, None)
    return {"mean": mean, "std": std}
