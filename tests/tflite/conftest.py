"""Most tests of the compiler touch no backend: they run once, and `-m "not no_backend"` leaves them out of further runs."""

import pytest

WITH_BACKEND = (
    "test_convert.py",
    "test_differences.py",
    "test_lowering.py",
    "test_networks.py",
    "test_operators.py",
    "test_post_training.py",
    "test_quality.py",
    "test_scales.py",
    "test_volumes.py",
    "stacks.py",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if "tflite" in item.path.parts and item.path.name not in WITH_BACKEND:
            item.add_marker(pytest.mark.no_backend)
