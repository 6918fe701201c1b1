"""Which tests run where: once without a backend, on one backend, or on all three; and which are for `make test` alone."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
WITHOUT_BACKEND = (  # rooms
    *(
        "advice",
        "docs",
        "engine",
        "firmware",
        "fuzzing",
        "interpreters",
        "kernels",
        "operators",
        "planner",
        "program",
        "report",
        "runtime",
        "targets",
        "tflite",
    ),
    *("tflite_file", "tiling"),
)
WITH_BACKEND = ("test_networks.py", "stacks.py")  # in those rooms
ALONE = (  # in other rooms
    *(
        "test_calibration.py",
        "test_file_ends.py",
        "test_imports.py",
        "test_lowering_options.py",
        "test_multipliers.py",
        "test_options.py",
        "test_unshare_multiplies.py",
    ),
    "test_ranges.py",
)
ON_ONE_BACKEND = {  # rooms that ask a backend for no more than layers and networks do, which are tested on all three
    "analysis": "torch",
    "cli": "tensorflow",
    "compare": "tensorflow",
    "conversion": "tensorflow",  # which converts, whatever the backend: elsewhere in a second process
    "graph": "torch",  # graphs are Keras's own
    "lowering": "tensorflow",
    "prediction": "torch",
    "presets": "tensorflow",
    "pruning": "torch",  # many small networks, which the others compile
    "test_examples.py": "torch",
    "tiling": "tensorflow",
    "training": "torch",
}
ON_EVERY_BACKEND = (
    "test_devices.py",
    "test_predict.py",
    "test_resume.py",
    "test_trace.py",
)  # in those rooms: devices, the states that a backend saves, and shapes, which each finds in its own way
# Tests of networks with such names run on torch: they count, refuse before anything is computed, or compute at full size
# what small networks compute on every backend.
COUNTED = re.compile(
    "parameters|counts|macs|skip_memory|what_does_not_fit|rows_differ|gates_save|is_small|published_network|tiled_row"
)
COUNTED_IN = ("models", "test_skips.py")
SLOW = (  # without a backend, several seconds a test, or ten and more a file
    *("test_classification.py", "test_damaged_commands.py", "test_damaged_files.py", "test_device.py"),
    *("test_ethos_u.py", "test_exact.py", "test_face.py", "test_hardware.py", "test_imports.py", "test_program.py"),
    *("test_project.py", "test_reorder.py", "test_vela.py", "test_volume_sets.py"),
)


def needs_no_backend(path):
    """Whether a file of tests imports no backend.

    Args:
        path: absolute `pathlib.Path` of the file, within the folder of tests.
    """
    return path.name in ALONE or (_room(path) in WITHOUT_BACKEND and path.name not in WITH_BACKEND)


def runs_on(path, name):
    """The one backend that a test of a file runs on in `make test`, or None for all three."""
    if _room(path) in COUNTED_IN and COUNTED.search(name):
        return "torch"
    return None if path.name in ON_EVERY_BACKEND else ON_ONE_BACKEND.get(_room(path))


def _room(path):
    return path.relative_to(TESTS).parts[0]
