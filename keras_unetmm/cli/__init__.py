"""The command line: `unetmm models`, `presets`, `train`, `evaluate`, `convert`, `compare`, `plan`, `tile`, `firmware`
and `check`.

One file although it is long: each command is its options and a call.
"""

import contextlib
import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keras_unetmm.replacing import replacing

UNTILED = {"stock TFLM": "as_is", "planned": "planned"}
app = typer.Typer(
    help="Image networks of the U-Net family that fit on a microcontroller.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
):
    """List every network with every row of its table, and what it costs on paper."""
    with _errors(), _quiet_backend():
        from rich.progress import track

        from keras_unetmm.analysis.catalogue import NETWORKS, catalogue

        rows = sum(len(network.rows) for network in NETWORKS)
        entries = list(track(catalogue(), "counting, about a minute", rows, console=Console(stderr=True), transient=True))
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    table = Table(title="from keras_unetmm.models, 8 bits a value of skip memory", title_justify="left")
    for column in ("network", "row", "input", "trainable", "MACs", "skips, KiB", "arXiv"):
        table.add_column(column, justify="left" if column in ("network", "row") else "right", no_wrap=True)
    for entry in entries:
        costs = (f"{entry['trainable']:,}", f"{entry['macs'] / 1e6:,.0f} M", f"{entry['skip_bytes'] / 1024:,.0f}")
        paper = entry["paper"].split(", ")[0].removeprefix("arXiv ")
        table.add_row(entry["name"], entry["row"], "x".join(map(str, entry["input"])), *costs, paper)
    Console(width=None if sys.stdout.isatty() else 120).print(table)  # which would be cut at 80 in a file


@app.command()
def presets(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of whole cards.")] = False,
):
    """List the networks that come trained, and how well they do in floats and in int8."""
    with _errors():
        from keras_unetmm.presets import store

        cards = [store.card(name) for name in store.names()]
    if as_json:
        typer.echo(json.dumps(cards, indent=2))
        return
    table = Table(title='keras_unetmm.from_preset("NAME")', title_justify="left")
    for column in ("preset", "parameters", "MACs", "size", "test set", "metric", "whole", "centre", "int8", "arena head"):
        table.add_column(column, justify="left" if column in ("preset", "test set", "metric") else "right", no_wrap=True)
    for card in cards:
        costs = f"{card['parameters']:,}", f"{card['macs'] / 1e6:,.0f} M", "x".join(map(str, card["input"][:-1]))
        for test, scores in card["quality"].items():
            metric = next(name for name in scores if name != "examples")
            both = card["int8"][test][metric]
            values = (f"{value:.3f}" for value in (scores[metric], both["float"], both["int8"]))
            table.add_row(card["name"], *costs, test, metric, *values, f"{card['arena']['planned']['head']:,}")
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.py", help="A file that defines recipe = Recipe(...).")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The run's folder; the same command goes on with a killed run.")],
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all data sets.")] = None,
    variant: Annotated[str | None, typer.Option(help="One of the recipe's variants.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Four steps on tiny data that it makes.")] = False,
    steps: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    precision: Annotated[str, typer.Option(help="float32, mixed_bfloat16 or mixed_float16.")] = "float32",
    accumulate: Annotated[int, typer.Option(min=1, help="Parts of a batch that are fed one after the other.")] = 1,
    distribute: Annotated[bool, typer.Option("--distribute", help="Train on all devices.")] = False,
    cpu_devices: Annotated[int | None, typer.Option(help="Split the CPU into that many, to try --distribute.")] = None,
    teacher: Annotated[Path | None, typer.Option(metavar="MODEL.keras", help="For recipes that distill.")] = None,
    quantize: Annotated[
        Path | None, typer.Option(metavar="MODEL.keras", help="Train that one on, in the arithmetic of its int8 file.")
    ] = None,
    structure: Annotated[
        Path | None, typer.Option(metavar="MODEL.keras", help="Train the network of that file anew, not the recipe's.")
    ] = None,
    damaged: Annotated[str, typer.Option(help="What to do with a damaged file: refuse or skip.")] = "refuse",
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep decoded examples there.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write the log for TensorBoard, too.")] = False,
):
    """Train a recipe; a killed run goes on by the same command."""
    with _errors():
        _choose_backend(backend)
        with _quiet_backend():
            from keras_unetmm import training
        scores = training.train(
            recipe,
            data,
            out,
            variant=variant,
            smoke=smoke,
            steps=steps,
            precision=precision,
            accumulate=accumulate,
            distribute=distribute,
            cpu_devices=cpu_devices,
            teacher=teacher,
            quantize=quantize,
            structure=structure,
            damaged=damaged,
            partial=partial,
            cache=cache,
            tensorboard=tensorboard,
            console=Console(),
        )
        typer.echo(f"best weights, {out}")
        Console().print(_score_table(scores))


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all data sets.")] = None,
    weights: Annotated[str, typer.Option(help="best or last.")] = "best",
    damaged: Annotated[str, typer.Option(help="What to do with a damaged file: refuse or skip.")] = "refuse",
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
):
    """Measure a run's weights on the recipe's test sets, and draw what they make of a few examples."""
    with _errors():
        _choose_backend(backend)
        with _quiet_backend():
            from keras_unetmm import training
        scores = training.evaluate_run(
            run, data, weights=weights, damaged=damaged, partial=partial, console=Console(stderr=True)
        )
    if as_json:
        typer.echo(json.dumps(scores, indent=2))
        return
    Console().print(_score_table(scores))


