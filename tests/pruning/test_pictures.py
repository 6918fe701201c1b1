"""Pictures from logs that are written by hand."""

import pytest

from keras_unetmm.pruning.pictures import draw_blocks, draw_distribution, draw_scores, median_and_deviation, read_log

HEAD = "step,loss,channels,channels_enc0,channels_mid,channels_dec0,test_dice\n"


@pytest.fixture(name="runs")
def fixture_runs(tmp_path):
    folders = []
    for seed in range(3):
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        rows = [(10, 40, 8, 24, 8, 0.5), (20, 30, 8, 14, 8, 0.7), (30, 20, 7, 7, 6, ""), (40, 20, 7, 7, 6, 0.8 + seed / 100)]
        lines = (f"{step},0.1,{total},{enc},{mid},{dec},{dice}\n" for step, total, enc, mid, dec, dice in rows)
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
