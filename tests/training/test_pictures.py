"""Pictures of samples: class maps say which colour is which class."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_unetmm.data import DataSet
from keras_unetmm.training.evaluation import Sample
from keras_unetmm.training.pictures import draw_samples


def said(tmp_path, monkeypatch, **about):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: drawn.append(self))
    classes = about["classes"]
    output = np.eye(max(classes, 2), dtype="float32")[np.zeros((4, 4), int)]
    output = output if classes > 2 else output[..., :1] * 0
    reference = np.full((4, 4, 1), 1)
    reference[0] = about.get("ignore") or 1
    sample = Sample("a", np.zeros((4, 4, 3), "float32"), reference, output)
    draw_samples(tmp_path / "a.png", [sample], DataSet("set", (("a",),), None, "mask", **about))
    (legend,) = drawn[0].legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("about", "texts"),
    [
        ({"classes": 3, "names": ("sky", "road", "car"), "ignore": 255}, ["sky", "road", "counts nowhere"]),
        ({"classes": 3}, ["class 0", "class 1"]),
        ({"classes": 1}, ["background", "class 1"]),
    ],
)
def test_a_class_map_has_a_legend(tmp_path, monkeypatch, about, texts):
    assert said(tmp_path, monkeypatch, **about) == texts
