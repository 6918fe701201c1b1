"""A folder of results: what is kept of pictures and volumes, what goes on, what is refused."""

import errno
import json
import os

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keras_unetmm import models
from keras_unetmm.cli import app
from keras_unetmm.data.images import DamagedFileError, read_pixels
from keras_unetmm.prediction import PredictionError, files, load_predictor, predict_folder
from keras_unetmm.prediction.folder import Settings

RNG = np.random.default_rng(0)


def restorer(channels=3):
    """A network that gives its image back: its last convolution is zero, and the image is added."""
    model = models.NAFNet(
        "mcu_width16", width=4, encoder_depths=(1,), middle_depth=0, decoder_depths=(1,), input_shape=(None, None, channels)
    )
    head = model.get_layer("head")
    head.set_weights([np.zeros_like(w) for w in head.get_weights()])
    return load_predictor(model)


def segmenter(classes=3):
    return load_predictor(models.UNet("mcu_width8", channels=4, levels=2, classes=classes, input_shape=(None, None, 3)))


def photographs(folder):
    folder.mkdir()
    pixels = RNG.integers(0, 256, (37, 51, 3)).astype("uint8")
    exif = Image.Exif()
    exif[271], exif[274] = "a camera", 6
    Image.fromarray(pixels).save(folder / "a.PNG", exif=exif)
    Image.fromarray(pixels).save(folder / "b.jpg", exif=exif, quality=100)
    deep = RNG.integers(0, 65536, (20, 30)).astype("uint16")
    (folder / "below").mkdir()
    Image.fromarray(deep).save(folder / "below" / "c.tif")
    return pixels, deep


def test_bits_and_exif_are_kept(tmp_path):
    pixels, deep = photographs(tmp_path / "in")
    done = predict_folder(restorer(), tmp_path / "in", tmp_path / "out")
    assert [path.name for path in done.written] == ["a.png", "b.png", "c.tif"]
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.getexif()[271] == "a camera"
        assert 274 not in image.getexif()  # it is turned
        np.testing.assert_array_equal(np.asarray(image), np.rot90(pixels, -1))
    np.testing.assert_array_equal(read_pixels(tmp_path / "out" / "below" / "c.tif", 3)[..., 0], deep)
    with Image.open(done.sheet) as image:
        assert image.size == (480, 3 * 256)
    done = predict_folder(restorer(1), tmp_path / "in" / "below", tmp_path / "gray")
    with Image.open(done.written[0]) as image:
        assert image.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(image), deep)