@app.command()
def convert(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A model saved with model.save.")],
    calibration: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of images like those on the device; of .npy files for volumes.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.tflite", help="The file to write.")],
    size: Annotated[str | None, typer.Option(metavar="HxW", help="Input size, such as 64x64; DxHxW for volumes.")] = None,
    target: Annotated[str, typer.Option(help="litert, tflm, coral, ethos-u55, ethos-u65 or ethos-u85.")] = "tflm",
    io: Annotated[str, typer.Option(help="Bytes in and out: int8 or uint8.")] = "int8",
    gives: Annotated[
        str, typer.Option(help="What the output is: auto, image, probabilities, values, logits or indices.")
    ] = "auto",
    mean: Annotated[str | None, typer.Option(metavar="M[,M,M]", help="What the model's training subtracted.")] = None,
    std: Annotated[str | None, typer.Option(metavar="S[,S,S]", help="What it divided by then.")] = None,
    outliers: Annotated[str, typer.Option(help="Of the values inside the network, one in 10,000: cut or keep.")] = "cut",
    card: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write what the file is, takes and gives.")] = None,
):
    """Convert a Keras model to a full-integer .tflite file."""
    with _errors():
        sizes = None if size is None else _parsed_size(size)
        numbers = {name: _parsed_numbers(name, text) for name, text in (("mean", mean), ("std", std))}
        if output.suffix != ".tflite":
            raise ValueError(f"--output must end in .tflite. Received: {output}.")
        for path in (output, card):
            if path is not None:
                _refuse_missing_folder(path)
        if not calibration.is_dir():
            raise ValueError(f"--calibration must be a folder. Received: {calibration}.")
        loaded = _load(model)
        with Console(stderr=True).status("converting"):
            from keras_unetmm.conversion.convert import converted
            from keras_unetmm.graph.expand import static_shape
            from keras_unetmm.lowering.prepare import prepared
            from keras_unetmm.quantization.calibration import calibration_images
            from keras_unetmm.quantization.quantize import is_quantize_aware, plain

            shape = static_shape(loaded, sizes, ranks=(2, 3))
            with warnings.catch_warnings(action="ignore", category=UserWarning):  # `converted` says the same
                images = calibration_images(calibration, shape)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always", UserWarning)
                content, verdict = converted(loaded, images, target, sizes, io, gives, outliers=outliers, **numbers)
            exact = plain(loaded)[0] if is_quantize_aware(loaded) else loaded  # which the card compares the file with
            made = prepared(exact, (1, *images.shape[1:]), gives, **numbers) if card is not None else None
            written = None if card is None else _card(output.name, made, content, verdict, images[:1])
        for warning in told:
            Console(stderr=True, soft_wrap=True).print(
                f"[bold yellow]Warning:[/] {_escaped(warning.message)}", highlight=False
            )
        _write(output, content)
        if card is not None:
            _write(card, written.encode())
        from keras_unetmm.targets.verdict_table import as_table

        Console().print(as_table(f"{output} on {target}", verdict))
        Console().print(verdict.note, highlight=False)
        Console().print(f"{output}: {len(content):,} bytes, all integers. Next: unetmm plan {output}", highlight=False)


