"""The presets on accelerators: what `unetmm convert --target coral` and `unetmm firmware --board ethos-u55-128` give.

    python benchmarks/accelerators.py [--builds DIR]

Both take the preset's own file, with convolutions in place of pixel shuffles. For Coral it is judged, by edgetpu_compiler
where that is installed; --builds keeps the files. For Ethos-U Vela compiles it. docs/results/accelerators.md is written.
"""

import argparse
import sys
from pathlib import Path
from textwrap import shorten

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

from keras_unetmm.presets.fetch import file_of  # noqa: E402
from keras_unetmm.presets.retarget import retargeted  # noqa: E402
from keras_unetmm.presets.store import names  # noqa: E402
from keras_unetmm.targets.shuffles import without_shuffles  # noqa: E402
from keras_unetmm.targets.targets import check  # noqa: E402
from keras_unetmm.targets.vela_stream import streamed  # noqa: E402
from keras_unetmm.targets.verdict import CPU, SUPPORTED, CompilerError  # noqa: E402
from keras_unetmm.tflite_file.graph import read  # noqa: E402

PAGE = ROOT / "docs" / "results" / "accelerators.md"
MEASURED = 1000  # operators, as in keras_unetmm/presets/release.py: volumes have more, and Vela takes minutes
NPU, MODE = "ethos-u55-128", "Shared_Sram"


def main():
    """Measures, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--builds", type=Path, help="folder for the files for Coral")
    arguments = parser.parse_args()
    corals = {name: coral(name, arguments.builds) for name in names()}
    PAGE.write_text(page(corals, {name: ethos(name) for name in names()}))


def coral(name, builds):
    """The row of a preset on Coral: a dict, with `refused` if its file cannot be taken."""
    try:
        content, verdict, shuffles = retargeted(name, "coral")
    except ValueError as error:
        return {"refused": str(error).partition("Received: ")[2].partition(". Give")[0]}
    if builds is not None:
        (builds / f"{name}.tflite").write_bytes(content)
    left = [operator for operator in verdict.operators if operator.verdict != SUPPORTED]
    first = f"operator {left[0].index}, {left[0].name}: {left[0].why}" if left else "-"
    counts = {said: verdict.count(said) for said in (SUPPORTED, CPU)}
    return {"bytes": len(content), "shuffles": shuffles, "first": first, "compiled": verdict.compiled, **counts}


def ethos(name):
    """What becomes of a preset's file on an Ethos-U, as JSON can hold it."""
    content, shuffles = without_shuffles(file_of(name).read_bytes())
    if len(read(content).main.operators) > MEASURED:
        return {"refused": f"a volume of {len(read(content).main.operators):,} operators: not asked"}
    try:
        made = streamed(content, NPU, MODE)
    except CompilerError as error:
        left = [each for each in check(content, "ethos-u55").operators if each.verdict != SUPPORTED]
        first = f"left to the processor: {len(left)}, first {left[0].name}: {left[0].why}" if left else str(error)
        return {"refused": first}
    sizes = {"arena": made.arena, "weights": len(made.weights), "commands": len(made.commands)}
    return {**sizes, "operators": made.summary["npu_operators"], "cycles": made.summary["cycles"], "shuffles": shuffles}


def page(corals, ethoses):
    """The page of all rows, in Markdown."""
    compiled = all(row.get("compiled", True) for row in corals.values())
    how = "by `edgetpu_compiler`" if compiled else "by rules from documentation and users' reports: **not compiled**"
    return f"""# Presets on accelerators

`python benchmarks/accelerators.py` writes this page. Both commands take the preset's own int8 file, with convolutions in
place of its pixel shuffles: the same bytes come out.

## Coral Edge TPU

What `unetmm convert NAME --target coral -o FILE.tflite` gives, and what `unetmm check --target coral` says of it, {how}.

| preset | file, bytes | shuffles replaced | operators on the Edge TPU | on the processor | the first that is not |
|---|---|---|---|---|---|
{"".join(_coral(name, row) for name, row in corals.items())}
## Arm Ethos-U55 with 128 multiply-accumulates

What `unetmm firmware NAME --board {NPU} -o DIR` gives: Vela's {MODE}, with nothing left to the processor. Vela
foretells the cycles; weights are compressed.

| preset | operators by Vela | shuffles replaced | arena, B | weights, B | commands, B | cycles | at 500 MHz |
|---|---|---|---|---|---|---|---|
{"".join(_ethos(name, row) for name, row in ethoses.items())}"""


def _coral(name, row):
    if "refused" in row:
        return f"| `{name}` | refused, with `--calibration` it is converted from floats: {row['refused']} | | | | |\n"
    shown = [row["bytes"], row["shuffles"], row[SUPPORTED], row[CPU]]
    return f"| `{name}` | {' | '.join(f'{value:,}' for value in shown)} | {row['first']} |\n"


def _ethos(name, row):
    if "refused" in row:
        return f"| `{name}` | {shorten(row['refused'], 120)} | | | | | | |\n"
    shown = [row[key] for key in ("operators", "shuffles", "arena", "weights", "commands", "cycles")]
    return f"| `{name}` | {' | '.join(f'{value:,}' for value in shown)} | {row['cycles'] / 500e3:,.1f} ms |\n"


if __name__ == "__main__":
    main()