def test_deep_colours_keep_their_exif(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pixels = RNG.integers(0, 65536, (20, 30, 3)).astype("uint16")
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "x.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    first = predict_folder(restorer(), path, tmp_path / "once").written[0]
    np.testing.assert_array_equal(read_pixels(first, 3), pixels)
    exif = Image.Exif()
    exif[271] = "a camera"
    from keras_unetmm.prediction.files import Input, write_picture

    write_picture(path, pixels / 65535, Input(path, pixels, {"exif": exif.tobytes(), "icc_profile": b"any"}))
    with Image.open(path) as image:
        assert image.getexif()[271] == "a camera"
        assert image.info["icc_profile"] == b"any"
    np.testing.assert_array_equal(read_pixels(path, 3), pixels)


def test_it_goes_on_and_refuses_results_of_another_model(tmp_path):
    photographs(tmp_path / "in")
    network = segmenter()
    done = predict_folder(network, tmp_path / "in", tmp_path / "out")
    assert done.before == 0
    mask = tmp_path / "out" / "a_mask.png"
    before = mask.stat().st_mtime_ns
    (tmp_path / "out" / "b_mask.png").unlink()
    (tmp_path / "out" / "mine.txt").write_text("stays")
    done = predict_folder(network, tmp_path / "in", tmp_path / "out")
    assert done.before == 2
    assert mask.stat().st_mtime_ns == before
    assert (tmp_path / "out" / "b_mask.png").is_file()
    flips = Settings(flips=True)
    with pytest.raises(PredictionError, match="holds results of unet, other weights or settings"):
        predict_folder(network, tmp_path / "in", tmp_path / "out", flips)
    done = predict_folder(network, tmp_path / "in", tmp_path / "out", Settings(flips=True, overwrite=True))
    assert done.before == 0
    assert (tmp_path / "out" / "mine.txt").read_text() == "stays"
    with pytest.raises(PredictionError, match="another folder than the images'"):
        predict_folder(network, tmp_path / "in", tmp_path / "in")
    with pytest.raises(PredictionError, match="with other files"):
        predict_folder(network, tmp_path / "in", tmp_path)


def test_a_full_disk(tmp_path, monkeypatch):
    photographs(tmp_path / "in")

    def full(path, labels):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_mask", full)
    with pytest.raises(PredictionError, match=r"out cannot be written: No space left on device\. Free space.*goes on"):
        predict_folder(segmenter(), tmp_path / "in", tmp_path / "out")


def test_masks_as_labels_colours_overlays_and_floats(tmp_path):
    photographs(tmp_path / "in")
    every = Settings(save=("indices", "colours", "overlays", "floats"))
    predict_folder(segmenter(), tmp_path / "in", tmp_path / "out", every)
    scores = np.load(tmp_path / "out" / "a_scores.npy")
    assert scores.shape == (51, 37, 3)
    with Image.open(tmp_path / "out" / "a_mask.png") as image:
        labels = np.asarray(image)
    np.testing.assert_array_equal(labels, scores.argmax(-1))
    for name in ("a_colours.png", "a_overlay.png"):
        with Image.open(tmp_path / "out" / name) as image:
            assert (image.mode, image.size) == ("RGB", (37, 51))
    with pytest.raises(PredictionError, match="save must be some of"):
        Settings(save=("masks",))


def test_a_damaged_file(tmp_path):
    photographs(tmp_path / "in")
    (tmp_path / "in" / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(DamagedFileError, match=r"b.jpg"):
        predict_folder(restorer(), tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out" / "a.png").is_file()
    done = predict_folder(restorer(), tmp_path / "in", tmp_path / "out", Settings(on_error="skip"))
    assert [path.name for path, _ in done.skipped] == ["b.jpg"]
    assert done.before == 1


def test_volumes_lie_as_they_did(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    model = models.LUnet("harp_width2", levels=2, convolutions=1, classes=1)
    model.set_weights([w + RNG.normal(scale=0.3, size=w.shape) for w in model.get_weights()])
    values = RNG.normal(size=(8, 10, 12)).astype("float32")
    affine = np.array([[0, 0, -2.0, 9], [1.0, 0, 0, 5], [0, -1.5, 0, 3], [0, 0, 0, 1]])
    (tmp_path / "in").mkdir()
    nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "in" / "x.nii.gz")
    network = load_predictor(model)
    kernel, bias = model.get_layer("head").get_weights()
    median = np.median(network.run(RNG.normal(size=(1, 8, 10, 12, 1)).astype("float32")))
    model.get_layer("head").set_weights([kernel, bias - np.log(median / (1 - median))])  # half of it is marked
    path = predict_folder(network, tmp_path / "in", tmp_path / "out").written[0]
    made = nibabel.load(path)
    np.testing.assert_allclose(made.affine, affine)
    assert made.shape == (8, 10, 12)
    turned = nibabel.as_closest_canonical(nibabel.Nifti1Image(values, affine))
    plain = np.asarray(turned.dataobj)
    plain = (plain - plain.mean()) / plain.std()
    want = network.run(plain.T[None, ..., None].astype("float32"))[0, ..., 0].T > 0.5
    got = np.asarray(nibabel.as_closest_canonical(made).dataobj)
    np.testing.assert_array_equal(got, want)
    assert 0 < got.mean() < 1


def test_the_command(tmp_path):
    photographs(tmp_path / "in")
    model = models.NAFNet("mcu_width16", width=4, encoder_depths=(1,), middle_depth=0, decoder_depths=(1,))
    model.save(tmp_path / "m.keras")
    command = ["predict", str(tmp_path / "m.keras"), str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(app, [*command, "--window", "32"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert len(said["written"]) == 3
    assert "by windows of 32x32" in result.stderr
    wrong = CliRunner().invoke(app, ["predict", "nothing", str(tmp_path / "in"), "-o", str(tmp_path / "out")])
    assert wrong.exit_code == 2
    assert "MODEL must be a run's folder" in wrong.stderr
