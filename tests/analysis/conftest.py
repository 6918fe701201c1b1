import pytest

from keras_unetmm import models
from keras_unetmm.graph.outline import outline

NETWORKS = {
    "NAFNet": (models.NAFNet, {}),
    "NAFNet with UNet--": (models.NAFNetUNetMinus, {"header": "pointwise"}),
    "KBNet": (models.KBNet, {}),
    "KBNet with UNet--": (models.KBNetUNetMinus, {}),
}


@pytest.fixture(scope="session")
def published():
    """The networks of UNet--'s tables, whose weights have no values."""
    return {name: outline(build, **arguments) for name, (build, arguments) in NETWORKS.items()}
