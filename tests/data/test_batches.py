"""Batches: a function of the seed and the number, with the same windows and turns for input and target."""

import functools

import keras
import numpy as np
import pytest

from keras_unetmm.data import Batches, DamagedFileError, DataSet
from keras_unetmm.data.decoded import Decoded
from keras_unetmm.data.windows import window

HEIGHT, WIDTH = 24, 32


def marked(count=5, target="mask", classes=4, ignore=None, size=(HEIGHT, WIDTH)):
    """Examples whose target can be told from the image: every pixel's value is its place, the target its value mod 4."""

    def read(example):
        image = (np.arange(np.prod(size)).reshape(*size, 1) * 7 + example[1] * 31).astype("uint8")
        if target == "class":
            return image, example[1]
        return image, image[..., 0] % 4 if target == "mask" else image // 2

    return DataSet("marked", tuple((f"{i}.png", i) for i in range(count)), read, target, classes, ignore)


def bytes_of(inputs):
    return np.rint(inputs * 255).astype("int32")


def test_a_batch_is_a_function_of_its_number():
    first, again, other = (Batches(marked(), 2, patch=8, augment=("flip", "rotate90"), seed=seed) for seed in (0, 0, 1))
    ahead = list(first.stream(3, 9, workers=3))
    for number, batch in enumerate(ahead, 3):
        for array, expected in zip(batch, again.numbered(number), strict=True):
            np.testing.assert_array_equal(array, expected)
    assert any((a[0] != b[0]).any() for a, b in zip(ahead, other.stream(3, 9), strict=True))


def test_every_example_comes_once_before_any_comes_again():
    batches = Batches(marked(target="class"), 3, patch=8)
    seen = [int(target) for batch in batches.stream(0, 10) for target in batch[1]]
    assert [sorted(seen[i : i + 5]) for i in range(0, 30, 5)] == [[0, 1, 2, 3, 4]] * 6
    assert seen[:5] != seen[5:10]


def test_keras_goes_on_with_the_next_epoch():
    batches = Batches(marked(), 2, steps=3, patch=8)
    epoch = [batches[i] for i in range(len(batches))]
    batches.on_epoch_end()
    np.testing.assert_array_equal(batches[0][0], batches.numbered(3)[0])
    assert (batches[0][0] != epoch[0][0]).any()


