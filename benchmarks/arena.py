"""What the arena compiler makes of .tflite files, beside stock TFLM and beside Vela.

For every file: the arena of the file as it is, and of the file planned for each library of kernels, as TFLM measures them
("head": what tensors and scratch share over time; "in all": with the tail, which this interpreter's 64-bit pointers make
larger than a microcontroller's). The lower bounds are proven, not measured: in that order, no placement needs less; in any
order, no order of those operators does. The file as it is may neither be reordered nor overlap anything, hence its own.

Vela's number is `sram_memory_used` of its summary for Ethos-U55-128, and is not the same thing as the others. It is what
its own graph needs: most operators are rewritten, cut into stripes that run in cascades, and run by the NPU, not by
TFLM's kernels on the CPU. It says what a compiler achieves that owns the kernels as well; a Cortex-M alone cannot run its
file, and its outputs are not compared here. Where the NPU does not take every operator, the summary can leave out what
the others need (scratch): then it is not set against the head, and what its file needs in all stands below. Each file
is compiled in the four ways of `WAYS`, and the smallest number stands: `--optimise Size` is least for most files, for the
others an older compiler or a tiny target by a little. (Its default, Performance, takes up to 2.4 times as much; memory
modes, system configurations and allocators gave nothing smaller on seven files.) Vela is sought on the PATH and as the
module `ethosu.vela`; it comes with the extra `[ethosu]`, or in an environment of its own.

Without arguments: NAFNets `mcu_width16`, as the row is (with its input skip), for 64x64 images, with each kind of skips and
of norm, and random weights; and the wide networks of `benchmarks/wide_networks.py`, which `--wide` alone makes.

    python benchmarks/arena.py [FILE.tflite | FOLDER ...] [--wide] [--json FIGURES.json]
"""

import argparse
import contextlib
import csv
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from keras_unetmm.conversion.quiet import captured
from keras_unetmm.planner.plan import as_it_is
from keras_unetmm.planner.report import report

KERNELS = ("reference", "any", "cmsis-nn")
NETWORKS = [(skips, norm) for norm in ("layer", "batch") for skips in ("full", "none", "unet--")]
VELA = ["--accelerator-config", "ethos-u55-128"]
SIZE = 64  # pixels, of the images that the made networks take
WAYS = {  # of Vela's, by what they are called in the figures
    "size": ["--optimise", "Size"],
    "tiny target": ["--optimise", "Performance", "--arena-cache-size", "1024"],
    "legacy, size": ["--debug-force-legacy-core", "--optimise", "Size"],
    "legacy, tiny target": ["--debug-force-legacy-core", "--optimise", "Performance", "--arena-cache-size", "1024"],
}
WIDTH = 140  # characters, where nobody's terminal says


def main():
    """Plans, measures and compiles every file, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=".tflite files, or folders of them")
    parser.add_argument("--wide", action="store_true", help="make the networks of parallel branches only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    files = [file for path in arguments.files for file in (sorted(path.glob("*.tflite")) if path.is_dir() else [path])]
    missing = [str(file) for file in files if not file.is_file()]
    if missing or (arguments.files and not files):
        parser.error(f"no such file, or no .tflite file in that folder: {', '.join(missing or map(str, arguments.files))}")

    with tempfile.TemporaryDirectory() as folder, Progress(*_columns(), console=Console(stderr=True), transient=True) as bar:
        files = files or made(Path(folder), bar, arguments.wide)
        task = bar.add_task("", total=1 + len(files) * (len(KERNELS) + 1))

        def step(what):
            bar.update(task, description=what, advance=1)

        figures = [figures_of(file, step) for file in files]
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    console.print(as_table(figures))
    for line in remarks(figures):
        console.print(line, highlight=False, markup=False)


def _columns():
    return (*Progress.get_default_columns()[:-1], TimeElapsedColumn())


def made(folder, bar, wide):
    """Converts the networks of `NETWORKS`, unless only wide ones are asked for, and the wide ones; returns their paths."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with captured():
        import keras
        import numpy as np

        sys.path.insert(0, str(Path(__file__).parent.parent))
        from benchmarks.wide_networks import WIDE
        from keras_unetmm import tflite

    makers = {} if wide else {f"NAFNet {norm} norm, skips {skips}": partial(nafnet, skips, norm) for skips, norm in NETWORKS}
    makers |= WIDE
    paths, task = [], bar.add_task("", total=len(makers))
    for name, make in makers.items():
        bar.update(task, description=f"converting {name}")
        rng = np.random.default_rng(0)
        keras.utils.set_random_seed(0)
        model = make()
        for weight in model.weights:  # as initialised, they would multiply by 0 and 1 and be converted to nothing
            if re.search("beta|gamma|scale", weight.path):
                weight.assign_add(rng.normal(0, 0.3, weight.shape).astype("float32"))
        paths.append(folder / f"{name}.tflite")
        paths[-1].write_bytes(tflite.convert(model, rng.random((16, *model.inputs[0].shape[1:]), "float32")))
        bar.advance(task)
    bar.remove_task(task)
    return paths


