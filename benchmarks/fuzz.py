"""Damaged files by the thousand: through the readers of files and programs, and through the commands.

Every mutant has a number, and what became of it is a line of a file; a run that was stopped goes on where it stopped. A
mutant may take 10 seconds of CPU time and 1 GiB; a crash, a hang, or an error that is not ours is a fault, and the mutant is
kept beside the file.

    python benchmarks/fuzz.py --readers 100000 --commands 5000 --out fuzz.jsonl
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHUNK = {"readers": 1000, "commands": 50}  # mutants in one process


def done(out):
    """The rows of the file so far."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def run(kind, count, out):
    """Runs the mutants of a kind that the file does not hold yet."""
    begin = 1 + max((row[1] for row in done(out) if row[0] == kind), default=-1)
    while begin < count:
        end = min(begin + CHUNK[kind], count)
        code = f"from fuzzing import fuzz; fuzz.work({kind!r}, {begin}, {end}, {str(out.parent)!r})"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
        lines = process.stdout.splitlines()
        if process.returncode:
            fault = f"crash, status {process.returncode}: {process.stderr[-500:]}"
            lines.append(json.dumps([kind, begin + len(lines), "?", fault, 0]))
        with out.open("a") as file:
            file.writelines(line + "\n" for line in lines)
        begin += len(lines)
        print(f"{kind}: {begin:,} of {count:,}", file=sys.stderr, flush=True)


def main():
    """Runs what is asked for and prints the counts of everything in the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--commands", type=int, default=5_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for kind in CHUNK:
        run(kind, getattr(options, kind), options.out.resolve())
    rows = done(options.out)
    counts = Counter((row[2], row[3] if row[3] in ("answered", "refused") else "FAULT") for row in rows)
    for (ask, outcome), count in sorted(counts.items()):
        print(f"{ask:15} {outcome:10} {count:8,}")
    print(f"longest: {max((row[4] for row in rows), default=0)} s of CPU time")
    sys.exit(any(outcome == "FAULT" for _, outcome in counts))


if __name__ == "__main__":
    main()
