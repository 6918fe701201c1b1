"""The log as TensorBoard reads it."""

import sys

import keras
import pytest

from keras_unetmm.training.events import Events
from keras_unetmm.training.folder import TrainingError

pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="touches no backend: once is enough")


def test_figures_stand_at_their_steps(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = Events(tmp_path)
    for step in (2, 4):
        events.add({"step": step, "loss": step / 2, "kodak24_psnr": 20.0 + step})
    read = EventAccumulator(str(tmp_path), {"tensors": 0}).Reload()
    for name, values in (("loss", [1, 2]), ("kodak24_psnr", [22, 24])):
        assert [event.step for event in read.Tensors(name)] == [2, 4]
        assert [event.tensor_proto.float_val[0] for event in read.Tensors(name)] == values


def test_without_tensorboard_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(TrainingError, match=r"--tensorboard needs TensorBoard.*pip install tensorboard"):
        Events(tmp_path)
