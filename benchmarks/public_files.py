"""Every public .tflite file at hand: what `check` says of it against what TFLM does, and the arena predicted and measured.

    python benchmarks/public_files.py FOLDER --rows rows.jsonl [--page docs/results/public-files.md] [--minutes 30]

For each file of the folder:

- the verdict of the tables alone (`check --static`), that of `check`, which also asks TFLM, and what TFLM does in a process
  that shares no code with either: prepare the file and run it on random bytes, on the least and on the greatest values.
  Files of more than 10^9 multiply-accumulates are prepared only.
- the head of the arena, predicted and measured, of the file as it is and planned; the lower bound of the planned order; and
  the seconds that `check` and the planner take.

A file is one row of `--rows`, by its bytes: a run that was stopped goes on where it stopped. The table shows what is there.
The status is 1 where `check` and TFLM disagree, or a prediction and what was measured.
"""

import argparse
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.operators.registry import macs
from keras_unetmm.planner.report import report
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file.graph import TFLiteFileError, read

MOST_MACS, SECONDS = 10**9, 300
COLUMNS = (
    "file",
    "operators",
    "tables",
    "check",
    "TFLM",
    "head",
    "measured",
    "planned",
    "measured",
    "bound",
    "check s",
    "plan s",
)
# what TFLM does, by its own Python package alone: a word on standard output, or an abort
TFLM = """
import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime
content = open(sys.argv[1], "rb").read()
for size in (2**24, 2**28, 2**29):
    try:
        interpreter = runtime.Interpreter.from_bytes(content, arena_size=size)
        break
    except RuntimeError as error:
        refused = error
else:
    sys.exit(f"refuses: {refused}")
shapes = []
while True:
    try:
        shapes.append(interpreter.get_input_details(len(shapes)))
    except (IndexError, ValueError):
        break
rng = np.random.default_rng(0)
for run in range(int(sys.argv[2])):
    for i, details in enumerate(shapes):
        kind, shape = np.dtype(details["dtype"]), tuple(details["shape"])
        if kind.kind == "f":
            low, high = -1, 1
        else:
            low, high = (0, 1) if kind.itemsize > 2 or kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
        value = (rng.uniform(low, high, shape), np.full(shape, low), np.full(shape, high))[run]
        interpreter.set_input(np.round(value).astype(kind) if kind.kind != "f" else value.astype(kind), i)
    interpreter.invoke()
print("runs" if int(sys.argv[2]) else "prepares")
"""


