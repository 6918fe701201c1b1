"""Damaged files by the thousand: through the readers of files and programs, and through the commands.

Every mutant has a number, and what became of it is a line of a file; a run that was stopped goes on where it stopped. A
mutant may take 10 seconds of CPU time and 1 GiB; a crash, a hang, or an error that is not ours is a fault, and the mutant is
kept beside the file.

    python benchmarks/fuzz.py --readers 100000 --commands 5000 --compare 5000 --out fuzz.jsonl

`--compare` needs TensorFlow, as the backend and as the converter.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHUNK = {"readers": 1000, "commands": 50, "compare": 100}  # mutants in one process


def done(out):
    """The rows of the file so far."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def begins(out, kind, mutants):
    """The number of the first mutant of a kind that is not in the file yet."""
    return max((row[1] + 1 for row in done(out) if row[0] == kind), default=mutants.start)


def run(kind, begin, end, out):
    """Runs the mutants from `begin` to `end` in one process, and returns where to go on: after a crash, at the next one."""
    code = f"from fuzzing import fuzz; fuzz.work({kind!r}, {begin}, {end}, {str(out.parent)!r})"
    environment = {
        "KERAS_BACKEND": "tensorflow",
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    lines = process.stdout.splitlines()
    if process.returncode:
        fault = f"crash, status {process.returncode}: {process.stderr[-500:]}"
        lines.append(json.dumps([kind, begin + len(lines), "?", fault, 0]))
    with out.open("a") as file:
        file.writelines(line + "\n" for line in lines)
    return begin + len(lines)


def numbers(text):
    """Returns the numbers that `30000:100000`, or `100000` from 0 on, stand for."""
    first, _, last = text.rpartition(":")
    return range(int(first or 0), int(last))


def main():
    """Runs what is asked for, the kinds by turns, and prints the counts of everything in the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=numbers, default="100000", metavar="[FROM:]TO", help="numbers of the mutants")
    parser.add_argument("--commands", type=numbers, default="5000", metavar="[FROM:]TO", help="the same of the commands")
    parser.add_argument("--compare", type=numbers, default="0", metavar="[FROM:]TO", help="the same of compare")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing after so many minutes")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    out, until = options.out.resolve(), time.monotonic() + 60 * options.minutes
    out.parent.mkdir(parents=True, exist_ok=True)
    wanted = {kind: getattr(options, kind) for kind in CHUNK}
    at = {kind: begins(out, kind, mutants) for kind, mutants in wanted.items()}
    while left := [kind for kind, mutants in wanted.items() if at[kind] < mutants.stop]:
        for kind in left:
            if time.monotonic() < until:
                at[kind] = run(kind, at[kind], min(at[kind] + CHUNK[kind], wanted[kind].stop), out)
                print(f"{kind}: {at[kind]:,} of {wanted[kind].stop:,}", file=sys.stderr, flush=True)
        if time.monotonic() >= until:
            break
    summary(done(out))


def summary(rows):
    """Prints how many mutants each command answered, refused or failed on; the status is 1 where one failed."""
    counts = Counter((row[2], row[3] if row[3] in ("answered", "refused") else "FAULT") for row in rows)
    for (ask, outcome), count in sorted(counts.items()):
        print(f"{ask:15} {outcome:10} {count:8,}")
    print(f"longest: {max((row[4] for row in rows), default=0)} s of CPU time")
    sys.exit(any(outcome == "FAULT" for _, outcome in counts))


if __name__ == "__main__":
    main()
