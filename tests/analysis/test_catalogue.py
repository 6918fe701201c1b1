import inspect

import pytest

from keras_unetmm import models
from keras_unetmm.analysis import catalogue


@pytest.mark.parametrize("network", catalogue.NETWORKS, ids=lambda network: network.build.__name__)
def test_a_network_can_be_counted(network, monkeypatch):
    """The smallest of its rows; the counts themselves stand in the networks' own tests."""
    row = next((row for row in network.rows if row.startswith("mcu_")), next(iter(network.rows)))
    monkeypatch.setattr(catalogue, "NETWORKS", [catalogue.Entry(network.build, {row: 0}, ("1", "2"), network.size)])
    (entry,) = catalogue.catalogue()
    assert list(entry) == ["name", "row", "input", "parameters", "trainable", "macs", "skip_bytes", "paper"]
    assert (entry["name"], entry["row"], entry["paper"]) == (network.build.__name__, row, "arXiv 1, arXiv 2")
    assert entry["parameters"] >= entry["trainable"] > 0
    assert entry["macs"] > entry["trainable"]
    assert entry["skip_bytes"] > 0
    assert all(isinstance(entry[key], int) for key in ("parameters", "trainable", "macs", "skip_bytes"))


def test_every_network_with_a_table_is_listed():
    listed = {network.build for network in catalogue.NETWORKS}
    networks = {f for name in models.__all__ if callable(f := getattr(models, name)) and name[0].isupper()}
    with_rows = {f for f in networks if "variant" in inspect.signature(f).parameters}
    assert with_rows - listed == {models.MSCAN}, "an encoder without a decoder"
    assert listed <= with_rows


def test_published_costs():
    network = next(n for n in catalogue.NETWORKS if n.build is models.KBNet)
    entry = catalogue._entry(network, "sidd_width64")
    assert entry["parameters"] == 128_403_395
    assert entry["macs"] == 58_191_645_952
    assert entry["skip_bytes"] == 7.5 * 2**20