def nafnet(skips, norm):
    """One of `NETWORKS`."""
    from keras_unetmm import models

    return models.NAFNet("mcu_width16", skips=skips, norm=norm, input_shape=(SIZE, SIZE, 3))


def figures_of(file, step):
    """What is found out about one file, as JSON can hold it."""
    result = {"file": file.stem, "kernels": {}}
    for kernels in KERNELS:
        step(f"{file.stem}: planning for kernels {kernels}")
        try:
            result["kernels"][kernels] = report(file, kernels)[1]
        except ValueError as error:  # damaged, or no interpreter to be had
            result["why_not"] = str(error)
    step(f"{file.stem}: Vela")
    result["vela"] = vela(file)
    return result


def vela(file):
    """What Vela needs for a file, compiled in the best of `WAYS`; `why_not` where it gives no number."""
    found = shutil.which("vela")
    command = [found] if found else importlib.util.find_spec("ethosu") and [sys.executable, "-m", "ethosu.vela"]
    if not command:
        return {"why_not": "Vela is not installed: pip install ethos-u-vela"}
    compiled = {way: _compiled([*command, str(file.resolve()), *VELA, *options]) for way, options in WAYS.items()}
    taken = [{"way": way, **figures} for way, figures in compiled.items() if "sram" in figures]
    return min(taken, key=lambda figures: figures["sram"]) if taken else compiled["size"]


def _compiled(command):
    """What one run of Vela gives: bytes of SRAM, and what its file needs by the offsets that it wrote into it."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        try:
            done = subprocess.run(
                [*command, "--output-dir", folder], cwd=folder, capture_output=True, text=True, check=False, timeout=600
            )
        except subprocess.TimeoutExpired:
            return {"why_not": "Vela was not done after 600 seconds"}
        seconds = time.monotonic() - begin
        tables, outputs = (list(Path(folder).glob(name)) for name in ("*_summary_*.csv", "*_vela.tflite"))
        if done.returncode or not tables:
            said = (done.stdout + done.stderr).strip().splitlines() or ["nothing was said"]
            return {"why_not": f"Vela refuses it: {said[-1].strip('. ')}"}
        on = {kind: int(count) for kind, count in re.findall(r"(CPU|NPU) operators = (\d+)", done.stdout)}
        if not on.get("NPU"):
            return {"why_not": "Vela leaves every operator to the CPU"}
        with tables[0].open(newline="") as table:
            sram = round(float(next(csv.DictReader(table))["sram_memory_used"]) * 1024)
        needs = sram
        with contextlib.suppress(ValueError, IndexError):  # a file that only Vela's own runtime understands
            needs = as_it_is(outputs[0]).greedy_head
    return {"sram": sram, "file_needs": needs, "operators_on": on, "seconds": round(seconds, 2)}


def as_table(figures):
    """The table: for each file a line as it is, one planned for each library of kernels, and one of Vela's."""
    table = Table(title="Arena in bytes, measured on TFLM; for Vela the SRAM that it foretells", title_justify="left")
    table.add_column("file", max_width=34, overflow="fold")
    for column in ("", "operators", "head", "against\nas it is", "lower bound,\nthis order", "any\norder", "in all"):
        table.add_column(column, justify="right" if column else "left")
    table.add_column("seconds", justify="right")
    for each in figures:
        rows = list(_rows(each))
        for i, row in enumerate(rows):
            table.add_row("" if i else escape(each["file"]), *row, end_section=i == len(rows) - 1)
    return table


