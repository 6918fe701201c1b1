"""A few numbered mutants, always the same: none crashes, hangs, fills the memory or ends with an error that is not ours."""

import json
import os
import subprocess
import sys

import pytest
from fuzzing import fuzz


@pytest.mark.parametrize(("kind", "count"), [("readers", 600), ("commands", 24)])
def test_mutants_are_answered_or_refused(kind, count, tmp_path):
    validate_some(kind, count, tmp_path)


def validate_some(kind, count, tmp_path):
    """Some mutants of a kind, in a process of their own: each is answered or refused, and both occur."""
    code = f"from fuzzing import fuzz; fuzz.work({kind!r}, 0, {count}, {str(tmp_path)!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    rows = [json.loads(line) for line in process.stdout.splitlines()]
    assert [row[1] for row in rows] == list(range(count))
    wrong = [row for row in rows if row[3] not in ("refused", "answered")]
    assert not wrong, f"kept in {tmp_path}: {wrong[:3]}"
    assert {"refused", "answered"} == {row[3] for row in rows}


def test_a_mutant_is_the_same_whenever_it_is_made():
    for kind in map(fuzz.KINDS.get, fuzz.WITHOUT_BACKEND):
        (first, ask), (second, again) = kind(17), kind(17)
        assert first == second
        assert ask is again
    assert len({fuzz.reader_mutant(number)[0] for number in range(30)}) > 25
