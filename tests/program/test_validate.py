"""A description that somebody else wrote, its digest renewed: refused before a file is opened or memory is taken."""

import copy
import json

import numpy as np
import pytest
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.program import store
from keras_unetmm.program.description import digest

SIZE = (32, 32)


@pytest.fixture(scope="module")
def program():
    return tflite.tile(encoder_decoder(5, SIZE), SIZE, tile=16)


def put(value, *path):
    def change(said):
        for key in path[:-1]:
            said = said[key]
        if value is KeyError:
            del said[path[-1]]
        else:
            said[path[-1]] = value

    return change


HOSTILE = [
    *(put(name, "parts", "head", "file") for name in ("../../x", "/dev/zero", "tail.tflite", "program.json", 7, None)),
    put([10_000_000, 1], "parts", "head", "grid"),
    put([1, 10_000_000], "parts", "tail", "tile"),
    put(10**9, "parts", "head", "runs"),
    *(put(bytes_, "ram_bytes") for bytes_ in (10**13, 0, -1, 1.5, "1", True, None)),
    *(put(pixels, "output", "pixels") for pixels in (0, -1, 1e-9, 10**9, "1")),
    put(0, "parts", "tail", "inputs", 1, "pixels"),
    put([2**40, 2**40], "size"),
    put([10**6, 32], "padded_size"),
    put([[-(2**40), 2**40], [0, 1]], "parts", "head", "inputs", 0, "region"),
    put("nowhere", "parts", "tail", "inputs", 1, "map"),
    put("object", "parts", "tail", "outputs", 0, "type"),
    put(2**29, "parts", "head", "offset"),
    put(-16, "carried", 0, "offset"),
    put([1], "carried", 0, "shape"),
    put("tail", "carried", 0, "from"),
    put({}, "parts"),
    put([], "carried"),
    put(1, "something"),
    put(0, "untiled_macs"),
    *(put(7, key) for key in ("macs", "macs_ratio", "flash_bytes", "ram_bytes_with_tails")),  # which follow from others
    put([8, 8], "tile"),
    put(["head on the whole map"], "order"),
    put([3, 3], "parts", "head", "inputs", 0, "shape"),
]


@pytest.mark.parametrize("change", HOSTILE, ids=range(len(HOSTILE)))
def test_what_makes_no_sense_is_refused(program, tmp_path, change):
    said = copy.deepcopy(program.description)
    change(said)
    refused(program, tmp_path, said)


def test_every_key_must_be_there(program, tmp_path):
    def places(value, path=()):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
            if isinstance(value, dict) and key not in ("sha256", "network", "region", "body", *store.NAMES):
                yield (*path, key)
            yield from places(inner, (*path, key))

    for path in places(program.description):
        said = copy.deepcopy(program.description)
        put(KeyError, *path)(said)
        refused(program, tmp_path, said)


def refused(program, tmp_path, said):
    store.save(program, tmp_path / "program")
    said["sha256"] = digest(said)
    (tmp_path / "program" / "program.json").write_text(json.dumps(said))
    with pytest.raises(store.ProgramError, match=r"makes no sense|no format"):
        tflite.run_tiled(tmp_path / "program", np.zeros((*SIZE, 3), "int8"))


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "{" * 9, " " * 2**21, "NaN", '{"format": 1, "a": ' + "[" * 900 + "]" * 900 + "}"]
)
def test_text_that_is_none_is_refused(program, tmp_path, text):
    store.save(program, tmp_path / "program")
    (tmp_path / "program" / "program.json").write_text(text)
    with pytest.raises(store.ProgramError):
        store.load(tmp_path / "program")


def test_links_and_devices_are_not_opened(program, tmp_path):
    for name in ("program.json", "head.tflite"):
        store.save(program, tmp_path / "program")
        (tmp_path / "program" / name).unlink()
        (tmp_path / "program" / name).symlink_to("/dev/zero")
        with pytest.raises(store.ProgramError):
            store.load(tmp_path / "program")
        (tmp_path / "program" / name).unlink()