def _rows(each):
    plans = each["kernels"]
    as_is = next(iter(plans.values()), {}).get("as_is", {})
    stock = as_is.get("measured") or {}
    operators = next((str(plan["operators"]) for plan in plans.values()), "-")
    head = _head(stock.get("head"), as_is.get("greedy_head"))
    yield "as it is", operators, head, "", _bytes(as_is.get("order_bound")), "", _bytes(stock.get("total")), ""
    for kernels, plan in plans.items():
        planned = plan["planned"] or {}
        measured = planned.get("measured") or {}
        yield (
            f"planned, {kernels}",
            str(planned.get("operators", "-")),
            _head(measured.get("head"), planned.get("head")),
            _against(measured.get("head"), stock.get("head")),
            _bytes(planned.get("bound")),
            _bytes(planned.get("order_bound")),
            _bytes(measured.get("total")),
            f"{planned['seconds']:.1f}" if planned else "-",
        )
    found = each["vela"]
    if "sram" not in found:
        yield "Vela, Ethos-U55", *"---", "", "", "", "-"
        return
    against = _against(found["sram"], stock.get("head")) if found["file_needs"] <= found["sram"] else "-"
    operators = str(sum(found["operators_on"].values()))
    yield "Vela, Ethos-U55", operators, _bytes(found["sram"]), against, "", "", "", f"{found['seconds']:.1f}"


def _bytes(count):
    return "-" if count is None else f"{count:,}"


def _head(measured, predicted):
    """What was measured; what was predicted beside it only where it is not the same."""
    return (
        _bytes(measured) if measured is None or measured == predicted else f"{measured:,} [red](predicted {predicted:,})[/]"
    )


def _against(count, stock):
    return "-" if count is None or not stock else f"{100 * (count / stock - 1):+.1f} %"


def remarks(figures):
    """Lines to stand below the table: why a figure is missing, and every planned head that is not what it should be."""
    reasons, faults, plans, open_orders = defaultdict(list), [], 0, 0
    for each in figures:
        for reason in dict.fromkeys(_reasons(each)):
            reasons[reason].append(each["file"])
        for kernels, plan in each["kernels"].items():
            faults += [f"{each['file']}, kernels {kernels}: {fault}" for fault in _faults(plan)]
            planned = plan["planned"] or {}
            plans += bool(planned)
            open_orders += bool(planned) and (planned["order_bound"] is None or planned["bound"] > planned["order_bound"])
    yield from (f"{'; '.join(files)}: {reason}" for reason, files in reasons.items())
    yield from faults
    if plans and not faults:
        yield f"{plans} plans: every head is at its lower bound, as predicted, and not above that of the file as it is."
    if open_orders:
        yield f"{open_orders} of {plans} plans: another order might need less, down to its bound where that is known."


def _reasons(each):
    if "why_not" in each:
        yield each["why_not"]
    for plan in each["kernels"].values():
        yield from (plan[key] for key in ("why_not_measured", "why_not_planned") if key in plan)
    found = each["vela"]
    if "why_not" in found:
        yield found["why_not"] + "."
        return
    if found["operators_on"]["CPU"]:
        yield f"Vela leaves {found['operators_on']['CPU']} operators to the CPU."
    if found["file_needs"] > found["sram"]:
        yield f"Vela's file needs {found['file_needs']:,} bytes, more than its summary says."


def _faults(plan):
    as_is, planned = plan["as_is"], plan["planned"] or {}
    stock, measured = as_is["measured"] or {}, planned.get("measured") or {}
    if stock and stock["head"] != as_is["greedy_head"]:
        yield f"head as it is {stock['head']:,}, predicted {as_is['greedy_head']:,}"
    if not planned:
        return
    head = measured.get("head", planned["head"])
    if measured and head != planned["head"]:
        yield f"planned head {head:,}, predicted {planned['head']:,}"
    if head > planned["bound"]:
        yield f"planned head {head:,} above its lower bound {planned['bound']:,}"
    if head > stock.get("head", as_is["greedy_head"]):
        yield f"planned head {head:,} above {stock.get('head', as_is['greedy_head']):,} of the file as it is"
    if measured and stock and measured["total"] > stock["total"]:
        yield f"planned arena in all {measured['total']:,} above {stock['total']:,} of the file as it is"


if __name__ == "__main__":
    main()
