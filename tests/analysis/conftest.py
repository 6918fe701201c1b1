import pytest

from keras_unetmm import models
from keras_unetmm.graph.abstract_build import abstract_build

NETWORKS = {
    "NAFNet": (models.NAFNet, {}),
    "NAFNet with UNet--": (models.NAFNetUNetMinus, {}),
    "KBNet": (models.KBNet, {}),
    "KBNet with UNet--": (models.KBNetUNetMinus, {}),
}


@pytest.fixture(scope="session")
def published():
    """The networks of UNet--'s tables, whose weights have no values."""
    return {name: abstract_build(build, **arguments) for name, (build, arguments) in NETWORKS.items()}
