"""Folders of programs: whole or not there."""

import json

import numpy as np
import pytest
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.program import store

SIZE = (32, 32)


@pytest.fixture(scope="module")
def programs():
    content = encoder_decoder(5, SIZE)
    return [tflite.tile(content, SIZE, tile=tile) for tile in (16, 8)]


def test_what_was_saved_is_loaded(programs, tmp_path):
    store.save(programs[0], tmp_path / "program")
    assert store.load(tmp_path / "program") == programs[0]
    store.save(programs[1], tmp_path / "program")  # in its place
    assert store.load(tmp_path / "program") == programs[1]
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_an_empty_folder_is_filled(programs, tmp_path):
    (tmp_path / "program").mkdir()
    store.save(programs[0], tmp_path / "program")
    assert store.load(tmp_path / "program") == programs[0]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(programs, tmp_path, monkeypatch, name):
    store.save(programs[0], tmp_path / "program")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, name, full)
    with pytest.raises(OSError, match="No space left"):
        store.save(programs[1], tmp_path / "program")
    assert store.load(tmp_path / "program") == programs[0]
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_other_files_are_not_replaced(programs, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"mine")
    (tmp_path / "mixed").mkdir()
    for name in ("program.json", "thesis.tex"):
        (tmp_path / "mixed" / name).write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    for path, message in (
        (tmp_path / "mixed", "hold a program alone"),
        (tmp_path / "link", "Received: a link"),
        (tmp_path / "photos", "holds? a program"),
        (tmp_path / "photos" / "a.png", "must be a folder"),
    ):
        with pytest.raises(ValueError, match=message):
            store.save(programs[0], path)
    with pytest.raises(ValueError, match="must lie in a folder that exists"):
        store.save(programs[0], tmp_path / "nowhere" / "program")
    assert (tmp_path / "photos" / "a.png").read_bytes() == b"mine"


def test_control_c_between_the_renames_leaves_what_was_there(programs, tmp_path, monkeypatch):
    store.save(programs[0], tmp_path / "program")
    replace, calls = store.os.replace, []

    def interrupted(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(store.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.save(programs[1], tmp_path / "program")
    assert store.load(tmp_path / "program") == programs[0]
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_a_description_that_was_changed_is_refused(programs, tmp_path):
    store.save(programs[0], tmp_path / "program")
    path = tmp_path / "program" / "program.json"
    said = json.loads(path.read_text())
    said["parts"]["head"]["tile"] = [8, 8]
    path.write_text(json.dumps(said))
    with pytest.raises(store.ProgramError, match=r"program\.json is not as it was written"):
        store.load(tmp_path / "program")


def test_a_damaged_folder_is_refused(programs, tmp_path):
    folder = tmp_path / "program"
    with pytest.raises(store.ProgramError, match=r"must be a folder that `unetmm tile` wrote"):
        store.load(folder)
    for damage, message in (
        ((folder / "tail.tflite").unlink, "tail.tflite, the tail, is missing or not the file"),
        (
            lambda: (folder / "head.tflite").write_bytes(b"TFL3"),
            "head.tflite, the head, is missing",
        ),
        (lambda: (folder / "program.json").write_text("{"), "program.json is damaged"),
        (lambda: (folder / "program.json").write_text("{}"), "no format that this version knows"),
        (lambda: (folder / "program.json").write_text(json.dumps({"format": 1})), "is not as it was written"),
    ):
        store.save(programs[0], folder)
        damage()
        with pytest.raises(store.ProgramError, match=message):
            tflite.run_tiled(folder, np.zeros((*SIZE, 3), "int8"))
