"""Which tests touch no backend: they run once, and `-m "not no_backend"` leaves them out of further runs."""

from pathlib import Path

TESTS = Path(__file__).parent
WITHOUT_BACKEND = (  # rooms
    *("engine", "firmware", "interpreters", "operators", "planner", "program", "runtime", "targets", "tflite"),
    *("tflite_file", "tiling"),
)
WITH_BACKEND = ("test_networks.py", "stacks.py")  # in those rooms
ALONE = (  # in other rooms
    *(
        "test_calibration.py",
        "test_forms.py",
        "test_multipliers.py",
        "test_options.py",
        "test_own_products.py",
        "test_ranges.py",
    ),
)


def needs_no_backend(path):
    """Whether a file of tests imports no backend.

    Args:
        path: absolute `pathlib.Path` of the file, within the folder of tests.
    """
    return path.name in ALONE or (path.relative_to(TESTS).parts[0] in WITHOUT_BACKEND and path.name not in WITH_BACKEND)
