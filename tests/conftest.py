import pytest
from rooms import needs_no_backend


def pytest_collection_modifyitems(items):
    for item in items:
        if needs_no_backend(item.path):
            item.add_marker(pytest.mark.no_backend)
