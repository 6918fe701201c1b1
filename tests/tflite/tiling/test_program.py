"""What program.json says is so: on TFLM, in the files, and in the arena."""

import itertools
import json

import pytest
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.tflite.graph import read
from keras_unetmm.tflite.macs import macs
from keras_unetmm.tflite.runtime import measure

PHASES = ("head", "body", "tail")


@pytest.fixture(scope="module", params=["keep", "recompute", "mixed"])
def program(request):
    return tflite.tile(encoder_decoder(9, (64, 64), whole=True), (64, 64), tile=16, skips=request.param)


def test_heads_and_tails_are_those_that_tflm_measures(program):
    said = program.description
    for name, part in said["parts"].items():
        arena = measure(program.files[part["file"]])
        assert (part["head"], part["tail"]) == (arena.head, arena.tail), name
    assert said["ram_bytes_with_tails"] == said["ram_bytes"] + sum(part["tail"] for part in said["parts"].values())
    assert said["flash_bytes"] == sum(len(content) for content in program.files.values())


def test_multiply_accumulates_are_those_of_the_files(program):
    said = program.description
    runs = {name: part["runs"] for name, part in said["parts"].items()}
    assert runs == {"head": 16, "body": 1, "tail": 16}
    counted = {name: macs(read(program.files[part["file"]]).main) for name, part in said["parts"].items()}
    assert counted == {name: part["macs"] for name, part in said["parts"].items()}
    assert said["macs"] == sum(runs[name] * counted[name] for name in PHASES)
    assert said["untiled_macs"] == macs(read(encoder_decoder(9, (64, 64), whole=True)).main)


def test_nothing_lies_over_what_is_alive(program):
    """Every byte of the arena belongs to one owner a phase; maps that are not moved lie where the body has them."""
    said = program.description
    owners = {phase: [] for phase in PHASES}
    for name, part in said["parts"].items():
        owners[name].append((name, part["offset"], part["offset"] + part["head"]))
    for entry in said["carried"]:
        for phase in PHASES[PHASES.index(entry["from"]) : PHASES.index(entry["to"]) + 1]:
            if phase != "body" or "body" not in (entry["from"], entry["to"]):  # there it is part of the body's arena
                owners[phase].append((entry["name"], entry["offset"], entry["offset"] + entry["bytes"]))
    for phase, intervals in owners.items():
        for (a, low, high), (b, other_low, other_high) in itertools.combinations(intervals, 2):
            assert high <= other_low or other_high <= low, f"{a} lies over {b} in {phase}"
    assert said["ram_bytes"] == max(high for intervals in owners.values() for *_, high in intervals)
    body = said["parts"]["body"]
    for entry in said["carried"]:
        if "body" in (entry["from"], entry["to"]) and not entry["moved"]:
            assert body["offset"] <= entry["offset"]
            assert entry["offset"] + entry["bytes"] <= body["offset"] + body["head"]


def test_everything_that_a_part_reads_is_there(program):
    said = program.description
    carried = {entry["name"] for entry in said["carried"]}
    made = {name: {end["map"] for end in part["outputs"]} for name, part in said["parts"].items()}
    assert made["head"] | made["body"] == carried
    assert made["tail"] == {"output"}
    read_by = {end["map"] for name in PHASES for end in said["parts"][name]["inputs"]}
    assert read_by <= carried | {"image", "inside"}
    assert ("inside" in read_by) == bool(said["recomputed"])


def test_it_is_json_with_the_promised_keys(program):
    said = json.loads(json.dumps(program.description))
    keys = "ram_bytes ram_bytes_with_tails flash_bytes macs macs_ratio tile levels halo parts carried"
    assert set(keys.split()) <= set(said)
    assert set(said["parts"]) == set(PHASES)
    assert all({"file", "head", "tail", "operators"} <= set(part) for part in said["parts"].values())
    assert all({"name", "bytes", "offset", "from", "to"} <= set(entry) for entry in said["carried"])
    assert said["macs_ratio"] == round(said["macs"] / said["untiled_macs"], 4) > 1


def test_recomputed_skips_take_no_memory():
    content = encoder_decoder(9, (64, 64))
    kept, anew = (tflite.tile(content, (64, 64), tile=16, skips=skips).description for skips in ("keep", "recompute"))
    assert len(kept["carried"]) == 4
    assert len(anew["carried"]) == 2
    assert len(anew["recomputed"]) == 2
    assert anew["ram_bytes"] < kept["ram_bytes"]
    assert anew["macs"] > kept["macs"]


def test_memory_grows_with_what_is_carried_only():
    content = encoder_decoder(9)
    small, large = (tflite.tile(content, size, tile=16).description for size in ((64, 64), (128, 128)))
    assert small["parts"]["head"]["head"] == large["parts"]["head"]["head"]
    assert small["parts"]["tail"]["head"] == large["parts"]["tail"]["head"]
    for a, b in zip(small["carried"], large["carried"], strict=True):
        assert 4 * a["bytes"] == b["bytes"]
