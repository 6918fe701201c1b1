"""Predicted instructions: a table's costs times what operators do; unknown kernels are named."""

import pytest

from keras_unetmm.engine import cost

pytestmark = pytest.mark.no_backend


def _operator(kernel, blocks, values, macs, pixels=8):
    return {"kernel": kernel, "blocks": blocks, "values": values, "macs": macs, "pixels_at_once": pixels}


def test_costs_times_amounts(monkeypatch):
    row = {"conv": [5, 2, 0.5, 3], cost.OTHER: [7, 4, 9, 9], cost.DRIVER: 100}
    monkeypatch.setattr(cost, "table", lambda: dict.fromkeys(cost.CORES, row))
    operators = [_operator("conv", 10, 80, 400), _operator("conv", 10, 10, 400, pixels=1), _operator(None, 3, 80, 0)]
    found = cost.predicted(operators)["cortex-m7"]
    assert found["instructions"] == (1000 + 50 + 160 + 200) + (1000 + 50 + 20 + 1200) + 300
    assert found["unmeasured"] == []
    clock, rate = cost.CORES["cortex-m7"]
    assert found["estimate"] == {
        "milliseconds": round(found["instructions"] / (clock * 1e3 * rate), 2),
        "clock_mhz": clock,
        "instructions_per_cycle": rate,
    }
    other = cost.predicted([_operator("new", 10, 80, 400)])["cortex-m55"]
    assert other["instructions"] == 1000 + 70 + 320 + 9 * 400
    assert other["unmeasured"] == ["new"]


@pytest.mark.parametrize("core", cost.CORES)
def test_shipped_table(core):
    row = cost.table()[core]
    assert row[cost.DRIVER] > 100
    kernels = {name: costs for name, costs in row.items() if name != cost.DRIVER}
    assert {"unetmm_pointwise_int8", "unetmm_convolution_int8", "unetmm_depthwise_int8", cost.OTHER} <= set(kernels)
    assert all(len(costs) == 4 and min(costs) >= 0 and max(costs) > 0 for costs in kernels.values())