def _card(name, model, content, verdict, images):
    from keras_unetmm.conversion.card import card
    from keras_unetmm.lowering.differences import differences

    return card(name, content, verdict, differences(model, images, verdict.target))


@app.command()
def compare(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="The model that was converted.")],
    file: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The file of integers that it became.")],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of images, of .npy volumes; with --recipe, of all data sets.")
    ],
    recipe: Annotated[
        Path | None, typer.Option(metavar="RECIPE.py", help="Measure its metrics on the sets that it is evaluated on.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="One of the recipe's variants.")] = None,
    sigma: Annotated[
        float | None, typer.Option(help="Add noise of that many levels of 255; the images are the references.")
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help="How many, evenly spread; all if not given.")] = None,
    runtime: Annotated[str, typer.Option(help="What runs the file for the metrics: tflm or litert.")] = "tflm",
    target: Annotated[str, typer.Option(help="What the file was converted for, if it does not say so itself.")] = "tflm",
    size: Annotated[str | None, typer.Option(metavar="DxHxW", help="Of volumes, if the model takes any size.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    layers: Annotated[int, typer.Option(min=0, help="How many of the worst layers to name.")] = 5,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw examples, differences and layers to a .png or .svg.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with all layers.")] = False,
):
    """Measure what a converted file loses: the metrics in floats and in int8, and the layers that lose most."""
    with _errors():
        sizes = None if size is None else _parsed_size(size)
        if picture is not None:
            from keras_unetmm.compare.quality_picture import draw, refuse_another_suffix

            refuse_another_suffix(picture)
            _refuse_missing_folder(picture)
        if recipe is None and variant is not None:
            raise ValueError("--variant must come with --recipe. Received: --variant alone.")
        if recipe is not None and sigma is not None:
            raise ValueError(
                "--sigma must come without --recipe, which says itself how images are degraded. Received: both."
            )
        if not data.is_dir():
            raise ValueError(f"--data must be a folder. Received: {data}.")
        loaded = _load(model)
        from keras_unetmm.compare.quality_pair import Pair

        content = file.read_bytes()
        pair = Pair(loaded, content, target, sizes)
        if recipe is not None:
            sets, metrics = _recipe_examples(recipe, variant, data, pair, images, partial)
        else:
            sets, metrics = _folder_examples(data, pair, sigma, images)
        qualities = _compared(loaded, content, sets, metrics, runtime, target=target, size=sizes)
        first = next(iter(qualities.values()))
        if picture is not None:
            with replacing(picture) as path:
                draw(first, path, f"{file.name} and {model.name}, {next(iter(qualities))}")
        if as_json:
            typer.echo(json.dumps({name: quality.as_json() for name, quality in qualities.items()}, indent=2))
            return
        from keras_unetmm.compare.quality_table import layers_table, scores_table

        console = Console(width=None if sys.stdout.isatty() else 120)
        console.print(scores_table(f"{file} on {runtime}, and {model}", qualities))
        if layers:
            console.print(layers_table(first, layers))


def _recipe_examples(recipe, variant, data, pair, images, partial):
    with _quiet_backend():
        from keras_unetmm.compare.quality_data import from_recipe, refuse_another_normalization
        from keras_unetmm.training.recipe import load_recipe

    loaded = load_recipe(recipe, variant)
    refuse_another_normalization(loaded, pair.said)
    return from_recipe(loaded, data, pair.shape, images, partial), loaded.metrics


def _folder_examples(data, pair, sigma, images):
    from keras_unetmm.compare.quality_data import from_folder
    from keras_unetmm.metrics import PSNR, SSIM

    output = tuple(pair.model.outputs[0].shape[1:])
    if sigma is not None and (len(output) != len(pair.shape) - 1 or output[-1] != pair.shape[-1]):
        raise ValueError(
            f"--sigma must go with a model that gives what it takes, without the noise. Received: one that takes "
            f"{pair.shape[1:]} and gives {output}. Pass a --recipe, which says what the references are."
        )
    metrics = () if sigma is None else (PSNR,) if len(output) == 4 else (PSNR, SSIM)
    return {data.resolve().name: from_folder(data, pair.shape, sigma, images)}, metrics


