# SPDX-License-Identifier: Apache-2.0
"""`unetmm tile`: a network cut into files that run tile by tile."""

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.cli.arguments import parsed_bytes, parsed_numbers, parsed_size, parsed_tile, validate_folder_exists
from keras_unetmm.cli.backend import load_model
from keras_unetmm.cli.errors import errors, renamed, warn

if TYPE_CHECKING:
    import keras

UNTILED = {"stock TFLM": "as_is", "planned": "planned"}


def tile(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A saved model, or the .tflite file made of it.")],
    size: Annotated[str, typer.Option(metavar="HxW", help="Size of the images on the device, such as 256x256.")],
    calibration: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of images like those on the device, for a MODEL.keras.")
    ] = None,
    ram: Annotated[
        str | None, typer.Option(metavar="BYTES", help="The fewest multiply-accumulates within so much, such as 256K.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write the program; without --ram the smallest.")
    ] = None,
    side: Annotated[str | None, typer.Option("--tile", metavar="N", help="The tile in pixels, N or HxW.")] = None,
    levels: Annotated[int | None, typer.Option(help="How many levels run tile by tile.")] = None,
    skips: Annotated[str, typer.Option(help="keep, recompute or mixed.")] = "keep",
    kernels: Annotated[
        str,
        typer.Option(
            help="Kernels the plans are safe for: any (reference and CMSIS-NN without Helium), reference, cmsis-nn, "
            "cmsis-nn-helium (Cortex-M55 and M85), or none (nothing overlaps, for kernels such as ESP-NN)."
        ),
    ] = "any",
    border: Annotated[
        str, typer.Option(help="once: the image is padded, not its maps; same: the bytes of the untiled file.")
    ] = "once",
    output_kind: Annotated[str, typer.Option(help="What the output is, as for convert.")] = "auto",
    mean: Annotated[str | None, typer.Option(metavar="M[,M,M]", help="What the model's training subtracted.")] = None,
    std: Annotated[str | None, typer.Option(metavar="S[,S,S]", help="What it divided by then.")] = None,
    evaluate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Measure the PSNR of the photographs there, whole, tile by tile.")
    ] = None,
    sigma: Annotated[float, typer.Option(min=0, help="The noise they are given, of 255.")] = 25.0,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw memory against multiply-accumulates, without --ram and -o.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    gives: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Cut a network into files that run tile by tile in one arena: a tile, and what the skips keep.

    With --ram, --tile or -o one program is made. Without, the table of what there is: memory against computing.
    """
    with errors():
        kind = renamed("--gives", gives, "--output-kind", output_kind, "auto")
        budget = None if ram is None else parsed_bytes("ram", ram)
        sizes, tiles = parsed_size(size), None if side is None else parsed_tile(side)
        numbers = {name: parsed_numbers(name, text) for name, text in (("mean", mean), ("std", std))}
        from keras_unetmm.program import store

        if picture is not None:
            from keras_unetmm.tiling.picture import validate_suffix

            validate_suffix(picture)
            validate_folder_exists(picture)
        if output is not None:
            store.validate_folder(output)
        if evaluate is not None and not evaluate.is_dir():
            raise ValueError(f"--evaluate must be a folder of photographs. Received: {evaluate}.")
        if evaluate is not None and (mean is not None or std is not None):
            raise ValueError(
                "--evaluate must come without --mean and --std: the model is given photographs. Received: both."
            )
        if len(sizes) != 2:
            raise ValueError(f"--size must be HEIGHTxWIDTH, for images. Received: {size!r}.")
        one = budget is not None or tiles is not None or output is not None
        if picture is not None and one:
            raise ValueError("--picture must come without --ram, --tile and -o: it draws all programs. Received: both.")
        loaded, content = _to_tile(model, calibration, sizes, kind, numbers)
        choice = {"levels": levels, "tile": tiles, "skips": skips, "kernels": kernels, "border": border}
        if one:
            result = _program(model, content, sizes, budget, choice, output)
        else:
            result = _trade_off(model, content, sizes, choice, picture)
        if evaluate is not None:
            result["quality"] = _tiled_quality(
                loaded, content, evaluate, sigma, {**choice, "ram": budget}, result if one else None
            )
        if as_json:
            typer.echo(json.dumps(result, indent=2))
            return
        from keras_unetmm.interpreters.runtime import reference_runtime
        from keras_unetmm.tiling import report

        runtime = reference_runtime()
        if one and runtime != "tflm":
            warn("TFLM is not installed here: the tails are estimates, and the heads are predicted, not measured.")
        console = Console(width=None if sys.stdout.isatty() else 130)
        title = f"{model} at {size}"
        if one:
            console.print(report.summary(title, result))
        else:
            console.print(report.trade_off(title, result["programs"], result["untiled"]))
            console.print("Bold: less memory or less computing than all others.", highlight=False)
        if evaluate is not None:
            quality = result["quality"]
            figures = ", ".join(f"{name} {quality[name]:.3f} dB" for name in ("noisy", "float", "int8") if name in quality)
            console.print(f"{quality['photographs']} photographs, whole, sigma {sigma:g}: {figures}", highlight=False)
        if output is not None:
            on = "" if runtime == "tflm" else f", {runtime!r}"
            console.print(f"{output}: next, keras_unetmm.tflite.run_tiled({str(output)!r}, image{on}).", highlight=False)


def _to_tile(model, calibration, size, output_kind, numbers):
    """The Keras model, or None, and the content of the file that is cut."""
    if model.suffix == ".tflite":
        if calibration is not None:
            raise ValueError("--calibration must come with a MODEL.keras: a .tflite file has its scales. Received: both.")
        return None, model.read_bytes()
    if calibration is None or not calibration.is_dir():
        raise ValueError(
            f"--calibration must be a folder of images, from which scales are measured. Received: {calibration}."
        )
    loaded = load_model(model)
    with Console(stderr=True).status("converting"):
        from keras_unetmm.conversion.convert import convert as converted
        from keras_unetmm.data.images import smallest_size

        size = tuple(map(min, size, smallest_size(calibration)))  # the scales are those of every size
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", UserWarning)
            content = converted(
                loaded, calibration, "tflm", _conversion_size(loaded, size), output_kind=output_kind, **numbers
            )
    for warning in told:
        warn(warning.message)
    return loaded, content


def _conversion_size(model: "keras.Model", size: tuple[int, int]) -> tuple[int, int]:
    """Returns the size at which a Keras model is converted to be tiled: the image's, cut to what its levels divide.

    Args:
        model: `keras.Model`; its own size if it has one, else that of the image is cut to a multiple of 32, or of what its
            padding says.
        size: `(height, width)` of the image.
    """
    own = model.inputs[0].shape[1:3]
    if None not in own:
        return own[0], own[1]
    multiple = max((layer.multiple for layer in model.layers if hasattr(layer, "multiple")), default=32)
    height, width = (max(side // multiple, 1) * multiple for side in size)
    return height, width


def _program(model, content, size, ram, choice, output):
    """Makes a program, and writes it if it shall be; returns its description."""
    from rich.progress import Progress

    from keras_unetmm.program import store
    from keras_unetmm.tiling.tile import tile as tiled

    with Progress(*Progress.get_default_columns()[:1], console=Console(stderr=True), transient=True) as progress:
        task, tried = progress.add_task("planning", total=None), iter(range(1, 1_000_000))
        program = tiled(
            content,
            size,
            ram=ram,
            progress=lambda: progress.update(task, description=f"planning, {next(tried)} tried"),
            **choice,
        )
    if output is not None:
        store.save(program, output)
    return program.description


def _trade_off(model, content, size, choice, picture):
    """The table of all programs, as JSON can hold it."""
    from rich.progress import track

    from keras_unetmm.tiling.tile import trade_off

    rows, untiled = trade_off(content, size, choice["levels"], choice["skips"], choice["kernels"], choice["border"])
    programs = [row for found in track(rows, "planning", console=Console(stderr=True), transient=True) for row in found]
    if picture is not None:
        from keras_unetmm.tiling.picture import draw

        curves = {
            f"{n} level{'s' * (n > 1)} tiled": [r for r in programs if r["levels"] == n]
            for n in sorted({r["levels"] for r in programs})
        }
        marks = {f"untiled, {kind}": (untiled[key], untiled["macs"]) for kind, key in UNTILED.items() if untiled[key]}
        with atomic_write(picture) as path:
            draw(path, f"{model.name} at {size[0]}x{size[1]}, skips: {choice['skips']}", curves, marks)
    return {"size": list(size), "skips": choice["skips"], "untiled": untiled, "programs": programs}


def _tiled_quality(model, content, folder, sigma, choice, program):
    """The PSNR of whole photographs, tiled as the program is, or with the smallest tiles."""
    from rich.progress import Progress

    from keras_unetmm.compare.evaluate import evaluate
    from keras_unetmm.data.images import image_paths, read_image

    if program is not None:
        choice = {**choice, "levels": program["levels"], "tile": tuple(program["tile"]), "ram": None}
    paths = image_paths(folder)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("photographs", total=len(paths))
        photographs = (read_image(path) for path in paths)
        return evaluate(
            content, photographs, sigma, model=model, progress=lambda done: progress.update(task, completed=done), **choice
        )
