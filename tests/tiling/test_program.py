"""What program.json says is so: on TFLM, in the files, and in the arena."""

import itertools
import json

import numpy as np
import pytest
from tflite.tiling.choices import chosen
from tflite.tiling.networks import bottleneck, encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.interpreters.runtime import measure, run
from keras_unetmm.operators.registry import macs
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tiling.emit import emit
from keras_unetmm.tiling.search import Search
from keras_unetmm.tiling.strategy import Strategy
from keras_unetmm.tiling.strategy_parts import StrategyParts
from keras_unetmm.tiling.tile import compiler_of

SIZE = (64, 64)
CONTENT = encoder_decoder(9, SIZE, whole=True, zeros=True)
LOCAL = encoder_decoder(9, SIZE, zeros=True)  # in which nothing sees the whole map
TILED = {  # the network, the levels that are tiled, and the tiles of its tiled bottleneck
    "tiled": (CONTENT, 2, ((8, 8), (16, 8))),
    "tiled two levels deep": (CONTENT, 1, ((8, 16), (12, 8))),
    "tiled, nothing whole": (LOCAL, 1, ((12, 8),)),
}


@pytest.fixture(scope="module", params=["keep", "recompute", "mixed", *TILED])
def program(request):
    if request.param not in TILED:
        return tflite.tile(CONTENT, SIZE, tile=16, skips=request.param)
    content, levels, tiles = TILED[request.param]
    return tiled_program(content, SIZE, levels, tiles)


def tiled_program(content, size, levels, tiles):
    """The program with tiles of 16x16 pixels, and those in the bottleneck."""
    compiler = compiler_of(content, size)
    return emit(compiler, chosen(compiler, levels, (16, 16), (16, 16), tiles), size)


def test_heads_and_tails_are_those_that_tflm_measures(program):
    said = program.description
    for name, part in said["parts"].items():
        arena = measure(program.files[part["file"]])
        assert (part["head"], part["tail"]) == (arena.head, arena.tail), name
    assert said["ram_bytes_with_tails"] == said["ram_bytes"] + sum(part["tail"] for part in said["parts"].values())
    assert said["flash_bytes"] == sum(len(content) for content in program.files.values())


def test_multiply_accumulates_are_those_of_the_files(program):
    said = program.description
    counted = {name: macs(read(program.files[part["file"]]).main) for name, part in said["parts"].items()}
    assert counted == {name: part["macs"] for name, part in said["parts"].items()}
    assert said["macs"] == sum(part["runs"] * counted[name] for name, part in said["parts"].items())
    assert said["untiled_macs"] == macs(read(CONTENT if "whole map" in str(said["order"]) else LOCAL).main)


def test_parts_run_on_all_tiles_or_once(program):
    said = program.description
    for line, (name, part) in zip(said["order"], said["parts"].items(), strict=True):
        covered = [count * side for count, side in zip(part["grid"], part["tile"], strict=True)]
        assert all(length <= many < length + side for length, many, side in zip(SIZE, covered, part["tile"], strict=True))
        assert part["runs"] == part["grid"][0] * part["grid"][1]
        assert line == f"{name} on {'all tiles' if part['runs'] > 1 else 'the whole map'}"
    assert (said["bottleneck"] == "tiled") == (sum(part["runs"] > 1 for part in said["parts"].values()) > 2)


def test_nothing_lies_over_what_is_alive(program):
    check_arena(program.description)


def check_arena(said):
    """Every byte of the arena belongs to one owner a phase; maps that are not moved lie where the body has them.

    What runs whole has the maps that enter and leave it in its own arena. A part may write a map over one that it reads.
    """
    phases = list(said["parts"])
    whole = {line.split()[0] for line in said["order"] if line.endswith("on the whole map")}
    owners = {phase: [] for phase in phases}
    for name, part in said["parts"].items():
        owners[name].append((name, part["offset"], part["offset"] + part["head"]))
    for entry in said["carried"]:
        inside = {entry["from"], entry["to"]} & whole
        for phase in phases[phases.index(entry["from"]) : phases.index(entry["to"]) + 1]:
            last = phase == entry["to"] and any(same(entry, made) for made in said["carried"] if made["from"] == phase)
            if phase not in inside and not last:
                owners[phase].append((entry["name"], entry["offset"], entry["offset"] + entry["bytes"]))
    for phase, intervals in owners.items():
        for (a, low, high), (b, other_low, other_high) in itertools.combinations(intervals, 2):
            assert high <= other_low or other_high <= low, f"{a} lies over {b} in {phase}"
    assert said["ram_bytes"] == max(high for intervals in owners.values() for *_, high in intervals)
    for entry in said["carried"]:
        for name in {entry["from"], entry["to"]} & whole:
            if not entry["moved"]:
                assert said["parts"][name]["offset"] <= entry["offset"]
                assert entry["offset"] + entry["bytes"] <= said["parts"][name]["offset"] + said["parts"][name]["head"]


