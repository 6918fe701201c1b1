import random
import sys

import numpy as np
import pytest
from rooms import needs_no_backend


def pytest_collection_modifyitems(items):
    for item in items:
        if needs_no_backend(item.path):
            item.add_marker(pytest.mark.no_backend)


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
