import keras
import pytest

from keras_unetmm import models

NETWORKS = {
    "NAFNet": (models.NAFNet, {}),
    "NAFNet with UNet--": (models.NAFNetUNetMinus, {"header": "pointwise"}),
    "KBNet": (models.KBNet, {}),
    "KBNet with UNet--": (models.KBNetUNetMinus, {}),
}


@pytest.fixture(scope="session")
def published():
    """The networks of UNet--'s tables, whose weights have no values."""
    with keras.StatelessScope(initialize_variables=False):
        networks = {name: build(**arguments) for name, (build, arguments) in NETWORKS.items()}
    keras.utils.clear_session(free_memory=False)  # else Keras gives them values when it next leaves a scope
    return networks
