"""Files of other widths, edited, against files of these widths: those of `keras_unetmm.training.skeletons`."""

import numpy as np
from checks import ON_TORCH

from keras_unetmm.planner.planner import plan
from keras_unetmm.pruning.sized_files import SizedFiles, kinds
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.training.skeletons import _stored as stored

pytestmark = ON_TORCH
WIDTHS = 32, 16, 8


def sizes(content):
    """What each operator of a file reads and makes."""
    graph = read(content).main
    both = ((op.name, (*op.inputs, *op.outputs)) for op in graph.operators)
    return [(name, [(graph.tensors[i].shape, graph.tensors[i].type) for i in tensors if i >= 0]) for name, tensors in both]


def test_a_file_is_edited_once_its_kinds_are_known():
    files, units, asked = SizedFiles(), {"all": np.arange(32)}, []

    def file(width, units=units):
        def convert():
            asked.append(width)
            return stored(f"unet-width{width}-sat")

        return files.file(units, set(range(len(units["all"]) - width)), convert)

    files.begin(units, stored("unet-width32-sat"))
    assert file(16) == stored("unet-width16-sat")
    edited, real = file(8), stored("unet-width8-sat")
    assert asked == [16]
    assert files.converted == 2
    assert sizes(edited) == sizes(real)
    assert plan(edited).planned.placement.head == plan(real).planned.placement.head
    assert file(8, {"all": np.arange(20)}) == edited  # of a graph built again
    assert sizes(file(32)) == sizes(stored("unet-width32-sat"))


def test_other_operators_are_converted_each_time():
    files, units = SizedFiles(), {"all": np.arange(32)}
    files.begin(units, stored("unet-width32-sat"))
    for _ in range(2):
        assert files.file(units, {0}, lambda: stored("unet-width16-full")) == stored("unet-width16-full")
    assert files.converted == 3


def test_channels_of_the_same_layers_are_of_one_kind():
    units = {"a": np.array([0, 1, 2]), "b": np.array([2, 3]), "c": np.array([4, 4])}
    assert list(kinds(units).values()) == [[0, 1], [2], [3], [4]]