def _compared(model, content, sets, metrics, runtime, **options):
    """The quality on every set; the layers are measured on the first one."""
    from rich.progress import Progress

    from keras_unetmm.compare.quality import compare

    qualities = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name, examples in sets.items():
            task = progress.add_task(f"comparing on {name}", total=len(examples))
            options |= {"layer_images": 0} if qualities else {}
            taken = (example() for example in examples)
            qualities[name] = compare(
                model, content, taken, metrics, runtime=runtime, progress=lambda t=task: progress.advance(t), **options
            )
    return qualities


@app.command()
def plan(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Any .tflite file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.tflite", help="Write the planned file.")
    ] = None,
    kernels: Annotated[str, typer.Option(help="Kernels the plan is safe for: any, reference or cmsis-nn.")] = "any",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw live bytes and arena to an .svg or .png.")
    ] = None,
    arena: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="Say whether the planned file fits there, such as 256K; status 2 if not."),
    ] = None,
):
    """Say what a .tflite file needs of the arena, and plan it to need less: same outputs, byte for byte."""
    with _errors():
        for path in (output, picture):
            if path is not None:
                _refuse_missing_folder(path)
        if output is not None and output.suffix != ".tflite":
            raise ValueError(f"--output must end in .tflite. Received: {output}.")
        from keras_unetmm.planner import fits
        from keras_unetmm.planner.report import as_table, report

        given = None if arena is None else _parsed_bytes("arena", arena)
        found, result = report(model, kernels)
        if given is not None:
            result["arena"] = fits.fitted(model, found, result, given)
        too_small = given is not None and not result["arena"]["fits"]
        if output is not None and not too_small:
            _prove_and_write(model, found, result, output)
        if picture is not None:
            from keras_unetmm.planner.picture import draw

            with replacing(picture) as path:
                draw(found, path, title=model.name)
        if as_json:
            typer.echo(json.dumps(result, indent=2))
        else:
            _print_plan(as_table(str(model), result), result, None if too_small else output)
        if too_small:
            judged = "planned" if result["arena"]["judged"] == "planned" else "as it is, for it cannot be planned"
            raise ValueError(
                f"--arena {arena} is too small for {model}, {judged}: {fits.said(result['arena'])}. It takes here "
                f"{result['arena']['needed']:,} bytes. Choose a smaller input size or a narrower network, or tile it."
            )


def _print_plan(table, result, output):
    """The table, what could not be done, and how it fits."""
    Console().print(table)
    for key, what in (("why_not_planned", "Not planned"), ("why_not_measured", "Not measured")):
        if key in result:
            Console().print(f"{what}: {result[key]}", highlight=False)
    if "arena" in result:
        from keras_unetmm.planner.fits import said

        Console().print(f"arena of {result['arena']['arena']:,} bytes: {said(result['arena'])}", highlight=False)
    if output is not None:
        Console().print(f"{output}: the same outputs on TFLM, byte for byte.", highlight=False)


@app.command()
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
    kernels: Annotated[str, typer.Option(help="Kernels the plans are safe for: any, reference or cmsis-nn.")] = "any",
    border: Annotated[
        str, typer.Option(help="once: the image is padded, not its maps; same: the bytes of the untiled file.")
    ] = "once",
    gives: Annotated[str, typer.Option(help="What the output is, as for convert.")] = "auto",
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
):
    """Cut a network into files that run tile by tile in one arena: a tile, and what the skips keep.

    With --ram, --tile or -o one program is made. Without, the table of what there is: memory against computing.
    """
    with _errors():
        ram = None if ram is None else _parsed_bytes("ram", ram)
        sizes, tiles = _parsed_size(size), None if side is None else _parsed_tile(side)
        numbers = {name: _parsed_numbers(name, text) for name, text in (("mean", mean), ("std", std))}
        from keras_unetmm.program import store

        if picture is not None:
            from keras_unetmm.tiling.picture import refuse_another_suffix

            refuse_another_suffix(picture)
            _refuse_missing_folder(picture)
        if output is not None:
            store.refuse_another_folder(output)
        if evaluate is not None and not evaluate.is_dir():
            raise ValueError(f"--evaluate must be a folder of photographs. Received: {evaluate}.")
        if evaluate is not None and (mean is not None or std is not None):
            raise ValueError(
                "--evaluate must come without --mean and --std: the model is given photographs. Received: both."
            )
        if len(sizes) != 2:
            raise ValueError(f"--size must be HEIGHTxWIDTH, for images. Received: {size!r}.")
        one = ram is not None or tiles is not None or output is not None
        if picture is not None and one:
            raise ValueError("--picture must come without --ram, --tile and -o: it draws all programs. Received: both.")
        loaded, content = _to_tile(model, calibration, sizes, gives, numbers)
        choice = {"levels": levels, "tile": tiles, "skips": skips, "kernels": kernels, "border": border}
        result = _program(model, content, sizes, ram, choice, output) if one else None
        if not one:
            result = _trade_off(model, content, sizes, choice, picture)
        if evaluate is not None:
            result["quality"] = _tiled_quality(
                loaded, content, evaluate, sigma, {**choice, "ram": ram}, result if one else None
            )
        if as_json:
            typer.echo(json.dumps(result, indent=2))
            return
        from keras_unetmm.tiling import report

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
            console.print(f"{output}: next, keras_unetmm.tflite.run_tiled({str(output)!r}, image).", highlight=False)