def main():
    """Adds the rows that are missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of .tflite files, looked through to its depths")
    parser.add_argument("--rows", type=Path, required=True, metavar="FILE.jsonl")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="write the table there as well")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no file after so many")
    options = parser.parse_args()
    files = {}
    for path in sorted(options.folder.rglob("*.tflite")):
        files.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    if not files:
        parser.error(f"FOLDER must hold .tflite files. Received: {options.folder}.")
    rows = (
        {row["sha256"]: row for row in map(json.loads, options.rows.read_text().splitlines())}
        if options.rows.exists()
        else {}
    )
    until = time.monotonic() + 60 * options.minutes
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=len(files))
        for digest, path in files.items():
            bar.update(task, description=path.stem[:40])
            if digest not in rows and time.monotonic() < until:
                rows[digest] = {"sha256": digest, "file": path.stem, **row_of(path)}
                with options.rows.open("a") as file:
                    file.write(json.dumps(rows[digest]) + "\n")
            bar.advance(task)
    shown = [rows[digest] for digest in files if digest in rows]
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table(shown))
    found = disagreements(shown)
    for line in [*summary(shown, len(files)), *found]:
        console.print(line, highlight=False, markup=False)
    if options.page:
        with atomic_write(options.page) as temporary:
            Path(temporary).write_text(page(shown, len(files)))
    sys.exit(bool(found))


def row_of(path):
    """What is found out about one file, as JSON can hold it."""
    content = path.read_bytes()
    try:
        graph = read(content).main
        runs = 3 if macs(graph) <= MOST_MACS else 0
        row = {"operators": len(graph.operators), "tables": said(check(content, "tflm", compile=False))}
        begin = time.monotonic()
        verdict = check(content, "tflm")
        row |= {"check": said(verdict), "check_seconds": time.monotonic() - begin}
        row["why"] = next((f"{one.name}: {one.why}" for one in verdict.operators if one.verdict != "supported"), "")
        row["tflm"], row["tflm_says"] = asked(path, runs)
    except TFLiteFileError as error:
        return {"check": "unreadable", "why": str(error), **dict(zip(("tflm", "tflm_says"), asked(path, 0), strict=True))}
    with contextlib.suppress(TFLiteFileError):
        begin = time.monotonic()
        plan = report(content)[1]
        row["plan_seconds"] = time.monotonic() - begin
        planned = plan["planned"] or {}
        row |= {"head": plan["as_is"]["greedy_head"], "measured": (plan["as_is"]["measured"] or {}).get("head")}
        row |= {"planned": planned.get("head"), "planned_measured": (planned.get("measured") or {}).get("head")}
        row |= {"bound": planned.get("bound"), "why_not_planned": plan.get("why_not_planned")}
    return row


def said(verdict):
    """A word for a `Verdict`."""
    return "runs" if verdict.runs else "does not"


def asked(path, runs):
    """What TFLM does with a file, in a word, and what it says."""
    try:
        command = [sys.executable, "-c", TFLM, str(path), str(runs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        return "hangs", ""
    if not done.returncode:
        return done.stdout.split()[-1], ""
    return "aborts" if done.returncode < 0 else "refuses", " ".join(done.stderr.split())[-300:]


def disagreements(rows):
    """A line for each file where two words, or two numbers, should be one."""
    found = []
    for row in rows:
        if row["check"] != "unreadable" and (row["check"] == "runs") != (row["tflm"] in ("runs", "prepares")):
            found.append(f"{row['file']}: check says {row['check']}, TFLM {row['tflm']}: {row['tflm_says']}")
        for predicted, measured in (("head", "measured"), ("planned", "planned_measured")):
            if row.get(measured) is not None and row[predicted] != row[measured]:
                found.append(f"{row['file']}: {predicted} {row[predicted]:,} predicted, {row[measured]:,} measured")
    return found


def summary(rows, files):
    """Lines of counts."""
    words = Counter(row["tflm"] for row in rows)
    measured = [row for row in rows if row.get("measured") is not None]
    planned = [row for row in measured if row.get("planned_measured") is not None]
    least = sum(row["planned"] == row["bound"] for row in planned)
    saved = sum(row["planned_measured"] < row["measured"] for row in planned)
    tables = [row for row in rows if "tables" in row]
    wrong = sum((row["tables"] == "runs") != (row["tflm"] in ("runs", "prepares")) for row in tables)
    seconds = sorted(row["plan_seconds"] for row in rows if "plan_seconds" in row) or [0]
    yield f"{len(rows)} of {files} files. TFLM: {', '.join(f'{word} {count}' for word, count in words.most_common())}."
    yield f"check and TFLM disagree on {sum(': check says' in line for line in disagreements(rows))} files."
    yield f"The tables alone, without TFLM (check --static), are wrong on {wrong} of {len(tables)} files."
    for name, known, predicted, found in (
        ("as it is", measured, "head", "measured"),
        ("planned", planned, "planned", "planned_measured"),
    ):
        exact = sum(row[predicted] == row[found] for row in known)
        yield f"Head {name}: {exact} of {len(known)} predicted to the byte."
    yield f"{least} of {len(planned)} plans are at the lower bound of their order; {saved} need less than the file as it is."
    yield f"Planning and measuring takes {seconds[len(seconds) // 2]:.1f} s in the median, {seconds[-1]:.0f} s at most."


def cells(row):
    """A file's cells, as text."""
    numbers = [row.get(key) for key in ("head", "measured", "planned", "planned_measured", "bound")]
    seconds = [row.get(key) for key in ("check_seconds", "plan_seconds")]
    words = [row["file"], str(row.get("operators", "-")), row.get("tables", "-"), row["check"], row["tflm"]]
    numbers = ["-" if number is None else f"{number:,}" for number in numbers]
    return [*words, *numbers, *("-" if time_ is None else f"{time_:.1f}" for time_ in seconds)]


def table(rows):
    """The rows as a rich table."""
    made = Table(title="Public .tflite files on TFLM: bytes of arena head", title_justify="left")
    for i, name in enumerate(COLUMNS):
        made.add_column(name, justify="left" if i in (0, 2, 3, 4) else "right", overflow="fold")
    for row in rows:
        made.add_row(*cells(row))
    return made


def page(rows, files):
    """The page: counts, why TFLM does not run what it does not, and every file."""
    whys = Counter(row["why"] or row["tflm_says"] for row in rows if row["check"] != "runs")
    lines = [
        "# Public .tflite files on TFLM",
        "",
        "By `benchmarks/public_files.py FOLDER`. The files are other people's and are not",
        "in the repository.",
        "",
    ]
    lines += [f"- {line}" for line in [*summary(rows, files), *disagreements(rows)]]
    lines += ["", "## What does not run, and why", "", "| files | first operator that does not run |", "|---:|---|"]
    lines += [f"| {count} | {' '.join(why.replace('|', '/').split())} |" for why, count in whys.most_common()]
    lines += ["", "## Every file", "", "Bytes of arena head.", "", f"| {' | '.join(COLUMNS)} |"]
    lines.append(f"|{'|'.join('---' if i in (0, 2, 3, 4) else '---:' for i in range(len(COLUMNS)))}|")
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
