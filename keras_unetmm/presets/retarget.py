# SPDX-License-Identifier: Apache-2.0
"""A preset's own file for another target: operators that it lacks become others, and the bytes stay the same."""

from keras_unetmm.interpreters.examples import array_of
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.presets.fetch import file_of
from keras_unetmm.presets.store import PresetError
from keras_unetmm.runtime.cross_check import OutputsDifferError, reference_runtime
from keras_unetmm.targets.shuffles import without_shuffles
from keras_unetmm.targets.targets import check, target_of
from keras_unetmm.targets.verdict import Verdict
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.metadata import metadata, with_metadata

_WITHOUT_SHUFFLES = ("coral", "ethos-u55", "ethos-u65", "ethos-u85")


def retargeted(name: str, target: str) -> tuple[bytes, Verdict, int]:
    """Returns the file of a preset for a target, the `Verdict` on it, and how many shuffles became convolutions.

    Accelerators get convolutions with kernels of ones and zeros in place of DEPTH_TO_SPACE and SPACE_TO_DEPTH. Nothing is
    calibrated. A file that was changed is compared with the preset's on a random image, byte by byte. It holds no plan.

    Args:
        name: of a preset.
        target: one of `keras_unetmm.targets.targets.TARGETS`.

    Raises:
        PresetError: a `ValueError`, if the file is nowhere, or the target cannot run it.
        OutputsDifferError: a `ValueError`, if one byte differs.
    """
    chosen = target_of(target)
    original = file_of(name).read_bytes()
    content, shuffles = without_shuffles(original) if target in _WITHOUT_SHUFFLES else (original, 0)
    for rewrite in chosen.rewrites:
        content = rewrite(content)
    is_changed = content != original
    file = File(content)
    file.remove_plan()
    content = with_metadata(file.packed(), {**(metadata(original) or {}), "target": target})
    verdict = check(content, target)
    if not verdict.runs:
        stops = next(operator for operator in verdict.operators if operator.verdict == "unsupported")
        raise PresetError(
            f"the file of {name} must be one that {target} can run. Received: operator {stops.index}, {stops.name}: "
            f"{stops.why}. Give --calibration, a folder of images like those on the device, and it is converted from floats."
        )
    if is_changed:
        _validate_same_bytes(original, content, name)
    return content, verdict, shuffles


def _validate_same_bytes(original, content, name):
    graph = read(original).main
    arrays = [array_of("random", graph.tensors[index], seed) for seed, index in enumerate(graph.inputs)]
    before, after = (run(each, arrays, reference_runtime()).outputs for each in (original, content))
    if any(one.tobytes() != other.tobytes() for one, other in zip(before, after, strict=True)):
        raise OutputsDifferError(f"the changed file of {name} must give the same bytes. Received: others. Please report it.")
