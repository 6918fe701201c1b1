# SPDX-License-Identifier: Apache-2.0
"""What Vela makes of a file for a program without an interpreter: a command stream, weights, and where the maps lie."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_unetmm.targets.compilers import run
from keras_unetmm.targets.vela import SECONDS, command, named_by_number, summary
from keras_unetmm.targets.verdict import CompilerError

FAMILIES = {  # the sizes of each, in multiply-accumulates a cycle, and the system that Vela is told of, its default
    "ethos-u55": ((32, 64, 128, 256), "Ethos_U55_High_End_Embedded"),
    "ethos-u65": ((256, 512), "Ethos_U65_High_End"),
    "ethos-u85": ((128, 256, 512, 1024, 2048), "Ethos_U85_SYS_DRAM_Mid"),
}
MODES = ("Sram_Only", "Shared_Sram", "Dedicated_Sram")
ARENA = 1  # the number of its region: 0 holds the weights, 2 what Vela calls fast scratch
_MAGIC = b"COP1"
_LEFT = "passthrough/CPU operations"  # what Vela says of such a file


class LeftToProcessorError(CompilerError):
    """The NPU does not run every operator."""


@dataclass(frozen=True)
class Stream:
    """A network as the Ethos-U driver takes it.

    Attributes:
        commands: bytes, the driver's payload: `COP1`, then the command stream.
        weights: bytes, compressed: region 0.
        arena, fast: int, bytes of the regions 1 and 2.
        inputs, outputs: tuple of int, where each one begins in the arena.
        system, mode: str, the system and the memory mode that Vela was told of.
        summary: dict of str to number, what Vela predicts.
    """

    commands: bytes
    weights: bytes
    arena: int
    fast: int
    inputs: tuple
    outputs: tuple
    system: str
    mode: str
    summary: dict


def streamed(content, accelerator, mode, cache=None, smallest=False):
    """Compiles a file of which the NPU runs every operator.

    Args:
        content: bytes of a .tflite file.
        accelerator: str, such as `"ethos-u55-128"`.
        mode: str, one of `MODES`.
        cache: int, bytes of SRAM that Vela should keep to, or None.
        smallest: bool, whether it looks for the least memory instead of the fewest cycles.

    Returns:
        A `Stream`.

    Raises:
        LeftToProcessorError: a `CompilerError`, if there is an operator that the NPU does not run.
        CompilerError: if Vela is not installed, fails, or writes what makes no sense.
    """
    if command() is None:
        raise CompilerError("Vela must be installed. Received: no vela. Run pip install ethos-u-vela.")
    system = FAMILIES[accelerator.rpartition("-")[0]][1]
    options = ["--accelerator-config", accelerator, "--system-config", system, "--memory-mode", mode]
    options += ["--output-format", "raw", "--optimise", "Size" if smallest else "Performance"]
    options += [] if cache is None else ["--arena-cache-size", str(cache)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(named_by_number(content))
        said = run("Vela", [*command(), str(folder / "model.tflite"), *options, "--output-dir", name], folder, SECONDS)
        written = folder / "model_vela.npz"
        if said.status or not written.is_file():
            kind = LeftToProcessorError if _LEFT in said.output else CompilerError
            raise kind(f"Vela failed for {accelerator} (status {said.status}): {said.last_line.rstrip('.')}.")
        try:
            return _read(written, system, mode, summary(said.output, folder))
        except (KeyError, ValueError, IndexError, StopIteration) as error:
            raise CompilerError(
                f"Vela wrote what is not known here ({type(error).__name__}: {error}). Vela 5.2 is the one known here."
            ) from error


def _read(path, system, mode, predicted):
    with np.load(path) as found:  # what describes scales is pickled, and not read
        commands, weights = (found[key].tobytes() for key in ("cmd_data", "weight_data"))
        inputs, outputs = (_places(found, side) for side in ("input", "output"))
        arena, fast = int(found["scratch_size"]), int(found["scratch_fast_size"])
        if found["variable_region"].size:
            raise ValueError("variables, which stay from run to run")
    if not commands.startswith(_MAGIC) or len(commands) % 4:
        raise ValueError("commands that do not begin with COP1")
    return Stream(commands, weights, arena, fast, inputs, outputs, system, mode, predicted)


def _places(found, side):
    regions, places = found[f"{side}_region"], found[f"{side}_offset"]
    if any(int(region) != ARENA for region in regions):
        raise ValueError(f"an {side} that is not in the arena")
    sizes = [math.prod(map(int, shape)) for shape in found[f"{side}_shape"]]
    widths = map(int, found[f"{side}_elem_size"])
    if max(int(place) + n * width for place, n, width in zip(places, sizes, widths, strict=True)) > int(
        found["scratch_size"]
    ):
        raise ValueError(f"an {side} that ends behind the arena")
    return tuple(map(int, places))
