"""Pictures from logs that are written by hand."""

import json

import keras
import pytest
from typer.testing import CliRunner

from keras_unetmm.cli.commands import app
from keras_unetmm.pruning.figures import draw_figures
from keras_unetmm.pruning.pictures import (
    draw_blocks,
    draw_distribution,
    draw_layers,
    draw_scores,
    median_and_deviation,
    read_criteria,
    read_log,
)

HEAD = (
    "step,loss,channels,channels_enc0,channels_mid,channels_dec0,layer_enc0_conv,layer_mid_conv,layer_dec0_conv,test_dice\n"
)


@pytest.fixture(name="runs")
def fixture_runs(tmp_path):
    folders = []
    for seed in range(3):
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        rows = [(10, 40, 8, 24, 8, 0.5), (20, 30, 8, 14, 8, 0.7), (30, 20, 7, 7, 6, ""), (40, 20, 7, 7, 6, 0.8 + seed / 100)]
        lines = (
            f"{step},0.1,{total},{enc},{mid},{dec},{enc},{mid},{dec},{dice}\n" for step, total, enc, mid, dec, dice in rows
        )
        (folder / "log.csv").write_text(HEAD + "".join(lines))
        folders.append(folder)
    return folders


def test_a_log(runs):
    log = read_log(runs[0])
    assert [row["channels"] for row in log] == [40, 30, 20, 20]
    assert "test_dice" not in log[2]


def test_median_and_absolute_deviation():
    assert median_and_deviation([0.8, 0.9, 0.5]) == (0.8, pytest.approx(0.1))


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_they_are_drawn(runs, tmp_path, suffix):
    draw_scores({"STAMP": runs, "one seed": runs[:1]}, "test_dice", tmp_path / f"a.{suffix}", {"U-Net": 0.85})
    draw_blocks({"STAMP": runs[0], "widest": runs[1]}, tmp_path / f"b.{suffix}")
    draw_distribution(runs[0], tmp_path / f"c.{suffix}", title="STAMP")
    for name in "abc":
        assert (tmp_path / f"{name}.{suffix}").stat().st_size > 5000


def test_says_what_is_no_run(runs, tmp_path):
    with pytest.raises(ValueError, match=r"run must be the folder of a run, with a log.csv. Received: .*nothing"):
        read_log(tmp_path / "nothing")
    (runs[0] / "log.csv").write_text("step,loss\n1,0.5\n")
    with pytest.raises(ValueError, match="run must be of a recipe with prune"):
        read_log(runs[0])
    with pytest.raises(ValueError, match=r"runs of STAMP must have other_dice at the same numbers of channels"):
        draw_scores({"STAMP": runs[1:]}, "other_dice", tmp_path / "a.png")


@pytest.fixture(name="finished")
def fixture_finished(runs, tmp_path):
    """Pruned runs of three seeds, one of what they kept, and a whole network."""
    folders = []
    for seed, folder in enumerate(runs):
        folders.append(folder.rename(tmp_path / f"stamp-{seed}"))
    for percent in (100, 50):
        said = {"enc0_conv": [0.1 * i for i in range(percent // 10)], "mid_conv": [0.3]}
        (folders[0] / f"criterion_{percent}.json").write_text(json.dumps(said))
    for name, widths in (("anew_50", (8, 7, 6)), ("whole", (8, 24, 8))):
        folder = tmp_path / name
        folder.mkdir()
        x = inputs = keras.Input((8, 8, 1))
        for layer, width in zip(("enc0_conv", "mid_conv", "dec0_conv"), widths, strict=True):
            x = keras.layers.Conv2D(width, 3, padding="same", name=layer)(x)
        keras.Model(inputs, keras.layers.Conv2D(1, 1, name="head")(x)).save(folder / "best.keras")
        (folder / "log.csv").write_text("step,loss,test_dice\n10,0.1,0.8\n")
        folders.append(folder)
    for folder in folders:
        about = {"architecture_from": "kept_50.keras" if folder.name == "anew_50" else None}
        (folder / "run.json").write_text(json.dumps(about))
        (folder / "scores.json").write_text(json.dumps({"test": {"dice": 0.8, "spread": {}}}))
    return folders


def test_one_command_draws_all(finished, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        "keras_unetmm.pruning.pictures.draw_structures", lambda *given: seen.update(zip("abcd", given, strict=True))
    )
    made = draw_figures(finished, tmp_path / "out")
    names = ["criterion_stamp", "distribution_stamp", "layers_stamp", "scores", "structures"]
    assert sorted(path.stem for path in made) == names
    assert list(seen["a"]) == ["stamp"]
    assert len(seen["a"]["stamp"]) == 3
    assert seen["b"] == {"trained anew": [(21, 0.8, 0.0)], "whole networks": [(40, 0.8, 0.0)]}
    monkeypatch.undo()
    found = CliRunner().invoke(app, ["pruning", *map(str, finished), "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.png")) == names
    assert all(path.stat().st_size > 5000 for path in made)
    assert list(read_criteria(finished[0])) == [100, 50]


def test_says_which_runs_it_needs(finished, tmp_path):
    with pytest.raises(ValueError, match=r"RUN must be runs of a recipe with prune, one at least. Received: .*whole"):
        draw_figures(finished[-1:], tmp_path)
    with pytest.raises(ValueError, match=r"metric must be one that all runs have, of test_dice in .* Received: test_iou"):
        draw_figures(finished, tmp_path, "test_iou")
    (finished[0] / "scores.json").unlink()
    with pytest.raises(ValueError, match=r"RUN must be the folder of a finished run. Received: .*, without scores.json"):
        draw_figures(finished, tmp_path)
    text = (finished[0] / "log.csv").read_text().replace("layer_", "other_")
    (finished[0] / "log.csv").write_text(text)
    with pytest.raises(ValueError, match="run must have a log with the channels of each layer"):
        draw_layers(finished[0], tmp_path / "a.png")
