# SPDX-License-Identifier: Apache-2.0
"""`unetmm predict`: pictures and volumes restored or segmented, a folder of them."""

import json
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from keras_unetmm.cli.arguments import RUNTIMES, parsed_bytes, parsed_numbers, parsed_size, runtime_of
from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors, warn
from keras_unetmm.cli.files import allow_large_pictures


def predict(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A run, .keras or .tflite file, folder of unetmm tile or firmware, or preset."),
    ],
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder of pictures or NIfTI volumes, or one of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for results; goes on in it.")],
    window: Annotated[str | None, typer.Option(help="Windows of that size, such as 256 or 256x320.")] = None,
    overlap: Annotated[int | None, typer.Option(min=0, help="Pixels that windows share.")] = None,
    flips: Annotated[bool, typer.Option("--flips", help="Average over mirrored images, too.")] = False,
    memory: Annotated[str, typer.Option(metavar="BYTES", help="What the network may take at once.")] = "2G",
    save: Annotated[str, typer.Option(help="Of indices, colours, overlays (of masks) and floats, with commas.")] = (
        "indices,overlays"
    ),
    resize: Annotated[
        str, typer.Option(metavar="HxW", help="Resize pictures to that, and results back; or trained (as a run's), or none.")
    ] = "trained",
    kind: Annotated[str | None, typer.Option(help="What the output is, image or mask, where it is not known.")] = None,
    runtime: Annotated[str | None, typer.Option(help=f"Of files: engine, {RUNTIMES}.")] = None,
    hounsfield: Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Range of CT volumes.")] = None,
    on_error: Annotated[str, typer.Option(help="What to do with a damaged file: raise or skip.")] = "raise",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results of another model or settings.")] = False,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Restore or segment pictures or volumes of any size, whole or by windows; the same command goes on where it stopped."""
    with errors():
        sides = None if window is None else (int(window),) * 2 if window.isdigit() else parsed_size(window)
        ends = parsed_numbers("hounsfield", hounsfield)
        if ends is not None and (len(ends) != 2 or ends[0] >= ends[1]):
            raise ValueError(f"--hounsfield must be LOW,HIGH, the lower one first. Received: {hounsfield!r}.")
        room = parsed_bytes("memory", memory)
        choose_backend(backend)
        runtime = runtime_of(runtime, _runs_file(model))
        with quiet_backend():
            from keras_unetmm.prediction.folder import Settings, largest, predict_folder
            from keras_unetmm.prediction.sources import load_predictor

            network = load_predictor(model, runtime, kind)
        if window is not None and window.isdigit():
            sides = (int(window),) * network.axes
        settings = Settings(
            window=sides,
            overlap=overlap,
            flips=flips,
            memory=room,
            resize={"trained": "trained", "none": None}[resize] if resize in ("trained", "none") else parsed_size(resize),
            save=tuple(part.strip() for part in save.split(",")),
            hounsfield=None if ends is None else (ends[0], ends[1]),
            on_error=on_error,
            overwrite=overwrite,
        )
        console = Console(stderr=True)
        allow_large_pictures()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", UserWarning)
            about = largest(network, images, settings)
        for warning in told:
            warn(warning.message)
        if about is not None:
            size, by, needs = about
            how = "whole" if by is None else f"by windows of {'x'.join(map(str, by))}"
            takes = "" if needs is None else f", about {needs / 1e6:,.0f} MB at once"
            console.print(f"largest picture {size[0]}x{size[1]}: {how}{takes}", highlight=False)
        try:
            with (
                warnings.catch_warnings(action="ignore", category=UserWarning),
                Progress(console=console, transient=True) as bar,
            ):
                task = bar.add_task("reading", total=None)
                done = predict_folder(
                    network,
                    images,
                    output,
                    settings,
                    lambda at, count, name: bar.update(task, completed=at, total=count, description=name),
                )
        except KeyboardInterrupt:
            typer.echo(f"Stopped. The same command goes on; what is in {output} stays.", err=True)
            raise typer.Exit(130) from None
        for path, reason in done.skipped:
            warn(f"{path} is left out: {reason}")
        if as_json:
            skipped = [str(path) for path, _ in done.skipped]
            typer.echo(json.dumps({"written": list(map(str, done.written)), "before": done.before, "skipped": skipped}))
            return
        before = f", {done.before:,} of them there already" if done.before else ""
        left = f", {len(done.skipped):,} left out" if done.skipped else ""
        typer.echo(f"{output}: {len(done.written):,} results{before}{left}. Side by side: {done.sheet}")


def _runs_file(model: str) -> bool:
    """Whether an interpreter runs it: a .tflite file, or what `unetmm tile` wrote."""
    return Path(model).suffix == ".tflite" or (Path(model) / "program.json").is_file()
