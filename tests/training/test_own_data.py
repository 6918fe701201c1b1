"""`unetmm train --task` as a user meets it: the recipe, the table, a run that goes on, and what is refused."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.cli.own_data import OwnData
from keras_unetmm.training import load_recipe
from keras_unetmm.training.fit import chosen, footprint, parsed_budget
from keras_unetmm.training.recipe import read
from keras_unetmm.training.rows import ROWS, row_of
from keras_unetmm.training.tasks import Task, recipe_text

RNG = np.random.default_rng(0)


def photographs(folder, count=6, size=(40, 48)):
    folder.mkdir(parents=True)
    for i in range(count):
        Image.fromarray(RNG.integers(0, 256, (*size, 3)).astype("uint8")).save(folder / f"IMG_{i}.JPG")
    return folder


def masks(folder, count=6, size=(40, 48), value=255):
    folder.mkdir(parents=True)
    for i in range(count):
        mask = np.zeros(size, "uint8")
        mask[8:30, 8 + i : 30] = value
        Image.fromarray(mask).save(folder / f"IMG_{i}_mask.png")
    return folder


def unetmm(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def trained(out, *arguments):
    return unetmm("train", "--out", out, *arguments)


def test_segmenting_a_folder_trains_goes_on_and_is_measured_without_naming_the_data(tmp_path):
    images, labels = photographs(tmp_path / "photos"), masks(tmp_path / "masks")
    command = ("--task", "segment", "--images", images, "--masks", labels, "--size", "32x32", "--network", "unet-width4-sat")
    command = (*command, "--steps", "2", "--batch", "2", "--class-weight", "balanced")
    Image.fromarray(np.zeros((8, 8), "uint8")).save(labels / "spare.png")
    done = trained(tmp_path / "run", *command)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("Warning: ") == done.stderr.count("1 files belong to no image") == 1
    assert "own_data.py" not in done.stderr
    assert "photos train 32x32: 5 examples; 5 looked at" in done.output
    assert re.search(r"1 foreground: \d\d\.\d% of the pixels, in 5 of 5", done.output)
    with Image.open(tmp_path / "run" / "examples.png") as sheet:
        assert sheet.size == (480, 5 * 256)
    recipe = load_recipe(tmp_path / "run" / "recipe.py")
    assert recipe.device_size == (32, 32)
    assert recipe.loss().class_weight[1] > 1 > recipe.loss().class_weight[0]
    again = trained(tmp_path / "run", *command)
    assert again.exit_code == 0, again.output
    assert "going on at step 2 of 2" in again.output
    assert "looked at" not in again.output
    measured = unetmm("evaluate", tmp_path / "run", "--json")
    assert measured.exit_code == 0, measured.output
    assert set(json.loads(measured.stdout)["validation"]) >= {"dice", "mean_iou", "boundary_f1", "hausdorff95"}
    other = trained(tmp_path / "run", *command, "--seed", "1")
    assert other.exit_code == 2
    assert "holds another run: its recipe has another text" in other.stderr
    first = unetmm("firmware", tmp_path / "run")
    assert first.exit_code == 2
    assert "Run unetmm convert" in first.stderr


@pytest.mark.parametrize("task", ["denoise", "deblur", "upscale x2"])
def test_show_prints_a_recipe_that_can_be_run(tmp_path, monkeypatch, task):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow refuses twice as many
    images = photographs(tmp_path / "photos", size=(41, 48))
    done = unetmm("train", "--task", task, "--images", images, "--patch", "32", "--show")
    assert done.exit_code == 0, done.output
    path = tmp_path / "recipe.py"
    path.write_text(done.stdout)
    recipe = load_recipe(path)
    dataset = read(recipe.train, "/", False)
    assert len(dataset) == 5
    assert dataset[0][0].shape == ((40 if "upscale" in task else 41), 48, 3)
    assert len(read(recipe.evaluate["validation"], "/", False)) == 1
    clean = np.full((1, 16, 16, 3), 0.5) + np.linspace(0, 0.2, 16)[:, None]
    assert recipe.degrade(clean, rng=np.random.default_rng(0)).shape == clean.shape


def test_references_and_a_folder_to_validate_with(tmp_path):
    spoilt, clean = photographs(tmp_path / "noisy"), photographs(tmp_path / "clean")
    more, more_clean = photographs(tmp_path / "v", 2), photographs(tmp_path / "vc", 2)
    command = ("train", "--task", "denoise", "--images", spoilt, "--references", clean, "--patch", "32", "--show")
    done = unetmm(*command, "--validation", more, "--validation-masks", more_clean)
    assert done.exit_code == 0, done.output
    (tmp_path / "recipe.py").write_text(done.stdout)
    recipe = load_recipe(tmp_path / "recipe.py")
    assert recipe.degrade is None
    assert [len(read(reader, "/", False)) for reader in (recipe.train, recipe.evaluate["validation"])] == [6, 2]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a,b", {"background": 0, "a": 1, "b": 2}),
        ("background,a", {"background": 0, "a": 1}),
        ("a=7,b=200", {"background": 0, "a": 7, "b": 200}),
        ("sky=0,road=1", {"sky": 0, "road": 1}),
        ("a=#ff0000,b=#00ff00", {"background": "#000000", "a": "#ff0000", "b": "#00ff00"}),
    ],
)
def test_classes(text, table, tmp_path):
    from keras_unetmm.cli.class_table import class_table

    assert class_table(text) == table
    path = tmp_path / "classes.csv"
    path.write_text("name,r,g,b\nVoid,0,0,0\nCar,64,0,128\n")
    assert class_table(str(path)) == {"Void": "#000000", "Car": "#400080"}


@pytest.mark.no_backend
def test_a_file_of_classes_of_which_some_have_values_is_refused(tmp_path):
    from keras_unetmm.cli.class_table import class_table

    path = tmp_path / "classes.csv"
    path.write_text("sky,0\nroad,7\n")
    assert class_table(str(path)) == {"sky": 0, "road": 7}
    path.write_text("sky\nroad\n")
    assert class_table(str(path)) == {"background": 0, "sky": 1, "road": 2}
    path.write_text("sky,0\nroad\n")
    with pytest.raises(ValueError, match="Received: 'road' without"):
        class_table(str(path))


@pytest.mark.no_backend
def test_the_table_of_what_fits():
    budget = parsed_budget("128K@64x96")
    assert (budget.ram, budget.size) == (131072, (64, 96))
    for wrong in ("128K", "128K@100x100", "x@64x64", "128K@8x16"):
        with pytest.raises(ValueError, match="--fit"):
            parsed_budget(wrong)
    rows = [row_of("segment", name) for name in ("unet-width4-sat", "unet-width8-sat", "unet-width8-full")]
    found = [footprint(row, (64, 96), 3, 2) for row in rows]
    assert found[0].ram < found[1].ram < found[2].ram
    assert chosen(found, found[1].ram).row.name == "unet-width8-sat"
    with pytest.raises(ValueError, match=r"the smallest, unet-width4-sat, takes [\d,]+\. Give it"):
        chosen(found, 1000)
    larger = footprint(rows[0], (64, 192), 3, 2)
    assert larger.macs == 2 * found[0].macs
    assert footprint(rows[0], (64, 96), 1, 5).macs != found[0].macs
    assert set(ROWS) == {"denoise", "deblur", "upscale", "segment"}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("--task", "paint", "--images", "{i}"), "task must be one of"),
        (("--task", "segment"), "--images must be the folder"),
        (("--task", "segment", "--images", "{i}"), "masks, such as x.jpg and x_mask.png"),
        (("--task", "segment", "--images", "{i}", "--masks", "{m}", "--classes", "a=1,b"), "--classes must be"),
        (("--task", "segment", "--images", "{i}", "--masks", "{m}", "--classes", "a=7"), "Received: 0, 255"),
        (("--task", "denoise", "--images", "{i}"), "--patch must be as large as the smallest image"),
        (("--task", "denoise", "--images", "{m}", "--masks", "{m}"), "masks are for segment"),
        (("--task", "denoise", "--images", "{empty}"), "at least one of photographs"),
        (("--task", "segment", "--images", "{i}", "--masks", "{m}", "--fit", "1K@64x64"), "--fit must leave room"),
        (("--task", "denoise", "--images", "{i}", "--network", "resnet", "--patch", "32"), "network of the task denoise"),
        ((), "RECIPE.py or --task must be given"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, arguments, match):
    places = {"i": photographs(tmp_path / "i"), "m": masks(tmp_path / "m"), "empty": tmp_path / "empty"}
    places["empty"].mkdir()
    monkeypatch.setitem(ROWS, "segment", ROWS["segment"][:2])
    done = unetmm("train", "--out", tmp_path / "run", *(word.format(**places) for word in arguments))
    assert done.exit_code == 2, done.output
    assert match in re.sub(r"\s+", " ", done.stderr)
    assert not (tmp_path / "run" / "run.json").exists()


def test_all_fields_of_the_command_reach_the_recipe():
    task = Task(task="segment", images="i", masks="m", classes={"background": 0, "a b": 9}, ignore=255, seed=3, steps=7)
    text = recipe_text(task, "unetmm train")
    assert "ignore=255" in text
    assert "seed=3" in text
    assert "steps=7" in text
    assert '"a b": 9' in text
    assert set(OwnData.__dataclass_fields__) >= {"task", "images", "masks", "classes", "fit"}