def _to_tile(model, calibration, size, gives, numbers):
    """The Keras model, or None, and the content of the file that is cut."""
    if model.suffix == ".tflite":
        if calibration is not None:
            raise ValueError("--calibration must come with a MODEL.keras: a .tflite file has its scales. Received: both.")
        return None, model.read_bytes()
    if calibration is None or not calibration.is_dir():
        raise ValueError(
            f"--calibration must be a folder of images, from which scales are measured. Received: {calibration}."
        )
    loaded = _load(model)
    with Console(stderr=True).status("converting"):
        from keras_unetmm.conversion.convert import convert as converted
        from keras_unetmm.data.images import smallest_size
        from keras_unetmm.tiling.tile import conversion_size

        size = tuple(map(min, size, smallest_size(calibration)))  # the scales are those of every size
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", UserWarning)
            content = converted(loaded, calibration, "tflm", conversion_size(loaded, size), output=gives, **numbers)
    for warning in told:
        Console(stderr=True, soft_wrap=True).print(f"[bold yellow]Warning:[/] {_escaped(warning.message)}", highlight=False)
    return loaded, content


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
        with replacing(picture) as path:
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


@app.command()
def firmware(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="An integer .tflite file, or the name of a preset.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write; your own files in it stay.")
    ],
    name: Annotated[
        str | None, typer.Option(help="A C identifier: files and functions begin with it. By default made of SOURCE.")
    ] = None,
    schedule: Annotated[str, typer.Option(help="How it runs: auto (what takes less), rows or whole.")] = "auto",
    size: Annotated[str | None, typer.Option(metavar="HxW", help="Another size of the image than the file's.")] = None,
    ram: Annotated[
        str | None, typer.Option(metavar="BYTES", help="The fewest multiply-accumulates within so much, such as 256K.")
    ] = None,
    memories: Annotated[int, typer.Option(help="2: maps that are carried lie apart, in memory that may be slow.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
):
    """Write a network as plain C that compiles anywhere: the same bytes, no interpreter.

    The folder is written only after its C gave TFLM's bytes on six inputs. It needs a C compiler on this computer.
    """
    with _errors():
        from rich.progress import Progress

        from keras_unetmm.firmware.write import STEPS
        from keras_unetmm.tflite.source import firmware as written

        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("reading", total=STEPS.get(schedule))
            result = written(
                source,
                output,
                name,
                schedule,
                None if size is None else _parsed_size(size),
                None if ram is None else _parsed_bytes("ram", ram),
                memories,
                lambda what: progress.update(task, advance=1, description=what),
            )
        if as_json:
            typer.echo(json.dumps(result, indent=2))
            return
        from keras_unetmm.firmware.report import as_table

        Console(width=None if sys.stdout.isatty() else 100).print(as_table(str(output), result))
        Console().print(
            f"{output}: the bytes of TFLM on {len(result['proof']['inputs'])} inputs. Next: cmake -B build {output}, or "
            f"its README.md.",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="A full-integer .tflite file.")],
    target: Annotated[str, typer.Option(help="litert, tflm, coral, ethos-u55, ethos-u65 or ethos-u85.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    static: Annotated[bool, typer.Option("--static", help="Ask no compiler, even where one is installed.")] = False,
):
    """Say which operators of a .tflite file a target runs, and what to use instead of the others.

    Exit status 1: an operator cannot run there at all.
    """
    with _errors():
        from keras_unetmm.targets.targets import check as judged
        from keras_unetmm.targets.verdict_table import as_table

        with Console(stderr=True).status("checking"):
            verdict = judged(model, target, compile=not static)
        if as_json:
            typer.echo(json.dumps(verdict.as_json(), indent=2))
        else:
            Console().print(as_table(f"{model} on {target}", verdict))
            Console().print(verdict.note, highlight=False)
    if not verdict.runs:
        raise typer.Exit(1)


def _prove_and_write(model, found, result, output):
    """Writes the planned file once both have given the same bytes."""
    if found.planned is None or "why_not_measured" in result:
        why = result.get("why_not_planned") or result["why_not_measured"]
        raise ValueError(f"{output} is not written, for its outputs cannot be compared with those of {model}: {why}")
    from rich.progress import Progress

    from keras_unetmm.runtime.prove import INPUTS, prove

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("comparing on TFLM", total=len(INPUTS))
        prove(model, found.planned.content, lambda _: progress.advance(task))
    _write(output, found.planned.content)


def main():
    """Runs the command line."""
    app()


@contextlib.contextmanager
def _errors():
    """Turns what a user can mend into one message and exit status 2."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]Error:[/] {_escaped(error)}", highlight=False)
        raise typer.Exit(2) from None


def _escaped(error):
    from rich.markup import escape

    return escape(str(error))


@contextlib.contextmanager
def _quiet_backend():
    """Keeps from the terminal what backends write while they load."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_unetmm.conversion.quiet import captured

    with captured():
        yield


def _choose_backend(name):
    """Takes effect before keras is imported."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # else off on CPUs without AVX-512, where a step takes twice as long
    if name is None:
        return
    if name not in ("tensorflow", "jax", "torch"):
        raise ValueError(f"--backend must be tensorflow, jax or torch. Received: {name!r}.")
    if importlib.util.find_spec(name) is None:
        raise ValueError(f"--backend {name} is not installed. Run pip install keras-unetmm[{name}].")
    os.environ["KERAS_BACKEND"] = name


def _score_table(scores):
    table = Table()
    metrics = list(dict.fromkeys(metric for row in scores.values() for metric in row))
    for column in ("data", *metrics):
        table.add_column(column, justify="left" if column == "data" else "right")
    for name, row in scores.items():
        table.add_row(name, *(f"{row[metric]:.4f}" if metric in row else "" for metric in metrics))
    return table


def _load(path):
    """The saved model, whatever backend wrote it."""
    if not path.is_file():
        raise ValueError(f"MODEL.keras must be a file that model.save wrote. Received: {path}, which is not a file.")
    with _quiet_backend():
        import keras

        from keras_unetmm import layers, losses, metrics  # noqa: F401 - registers what saved models are made of
        from keras_unetmm.quantization import quantized_layers  # noqa: F401 - likewise

        try:
            return keras.models.load_model(path, compile=False)
        except Exception as error:  # keras raises anything for a damaged archive
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}. Save it anew with model.save.") from error


def _parsed_size(text):
    sizes = text.lower().split("x")
    if len(sizes) not in (2, 3) or not all(size.isdigit() and int(size) for size in sizes):
        raise ValueError(
            f"--size must be HEIGHTxWIDTH in pixels, such as 64x64, or DEPTHxHEIGHTxWIDTH of volumes. Received: {text!r}."
        )
    return tuple(map(int, sizes))


def _parsed_bytes(name, text):
    from keras_unetmm.planner.fits import parsed_bytes

    try:
        return parsed_bytes(text)
    except ValueError as error:
        raise ValueError(f"--{name} cannot be read: {error}") from None


def _parsed_tile(text):
    sides = text.lower().split("x")
    if len(sides) not in (1, 2) or not all(side.isdigit() and int(side) for side in sides):
        raise ValueError(f"--tile must be a number of pixels, such as 32, or HEIGHTxWIDTH. Received: {text!r}.")
    return (int(sides[0]), int(sides[-1]))


def _parsed_numbers(name, text):
    try:
        return None if text is None else [float(number) for number in text.split(",")]
    except ValueError:
        raise ValueError(f"--{name} must be a number, or one a channel with commas between. Received: {text!r}.") from None


def _refuse_missing_folder(path):
    if not path.parent.is_dir():
        raise ValueError(f"{path} must lie in a folder that exists. Received: {path.parent}, which does not. Make it first.")


def _write(path, content):
    with replacing(path) as temporary:
        Path(temporary).write_bytes(content)
