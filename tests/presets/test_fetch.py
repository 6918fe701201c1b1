"""Weights outside the package: from a folder, from a server, cached, refused where they are not what the card says."""

import functools
import http.server
import json
import shutil
import threading

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.presets import PresetError, card, fetch, from_preset
from keras_unetmm.presets.push import push

NAME = "scenes-sunet"  # the smallest network of two dimensions
asked = []


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of a folder that keeps what was asked for."""

    def log_message(self, *_):
        """Says nothing."""

    def do_GET(self):
        """Keeps the path."""
        asked.append(self.path)
        super().do_GET()


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    done = CliRunner().invoke(app, ["push", str(folder), NAME])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def served(pushed):
    asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(pushed))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def installed(monkeypatch, tmp_path):
    """The package as it is installed, without any weights or files, and an empty cache."""
    empty = tmp_path / "package"
    empty.mkdir()
    monkeypatch.setattr(fetch, "FOLDER", empty)
    monkeypatch.setattr(fetch, "FILES", empty)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(fetch.VARIABLE, raising=False)


def same(model):
    """Whether a model is the preset, on an image."""
    x = np.random.default_rng(0).random((1, 32, 32, 3)).astype("float32")
    got = keras.ops.convert_to_numpy(model(x, training=False))
    assert got.shape == (1, 32, 32, 11)
    return got


def test_a_folder_holds_a_preset_with_its_card(pushed):
    there = pushed / NAME
    assert {"card.json", "weights.npz", "model.tflite", "README.md", "samples.png"} <= {
        file.name for file in there.iterdir()
    }
    assert json.loads((there / "card.json").read_text()) == card(NAME)
    page = (there / "README.md").read_text()
    assert page.startswith("---\nlibrary_name: keras\n")
    assert "pipeline_tag: image-segmentation" in page
    np.testing.assert_array_equal(same(from_preset(str(there))), same(from_preset(str(there))))


def test_the_variable_names_a_folder(pushed, monkeypatch):
    with pytest.raises(PresetError, match=r"weights\.npz of the preset scenes-sunet must be fetched.*KERAS_UNETMM_PRESETS"):
        from_preset(NAME)
    monkeypatch.setenv(fetch.VARIABLE, str(pushed))
    same(from_preset(NAME))
    assert fetch.file_of(NAME).read_bytes() == (pushed / NAME / "model.tflite").read_bytes()
    with pytest.raises(PresetError, match=r"must hold lesions-sat/weights\.npz\. Received: no such file"):
        from_preset("lesions-sat")


def test_a_download_is_kept_and_needs_no_network_again(served, monkeypatch):
    monkeypatch.setenv(fetch.VARIABLE, served)
    done = CliRunner().invoke(app, ["presets", "--download", NAME, "--json"])
    assert done.exit_code == 0, done.output
    assert [found["name"] for found in json.loads(done.stdout)] == [NAME]
    assert asked == [f"/{NAME}/weights.npz", f"/{NAME}/model.tflite"]
    monkeypatch.setenv(fetch.VARIABLE, "http://127.0.0.1:9")
    same(from_preset(NAME))
    assert len(asked) == 2
    with pytest.raises(PresetError, match=r"lesions-sat/weights\.npz could not be fetched: .*Without a network set"):
        from_preset("lesions-sat")


def test_a_damaged_download_is_refused_and_fetched_again(pushed, served, monkeypatch):
    monkeypatch.setenv(fetch.VARIABLE, served)
    kept = fetch.weights_of(NAME)
    kept.write_bytes(kept.read_bytes()[:-1])
    assert fetch.weights_of(NAME).read_bytes() == (pushed / NAME / "weights.npz").read_bytes()
    assert len(asked) == 2
    kept.unlink()
    good = (pushed / NAME / "weights.npz").read_bytes()
    (pushed / NAME / "weights.npz").write_bytes(good[:100] + b"x" + good[101:])
    try:
        with pytest.raises(PresetError, match=r"must be the file with the SHA-256 .*Received: another file, twice"):
            from_preset(NAME)
        monkeypatch.setenv(fetch.VARIABLE, str(pushed))
        with pytest.raises(PresetError, match=r"weights\.npz must be the file with the SHA-256"):
            from_preset(NAME)
        with pytest.raises(PresetError, match=r"weights\.npz must be the file with the SHA-256"):
            from_preset(str(pushed / NAME))
    finally:
        (pushed / NAME / "weights.npz").write_bytes(good)


def test_hugging_face_is_an_address(served, monkeypatch):
    monkeypatch.setattr(fetch, "HUGGING_FACE", f"{served}/{{}}")
    same(from_preset(f"hf://{NAME}"))
    assert asked == [f"/{NAME}/card.json", f"/{NAME}/weights.npz"]
    monkeypatch.setattr(fetch, "_address", lambda base: f"{served}/none" if base == "none" else served)
    with pytest.raises(PresetError, match=r"card\.json could not be fetched"):
        from_preset("hf://somebody/nothing")


def test_cards_that_are_not_ours_are_refused(pushed, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(pushed / NAME, folder)
    said = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**said, "name": "other"}))
    with pytest.raises(PresetError, match=r"must be of one of the presets .*Received: 'other'"):
        from_preset(str(folder))
    for text in ("[" * 100_000, "{}", "[]"):
        (folder / "card.json").write_text(text)
        with pytest.raises(PresetError, match=r"card\.json must be a preset's card"):
            from_preset(str(folder))


def test_a_folder_of_something_else_is_kept(pushed, tmp_path, monkeypatch):
    monkeypatch.setenv(fetch.VARIABLE, str(pushed))
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "thesis.tex").write_text("mine")
    with pytest.raises(PresetError, match=r"must be new, or a preset's folder.*Choose another folder"):
        push(NAME, tmp_path)
    assert (tmp_path / NAME / "thesis.tex").read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(PresetError, match=r"cannot be written: "):
        push(NAME, tmp_path / "file")
    assert push(NAME, tmp_path / "new").is_dir()
    assert push(NAME, tmp_path / "new").is_dir(), "again"
    assert [path.name for path in (tmp_path / "new").iterdir()] == [NAME]
