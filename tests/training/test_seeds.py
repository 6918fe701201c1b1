"""Scores of several runs beside each other."""

import json

import pytest

from keras_unetmm.training import scores_over_runs
from keras_unetmm.training.folder import TrainingError


def write(folder, scores):
    folder.mkdir()
    (folder / "scores.json").write_text(json.dumps(scores))
    return folder


def test_scores_of_runs_are_put_together(tmp_path):
    runs = [
        write(tmp_path / str(i), {"val": {"dice": dice, "spread": {"dice": {"std": 1}}}}) for i, dice in enumerate((3, 5, 4))
    ]
    found = scores_over_runs(runs)
    assert found["val"]["dice"] == pytest.approx({"mean": 4, "median": 4, "std": (2 / 3) ** 0.5, "mad": 1, "count": 3})
    assert list(found["val"]) == ["dice"]


def test_runs_that_do_not_go_together_are_refused(tmp_path):
    one, other = write(tmp_path / "a", {"val": {"dice": 1}}), write(tmp_path / "b", {"val": {"psnr": 1}})
    with pytest.raises(TrainingError, match=r"b must have the sets and metrics of .*a, .*dice.*Received: .*psnr"):
        scores_over_runs([one, other])
    with pytest.raises(TrainingError, match=r"must be there, the folder of a run"):
        scores_over_runs([tmp_path])
    with pytest.raises(TrainingError, match="at least one"):
        scores_over_runs([])