@pytest.mark.parametrize("target", ["mask", "image"])
def test_input_and_target_get_the_same_window_and_turns(target):
    batches = Batches(marked(target=target), 4, patch=(8, 12), augment=("flip", "rotate90"))
    for inputs, targets in batches.stream(0, 6):
        assert inputs.shape == (4, 8, 12, 1)
        assert inputs.dtype == "float32"
        if target == "mask":
            assert targets.shape == (4, 8, 12, 1)
            np.testing.assert_array_equal(bytes_of(inputs) % 4, targets)
        else:
            np.testing.assert_array_equal(bytes_of(inputs) // 2, bytes_of(targets))


LAYERS = [
    functools.partial(keras.layers.RandomFlip, "horizontal_and_vertical"),
    functools.partial(keras.layers.RandomRotation, 0.5, fill_mode="constant", interpolation="nearest"),
    functools.partial(keras.layers.RandomTranslation, 0.3, 0.3, fill_mode="wrap", interpolation="nearest"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=["flip", "rotation", "translation"])
def test_layers_of_keras_transform_masks_like_images(layer):
    batches = Batches(marked(), 4, patch=16, augment=(layer,))
    plain = Batches(marked(), 4, patch=16)
    moved = 0
    for number in range(3):
        inputs, targets = batches.numbered(number)
        np.testing.assert_array_equal(bytes_of(inputs) % 4, targets)
        moved += (inputs != plain.numbered(number)[0]).any()
        np.testing.assert_array_equal(inputs, batches.numbered(number)[0])  # random, but by its number
    assert moved


def test_a_degradation_makes_the_input():
    def darker(images, rng):
        return images * rng.uniform(0.4, 0.6)

    inputs, targets = Batches(marked(target="image"), 2, patch=8, degrade=darker, normalize=(0.5, 0.25)).numbered(0)
    ratio = (inputs * 0.25 + 0.5) / np.maximum(targets, 1e-6)
    assert 0.4 < np.median(ratio) < 0.6
    assert np.ptp(ratio[targets > 0.1]) < 1e-4


def test_what_is_smaller_than_the_window_is_padded():
    dataset = marked(ignore=255)
    image, mask = window(dataset, *dataset[0], (HEIGHT + 4, WIDTH))
    assert image.shape == (HEIGHT + 4, WIDTH, 1)
    assert (mask[:2] == 255).all()
    assert (mask[-2:] == 255).all()
    np.testing.assert_array_equal(mask[2:-2], dataset[0][1])
    with pytest.raises(ValueError, match=r"images of marked must be at least 99x99, the patch. Received: 24x32x1"):
        window(marked(target="image"), *marked(target="image")[0], 99)


def broken(dataset, *bad):
    def read(example):
        if example[1] in bad:
            raise DamagedFileError(f"{example[0]} cannot be read as an image: cut off.")
        return dataset.read(example)

    return DataSet(dataset.name, dataset.examples, read, dataset.target, dataset.classes)


def test_a_damaged_file_is_named_and_refused_or_skipped():
    dataset = broken(marked(target="class"), 2)
    with pytest.raises(DamagedFileError, match=r"2.png cannot be read"):
        list(Batches(dataset, 5, patch=8).stream(0, 1))
    with pytest.warns(UserWarning, match=r"2.png cannot be read as an image: cut off. The next example takes its place"):
        _, targets = Batches(dataset, 5, patch=8, on_error="skip").numbered(0)
    assert 2 not in targets
    with pytest.warns(FutureWarning, match="damaged is now called on_error"):
        assert Batches(dataset, 5, patch=8, damaged="skip").on_error == "skip"
    with (
        pytest.warns(UserWarning, match="takes its place"),
        pytest.raises(ValueError, match="marked holds no example that can be read"),
    ):
        Batches(broken(marked(), *range(5)), 1, patch=8, on_error="skip").numbered(0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "batch must be a positive integer. Received: 0"),
        ({"on_error": "ignore"}, 'on_error must be "raise" or "skip". Received: \'ignore\''),
        ({"augment": "flip"}, "augment must be a tuple"),
        (
            {"augment": (lambda: keras.layers.Dense(1),)},
            "return random image layers of keras.layers. Received: a Dense",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Batches(marked(), **{"batch": 1, **arguments})


def test_examples_of_several_sizes_need_a_patch():
    small, large = marked(1), marked(1, size=(HEIGHT, WIDTH + 2))
    both = DataSet("both", ((0,), (1,)), lambda example: (small, large)[example[0]][0], "mask", 4)
    with pytest.raises(ValueError, match=r"must have one size. Received: 24x32x1, 24x34x1. Give the recipe a patch"):
        Batches(both, 2).numbered(0)


class Reads(list):
    """Of a reader, which they say nothing about."""

    def __repr__(self):
        return "reads"


def counted(dataset):
    reads, way = Reads(), dataset.read

    def read(example):
        reads.append(example[1])  # as one step, whatever the threads do
        return way(example)

    return DataSet(dataset.name, dataset.examples, read, dataset.target, dataset.classes), reads


@pytest.mark.parametrize("target", ["mask", "image", "class"])
def test_a_cache_reads_each_example_once_and_for_all_runs(tmp_path, target):
    for again in range(2):
        dataset, reads = counted(marked(target=target))
        batches = Batches(dataset, 2, patch=8, cache=tmp_path / "cache")
        for number, batch in enumerate(batches.stream(0, 6, workers=1)):
            for array, expected in zip(batch, Batches(marked(target=target), 2, patch=8).numbered(number), strict=True):
                np.testing.assert_array_equal(array, expected)
        assert sorted(reads) == ([] if again else [0, 1, 2, 3, 4])
    assert not list((tmp_path / "cache").glob(".*")), "a file half written"


def test_a_cache_tells_ways_of_reading_and_changed_files_apart(tmp_path):
    (tmp_path / "a.txt").write_text("1")

    def scaled(factor, example):
        return (np.full((2, 2, 1), factor * int(example[0].read_text()), "uint8"),) * 2

    def cached(factor):
        dataset = DataSet("files", ((tmp_path / "a.txt",),), functools.partial(scaled, factor))
        return int(Decoded(dataset, tmp_path / "cache")[0][0][0, 0, 0])

    assert (cached(1), cached(3), cached(1)) == (1, 3, 1)
    (tmp_path / "a.txt").write_text("20")
    assert cached(3) == 60


def test_memory_holds_what_its_budget_allows():
    dataset, reads = counted(marked())
    held = Decoded(dataset, memory=2 * HEIGHT * WIDTH * 2)
    for _ in range(3):
        for index in range(5):
            held[index]
    assert sorted(reads) == [0, 1, *sorted([2, 3, 4] * 3)]


def test_fit_takes_them_as_they_are():
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, padding="same")(inputs))
    model.compile("sgd", "mse")
    history = model.fit(Batches(marked(target="image"), 2, steps=2, patch=8), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