@pytest.mark.parametrize("border", ["once", "same"])
@pytest.mark.parametrize("seed", range(12))
def test_any_bottleneck_may_be_tiled(seed, border):
    """The same bytes as whole, or for the border of the file its own, from an arena in which nothing is overwritten."""
    size = (32, 24) if seed % 2 or border == "same" else (38, 30)
    content = bottleneck(seed)
    x = np.random.default_rng(seed).integers(-128, 128, (*size, 3)).astype("int8")
    compiler, outputs = compiler_of(content, size, border=border), []
    parts = StrategyParts(compiler, Strategy(1, bottleneck_tiled=True))
    names = [part.name for part in compiler.partition(1).bottleneck_passes if not part.whole]
    rng, units = np.random.default_rng(seed), [parts.unit(name) for name in names]
    inner = [tuple((unit * int(rng.integers(1, 6)), unit) for unit in units) for _ in range(2)] if names else []
    for recomputed, tiles in itertools.product(Search(compiler, "mixed").recomputed_sets(1), [None, *inner]):
        head, tail = (2 * int(rng.integers(1, 9)), 8), (8, 2 * int(rng.integers(1, 9)))
        program = emit(compiler, chosen(compiler, 1, head, tail, tiles, recomputed), size, skips="mixed")
        check_arena(program.description)
        outputs.append(run_tiled(program, x).output)
    expected = run(content, x).outputs[0][0] if border == "same" else outputs[0]
    for output in outputs:
        np.testing.assert_array_equal(output, expected)


def same(a, b):
    """Whether two maps lie at one place."""
    return (a["offset"], a["shape"]) == (b["offset"], b["shape"])


def test_a_map_is_written_over_another_where_that_is_read_place_by_place():
    content, levels, tiles = TILED["tiled"]
    carried = tiled_program(content, SIZE, levels, tiles).description["carried"]
    read = [entry for entry in carried if (entry["from"], entry["to"]) == ("body_head", "body_tail")]
    made = [entry for entry in carried if (entry["from"], entry["to"]) == ("body_tail", "tail")]
    assert len(read) == len(made) == 1
    assert same(read[0], made[0])


def test_everything_that_a_part_reads_is_there(program):
    said = program.description
    carried, parts = {entry["name"] for entry in said["carried"]}, list(said["parts"].values())
    made = [{end["map"] for end in part["outputs"]} for part in parts]
    assert set().union(*made[:-1]) == carried
    assert made[-1] == {"output"}
    there = {"image", "inside"}
    for part, names in zip(parts, made, strict=True):
        assert {end["map"] for end in part["inputs"]} <= there
        there |= names
    read_by = {end["map"] for part in parts for end in part["inputs"]}
    assert ("inside" in read_by) == bool(said["recomputed"] or said["bottleneck"] == "tiled")


def test_it_is_json_with_the_promised_keys(program):
    said = json.loads(json.dumps(program.description))
    keys = "ram_bytes ram_bytes_with_tails flash_bytes macs macs_ratio tile levels halo parts carried"
    assert set(keys.split()) <= set(said)
    assert {"head", "body", "tail"} <= set(said["parts"])
    assert all({"file", "head", "tail", "operators"} <= set(part) for part in said["parts"].values())
    assert all({"name", "bytes", "offset", "from", "to"} <= set(entry) for entry in said["carried"])
    assert said["macs_ratio"] == round(said["macs"] / said["untiled_macs"], 4) > 1


def test_recomputed_skips_take_no_memory():
    kept, recomputed = (tflite.tile(LOCAL, SIZE, tile=16, skips=skips).description for skips in ("keep", "recompute"))
    assert len(kept["carried"]) == 4
    assert len(recomputed["carried"]) == 2
    assert len(recomputed["recomputed"]) == 2
    assert recomputed["ram_bytes"] < kept["ram_bytes"]
    assert recomputed["macs"] > kept["macs"]


@pytest.mark.parametrize("case", TILED)
def test_memory_grows_with_what_is_carried_only(case):
    """With tiles of one size all arenas are the same but that of what runs whole, which has its own maps and no more."""
    content, levels, tiles = TILED[case]
    small, large = (tiled_program(content, size, levels, tiles).description for size in ((64, 64), (128, 192)))
    for (name, a), b in zip(small["parts"].items(), large["parts"].values(), strict=True):
        if a["runs"] > 1:
            assert a["head"] == b["head"], name
        else:
            own = [sum(e["bytes"] for e in said["carried"] if e["to"] == name) for said in (small, large)]
            assert a["head"] - own[0] == b["head"] - own[1] < 512
    for a, b in zip(small["carried"], large["carried"], strict=True):
        assert 6 * a["bytes"] == b["bytes"]
    grown = max(taken(large, name) - taken(small, name) for name in small["parts"])
    assert large["ram_bytes"] - small["ram_bytes"] <= grown


def taken(said, name):
    """The places in the arena of what is carried while a part runs."""
    phases = list(said["parts"])
    alive = [e for e in said["carried"] if phases.index(e["from"]) <= phases.index(name) <= phases.index(e["to"])]
    return len({at for e in alive for at in range(e["offset"], e["offset"] + e["bytes"])})
