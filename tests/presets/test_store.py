import json

import numpy as np
import pytest

from keras_unetmm.presets import PresetError, card, names
from keras_unetmm.presets.fetch import checked
from keras_unetmm.presets.store import unpacked_weights, write, written_weights

pytestmark = pytest.mark.no_backend


def read_weights(name, folder):
    path = checked(written_weights(name, folder), card(name, folder)["weights_sha256"], "Install keras_unetmm again")
    return unpacked_weights(path.read_bytes())


WEIGHTS = [np.linspace(-1, 1, 24, dtype="float32").reshape(2, 3, 4), np.array([1e-7, 3.0, 70000.0], "float32")]


def test_weights_come_back_as_written(tmp_path):
    write("tiny", {"name": "tiny"}, WEIGHTS, tmp_path)
    assert names(tmp_path) == ["tiny"]
    kernel, vector = read_weights("tiny", tmp_path)
    np.testing.assert_allclose(kernel, WEIGHTS[0], atol=5e-4)
    np.testing.assert_array_equal(vector, WEIGHTS[1])
    assert card("tiny", tmp_path)["weights_bytes"] == (tmp_path / "tiny.npz").stat().st_size


def test_equal_weights_are_equal_files(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write("tiny", {}, WEIGHTS, folder)
    assert (tmp_path / "a" / "tiny.npz").read_bytes() == (tmp_path / "b" / "tiny.npz").read_bytes()


def test_a_card_is_written_without_its_weights(tmp_path):
    write("tiny", {}, WEIGHTS, tmp_path)
    write("tiny", {**card("tiny", tmp_path), "task": "none"}, folder=tmp_path)
    assert card("tiny", tmp_path)["task"] == "none"
    read_weights("tiny", tmp_path)


def test_a_wrong_name_lists_the_right_ones(tmp_path):
    write("tiny", {}, WEIGHTS, tmp_path)
    for name in ("small", "../tiny", None):
        with pytest.raises(PresetError, match=r"name must be one of 'tiny'\. Received: "):
            card(name, tmp_path)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:50] + b"x" + b[51:], lambda b: b""])
def test_damaged_weights_are_refused(tmp_path, damage):
    write("tiny", {}, WEIGHTS, tmp_path)
    path = tmp_path / "tiny.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(PresetError, match=r"tiny\.npz must be the file with the SHA-256 .* Install keras_unetmm again"):
        read_weights("tiny", tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"name": "tiny"})])
def test_damaged_cards_are_refused(tmp_path, text):
    write("tiny", {}, WEIGHTS, tmp_path)
    (tmp_path / "tiny.json").write_text(text)
    with pytest.raises(PresetError, match=r"tiny\.json must be a preset's card\. It is damaged"):
        read_weights("tiny", tmp_path)
