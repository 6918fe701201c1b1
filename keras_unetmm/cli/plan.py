# SPDX-License-Identifier: Apache-2.0
"""`unetmm plan`: what a file needs of the arena, and the plan that needs less."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.cli.arguments import parsed_bytes, validate_folder_exists
from keras_unetmm.cli.errors import errors
from keras_unetmm.cli.files import write

_COMPARED = {
    "tflm": "the same outputs on TFLM, byte for byte.",
    "litert-reference": "the same outputs on LiteRT's reference kernels, byte for byte. TFLM is not installed here, so the "
    "plan's places were not tried: the verifier alone has checked them.",
}


def plan(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Any .tflite file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.tflite", help="Write the planned file.")
    ] = None,
    kernels: Annotated[
        str,
        typer.Option(
            help="Kernels the plan is safe for: any (reference and CMSIS-NN without Helium), reference, cmsis-nn, "
            "cmsis-nn-helium (Cortex-M55 and M85), or none (nothing overlaps, for kernels such as ESP-NN)."
        ),
    ] = "any",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw live bytes and arena to an .svg or .png.")
    ] = None,
    arena: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES",
            help="Say whether the planned file fits there, such as 256K; status 2 if not, or if TFLM does not run it.",
        ),
    ] = None,
    predict: Annotated[
        bool, typer.Option(help="Predict the instructions of one image on the engine, in 60 seconds at most.")
    ] = True,
) -> None:
    """Say what a .tflite file needs of the arena, and plan it to need less: same outputs, byte for byte."""
    with errors():
        for path in (output, picture):
            if path is not None:
                validate_folder_exists(path)
        if output is not None and output.suffix != ".tflite":
            raise ValueError(f"--output must end in .tflite. Received: {output}.")
        from keras_unetmm.firmware.prediction import Prediction
        from keras_unetmm.planner import fits
        from keras_unetmm.planner.report import as_table, report
        from keras_unetmm.targets.planned import judge

        given = None if arena is None else _parsed_arena(arena, as_json)
        with Prediction(model) if predict else nullcontext() as prediction:
            found, result = report(model, kernels)
            judge(model, found, result)
            if prediction is not None:
                result["engine"] = prediction.result()
        if given is not None:
            result["arena"] = fits.fitted(model, found, result, given)
        unfit = given is not None and not result["arena"]["fits"]
        if unfit:
            result["advice"] = _advice(model, found, result, given, kernels)
        if output is not None and not unfit:
            result["compared_on"] = _compare_and_write(model, found, result, output)
        if picture is not None:
            from keras_unetmm.planner.picture import draw

            with atomic_write(picture) as temporary:
                draw(found, temporary, title=model.name)
        if as_json:
            typer.echo(json.dumps(result, indent=2))
        else:
            _print_plan(as_table(str(model), result), result, None if unfit else output)
        if unfit:
            raise ValueError(_unfit(model, arena, result))


def _unfit(model, arena, result):
    """Why a file does not fit, and what does, as an error says it."""
    fit, fitting = result["arena"], _fitting(result["advice"])
    if not fit["runs"]:
        from keras_unetmm.targets.planned import refusals_said

        why = " ".join(refusals_said(result["why_not_run"]))
        return f"{model} does not run on TFLM, so it does not fit. {why} {fitting}".strip()
    from keras_unetmm.planner.fits import said

    judged = "planned" if fit["judged"] == "planned" else "as it is, for it cannot be planned"
    fitting = fitting or "Choose a smaller input size or a narrower network."
    return (
        f"--arena {arena} is too small for {model}, {judged}: {said(fit)}. It takes here {fit['needed']:,} bytes. {fitting}"
    )


def _print_plan(table, result, output):
    """The table, what could not be done, and how it fits."""
    Console().print(table)
    if "why_not_run" in result:
        from keras_unetmm.targets.planned import refusals_said

        Console().print("TFLM does not run this file:", highlight=False)
        for line in refusals_said(result["why_not_run"]):
            Console().print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    for key, what in (("why_not_planned", "Not planned"), ("why_not_measured", "Not measured")):
        if key in result:
            Console().print(f"{what}: {result[key]}", highlight=False)
    for key in ("open_sizes", "entry_points"):
        if key in result:
            Console().print(result[key], highlight=False, markup=False, soft_wrap=True)
    if "engine" in result:
        for line in _on_the_engine(result["engine"]):
            Console().print(line, highlight=False, soft_wrap=True)
    if "arena" in result:
        from keras_unetmm.planner.fits import said

        Console().print(f"arena of {result['arena']['arena']:,} bytes: {said(result['arena'])}", highlight=False)
    if "advice" in result:
        from keras_unetmm.advice.text import as_lines

        Console().print("\nWhat would need less:")
        for line in as_lines(result["advice"]):
            Console().print(line, highlight=False, markup=False, soft_wrap=True)
    if output is not None:
        Console().print(f"{output}: {_COMPARED[result['compared_on']]}", highlight=False, soft_wrap=True)


def _on_the_engine(found):
    """One image on the engine, as lines."""
    if "why" in found:
        yield f"Instructions of one image on the engine (unetmm firmware) are not predicted: {found['why']}"
        return
    how = {"rows": "row by row", "whole": "by whole maps"}[found["schedule"]]
    yield f"On the engine (unetmm firmware) one image runs {how} in {found['ram_bytes']:,} bytes. Instructions, predicted:"
    for core, said in found["predicted"].items():
        time = said["estimate"]
        lacking = f"; kernels not measured: {', '.join(said['unmeasured'])}" if said["unmeasured"] else ""
        at = f"{time['clock_mhz']} MHz and {time['instructions_per_cycle']} instructions a cycle{lacking}"
        took = f"{said['instructions']:,}, about {_short(time['milliseconds'])} ms"
        yield f"  {core.replace('cortex-m', 'Cortex-M')}: {took} at {at}"


def _short(number):
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _parsed_arena(arena, as_json):
    """The bytes of `--arena`; what cannot be read is said as JSON, too, where that is asked for."""
    try:
        return parsed_bytes("arena", arena)
    except ValueError as error:
        if as_json:
            typer.echo(json.dumps({"error": str(error)}, indent=2))
        raise


def _advice(model, found, result, arena, kernels):
    """What would fit, as JSON can hold it."""
    from keras_unetmm.advice.advice import advice

    fit, head = result["arena"], found.greedy_head if found.planned is None else found.planned.head
    with Console(stderr=True).status("looking for what fits") as status:
        options = advice(
            model.read_bytes(),
            str(model),
            found,
            arena,
            max(fit["needed"] - head, 0),
            kernels,
            progress=status.update,
            runs=fit["runs"],
        )
    return [option.as_json() for option in options]


def _fitting(options):
    """The error's last sentence, with the command of the first option that fits; empty if none does."""
    command = next((option["command"] for option in options if option["fits"] and option["command"]), None)
    return f"This fits: {command}" if command else ""


def _compare_and_write(model, found, result, output):
    """Writes the planned file once both have given the same bytes, and returns the runtime that gave them."""
    from keras_unetmm.runtime.cross_check import INPUTS, cross_check, reference_runtime

    runtime = reference_runtime()
    if found.planned is None or (runtime == "tflm" and "why_not_measured" in result):
        why = result.get("why_not_planned") or result["why_not_measured"]
        raise ValueError(f"{output} is not written, for its outputs cannot be compared with those of {model}: {why}")
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"comparing on {runtime}", total=len(INPUTS))
        cross_check(model, found.planned.content, lambda _: progress.advance(task), runtime)
    write(output, found.planned.content)
    return runtime
