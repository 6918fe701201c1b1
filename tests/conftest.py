import os
import random
import sys

import numpy as np
import pytest
from rooms import SLOW, needs_no_backend, runs_on


def pytest_addoption(parser):
    parser.addoption("--spread", action="store_true", help="Leave out what runs on another backend (see rooms.py).")
    parser.addoption("--without-backend", action="store_true", help="Collect only files that import no backend.")


def pytest_ignore_collect(collection_path, config):
    """With --without-backend no file is imported that imports a backend, which takes longer than most tests."""
    if config.getoption("without_backend") and collection_path.match("test_*.py") and not needs_no_backend(collection_path):
        return True if "mark.no_backend" not in collection_path.read_text() else None
    return None


def pytest_collection_modifyitems(config, items):
    for item in items:
        if needs_no_backend(item.path):
            item.add_marker(pytest.mark.no_backend)
        if item.path.name in SLOW:
            item.add_marker(pytest.mark.slow)
    if config.getoption("spread"):
        left_out = [item for item in items if not belongs_here(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def belongs_here(item):
    """Whether a test runs on this backend: it says so itself, or its room does."""
    if any(item.get_closest_marker(name) for name in ("no_backend", "every_backend", "skipif")):
        return True
    return runs_on(item.path, item.originalname) in (None, os.environ.get("KERAS_BACKEND", "tensorflow"))


@pytest.fixture(autouse=True)
def seeded(request):
    """Every test draws from one seed whatever ran before it, under pytest-randomly from that plugin's; imports nothing."""
    seed = request.config.getoption("randomly_seed", default=0)
    seed = seed % 2**32 if isinstance(seed, int) else 0
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed)
