"""The file of skeletons fits the code: the rows' networks, and what the conversion makes of them.

Where a test fails after a change of networks, rows or conversion, run python -m keras_unetmm.training.make_skeletons.
"""

import json
import zipfile
from collections import Counter
from functools import partial

import numpy as np
import pytest

from keras_unetmm import models, skips
from keras_unetmm.conversion.convert import convert
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.training.make_skeletons import SIZES, WEIGHTED, emptied
from keras_unetmm.training.rows import ROWS
from keras_unetmm.training.skeletons import CHANNELS, CLASSES, PATH, SIZE, changed, cuts_of, skeleton

EVERY = {row.name: row for rows in ROWS.values() for row in rows}


def network(row, channels, classes):
    return eval(row.text(channels, classes), {"partial": partial, "models": models, "skips": skips})


def test_every_row_has_one_and_its_family_has_cuts():
    with zipfile.ZipFile(PATH) as archive:
        names = set(archive.namelist())
        cuts = json.loads(archive.read("cuts.json"))
    assert names == {*(f"{name}.tflite" for name in EVERY), "cuts.json"}
    assert {tuple(map(tuple, each)) for each in cuts.values()} == {tuple(map(tuple, cuts_of(row))) for row in EVERY.values()}
    for row in EVERY.values():
        last = len(read(skeleton(row, 3, 2)).main.operators)
        assert 1 <= len(cuts_of(row)) <= len(SIZES)
        assert all(0 < place < last for places in cuts_of(row) for place in places)


@pytest.mark.parametrize("name", EVERY)
def test_it_has_as_many_weights_as_its_network(name):
    model = abstract_build(network(EVERY[name], 3, 2))
    kernels = [w.shape for layer in model._flatten_layers() for w in layer._trainable_variables if len(w.shape) == 4]
    graph = read(skeleton(EVERY[name], 3, 2)).main
    weights = [graph.tensors[op.inputs[1]].shape for op in graph.operators if op.name in WEIGHTED]
    assert sum(map(np.prod, weights)) == sum(map(np.prod, kernels))


@pytest.mark.parametrize("name", ["unet-width4-sat"])
def test_it_has_the_operators_of_a_conversion(name):
    image = np.random.default_rng(0).random((*SIZE, 3), "float32")
    made = read(emptied(convert(network(EVERY[name], 3, 2)(), [image], size=SIZE, output_kind="values"))).main
    kept = read(skeleton(EVERY[name], 3, 2)).main
    assert operators(made) == operators(kept)
    with zipfile.ZipFile(PATH) as archive:
        stored = archive.read(f"{name}.tflite")
    assert operators(read(changed(stored, {CHANNELS: 3, CLASSES: 5})).main) != operators(kept)


def operators(graph):
    """What operators there are, in whatever order: their names, and the shapes that they give."""
    return Counter((op.name, tuple(tuple(graph.tensors[i].shape) for i in op.outputs)) for op in graph.operators)
