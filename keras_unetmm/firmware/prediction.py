# SPDX-License-Identifier: Apache-2.0
"""How many instructions one image takes on the engine, predicted from its schedule: no C is written, compiled or compared.

The schedule is the one that `unetmm firmware` chooses by default, so the figures are the same. A search can take long:
`Prediction` runs it in a process of its own, and ends that at a limit.
"""

import json
import subprocess
import sys
import tempfile
import time

from keras_unetmm.engine.cost import predicted
from keras_unetmm.engine.figures import operators_of
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.firmware.write import Wanted, candidates, scheduled
from keras_unetmm.interpreters.runtime import RunError
from keras_unetmm.tflite_file.entry_points import validate_one_entry_point
from keras_unetmm.tflite_file.graph import load
from keras_unetmm.types import FileLike, JsonObject

SECONDS = 60  # of the clock, in which a schedule must be found
MOST_PIXELS = 2**24  # that all operators together walk over: the search takes time and memory by them
_CHILD = "import sys; sys.path[:] = {path!r}; from keras_unetmm.firmware.prediction import answer; answer()"


def prediction(content: bytes, seconds: float = 4.0) -> JsonObject:
    """Returns what one image takes by the schedule that `unetmm firmware` chooses.

    Args:
        content: bytes of an integer .tflite file.
        seconds: float, CPU time for each of the planner's searches.

    Returns:
        dict of `schedule`, `"rows"` or `"whole"`; `ram_bytes`; `macs_ratio`, multiply-accumulates for one of the file's; and
        `predicted`, as `keras_unetmm.engine.cost.predicted` gives it.

    Raises:
        ValueError: if an operator has no kernel, the maps have more than `MOST_PIXELS` pixels, or the file is damaged.
        RunError: if the interpreter that makes tables fails.
    """
    validate_one_entry_point(content)
    networks = candidates(integer_io(content), seconds=seconds)
    pixels = sum(op.pixels for op in networks[0].network.operators)
    if pixels > MOST_PIXELS:
        raise ValueError(
            f"maps must have {MOST_PIXELS:,} pixels together at most, for a schedule to be looked for here. Received: "
            f"{pixels:,}. unetmm firmware has no such limit."
        )
    made, _ = scheduled(networks, Wanted())
    return {
        "schedule": made.name,
        "ram_bytes": int(made.layout.total),
        "macs_ratio": float(made.macs_ratio),
        "predicted": predicted(operators_of(made)),
    }


class Prediction:
    """What one image takes, looked for beside the caller, who asks for `result` later. A context manager, which ends it.

    Args:
        file: path or bytes of a .tflite file.
        seconds: float, of the clock, after which the answer is that it takes longer.
    """

    def __init__(self, file: FileLike, seconds: float = SECONDS):
        content = load(file)
        self.seconds, self._until = seconds, time.monotonic() + seconds
        command = [sys.executable, "-c", _CHILD.format(path=[str(entry) for entry in sys.path])]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        with tempfile.TemporaryFile() as given:
            given.write(content)
            given.seek(0)
            self._process = subprocess.Popen(command, stdin=given, stdout=self._said, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "Prediction":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._said.close()

    def result(self) -> JsonObject:
        """Waits for it and returns the dict of `prediction`, or one of `why`, a str: why nothing is predicted."""
        try:
            status = self._process.wait(max(self._until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            return {"why": f"no schedule was found in {self.seconds:g} seconds. unetmm firmware looks longer."}
        if status:
            return {"why": f"the search for a schedule ended with status {status}."}
        self._said.seek(0)
        return json.loads(self._said.read())


def answer() -> None:
    """Answers in the process of its own: reads a file from standard input, and prints one JSON object."""
    try:
        found = prediction(sys.stdin.buffer.read())
    except (ValueError, RunError) as error:
        found = {"why": str(error)}
    print(json.dumps(found))
