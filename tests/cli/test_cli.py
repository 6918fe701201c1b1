"""The command line: what each command prints and writes, and one message for bad input.

One file although it is long: all of it is called in one folder of small files.
"""

import dataclasses
import importlib.util
import json
import os
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from checks import ONE_BACKEND
from PIL import Image
from tflite import files
from tflite.compilers import pretend
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder
from typer.testing import CliRunner

from keras_unetmm import models
from keras_unetmm.analysis import catalogue
from keras_unetmm.cli import app
from keras_unetmm.conversion import file_passes
from keras_unetmm.interpreters import runtime
from keras_unetmm.interpreters.runtime import MissingRuntimeError, run
from keras_unetmm.models import lunet, nafnet
from keras_unetmm.planner import planner
from keras_unetmm.planner import report as reports
from keras_unetmm.quantization.quantize import quantize_aware
from keras_unetmm.runtime import cross_check as cross_checks
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.metadata import metadata


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.tflite").write_bytes(files.unet())
    (tmp_path / "cut.tflite").write_bytes(files.unet()[:300])
    (tmp_path / "words.tflite").write_text("these are not tensors")
    net = Network(dtype="float32")
    (tmp_path / "float.tflite").write_bytes(net.file(net.unary("RELU", net.input(1, 4))))
    (tmp_path / "images").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_text("no image")
    rng = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), "uint8")).save(tmp_path / "images" / f"{i}.png")
    return tmp_path


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    saved(folder / "open.keras")
    saved(folder / "fixed.keras", input_shape=(16, 16, 3))
    return folder


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def plan_alone(*arguments):
    """`unetmm plan` without the engine's figures, which take a second process."""
    return call("plan", "--no-predict", *arguments)


def saved(path, **arguments):
    models.NAFNet(width=8, encoder_depths=(1,), middle_depth=1, decoder_depths=(1,), norm="batch", **arguments).save(path)
    return path


def test_models_lists_every_row(here, monkeypatch):
    networks = {network.build: network for network in catalogue.NETWORKS}
    few = dataclasses.replace(networks[models.NAFNet], rows={"sidd_width32": nafnet.VARIANTS["sidd_width32"]})
    monkeypatch.setattr(catalogue, "NETWORKS", [few, networks[models.LUnet]])
    printed = json.loads(call("models", "--json").stdout)
    rows = [(entry["name"], entry["row"]) for entry in printed]
    assert rows == [("NAFNet", "sidd_width32")] + [("LUnet", row) for row in lunet.VARIANTS]
    assert printed[0] == {
        "name": "NAFNet",
        "row": "sidd_width32",
        "input": [256, 256, 3],
        "parameters": 29_159_715,
        "trainable": 29_159_715,
        "macs": 16_228_611_712,
        "skip_bytes": 3_932_160,
        "paper": "arXiv 2204.04676",
    }
    table = call("models").stdout
    assert all(word in table for word in ("sidd_width32", "29,159,715", "16,229 M", "3,840", "table_width4", "64x64x64x1"))


def test_plan_prints_a_table_and_one_json_object(here):
    assert "768 B" in plan_alone("model.tflite").stdout
    result = plan_alone("model.tflite", "--json", "--picture", "arena.svg", "--kernels", "reference")
    printed = json.loads(result.stdout)
    assert printed["as_is"]["order_bound"] == 768
    assert printed["planned"]["kernels"] == "reference"
    assert "<svg" in (here / "arena.svg").read_text()


def test_plan_predicts_the_instructions_of_one_image_on_the_engine(here):
    found = json.loads(call("plan", "model.tflite", "--json").stdout)["engine"]
    assert found["schedule"] in ("rows", "whole")
    assert set(found["predicted"]) == {"cortex-m4", "cortex-m7", "cortex-m55"}
    said = call("plan", "model.tflite").stdout
    assert f"Cortex-M7: {found['predicted']['cortex-m7']['instructions']:,}" in said
    assert "engine" not in json.loads(plan_alone("model.tflite", "--json").stdout)
    assert "are not predicted: " in call("plan", "float.tflite").stdout


def test_plan_writes_a_file_that_gives_the_same_and_needs_less(here):
    printed = json.loads(plan_alone("model.tflite", "-o", "planned.tflite", "--json").stdout)
    x = np.random.default_rng(0).integers(-128, 128, (1, 8, 8, 4)).astype("int8")
    as_is, planned = (run(here / name, x, "tflm") for name in ("model.tflite", "planned.tflite"))
    np.testing.assert_array_equal(as_is.outputs[0], planned.outputs[0])
    assert planned.arena.head == printed["planned"]["head"] < as_is.arena.head
    again = json.loads(plan_alone("planned.tflite", "-o", "again.tflite", "--json").stdout)
    assert again["as_is"]["greedy_head"] == again["planned"]["head"] == planned.arena.head
    assert "byte for byte" in plan_alone("model.tflite", "-o", "planned.tflite").stdout


def test_an_arena_that_only_the_planned_file_fits_into(here):
    printed = json.loads(plan_alone("model.tflite", "--json").stdout)
    assert printed["planned"]["measured"]["total"] < printed["as_is"]["measured"]["total"]
    roomy = plan_alone("model.tflite", "--arena", "1M", "--json")
    arena = json.loads(roomy.stdout)["arena"]
    assert (arena["judged"], arena["fits"], arena["left"]) == ("planned", True, 2**20 - arena["needed"])
    assert arena["needed"] >= printed["planned"]["measured"]["total"]
    for more in ((), ("-o", "planned.tflite")):
        needed = arena["needed"]
        fitting, tight = (plan_alone("model.tflite", "--arena", size, *more) for size in (needed, needed - 24))
        assert (fitting.exit_code, tight.exit_code) == (0, 2)
        assert "fits, 0 bytes left" in fitting.stdout
        assert "short by 24 bytes" in tight.stdout
        assert "short by 24 bytes" in tight.stderr
    short = plan_alone("model.tflite", "--arena", "1K", "--json")
    assert short.exit_code == 2
    assert json.loads(short.stdout)["arena"] == {**arena, "arena": 1024, "left": 1024 - arena["needed"], "fits": False}


def test_an_arena_too_small_says_what_would_need_less(here):
    short = plan_alone("model.tflite", "--arena", "1500", "--json")
    assert short.exit_code == 2
    kinds = [option["kind"] for option in json.loads(short.stdout)["advice"]]
    assert kinds[:3] == ["kernels", "engine", "tiles"]
    assert "advice" not in json.loads(plan_alone("model.tflite", "--arena", "1M", "--json").stdout)
    said = plan_alone("model.tflite", "--arena", "1500")
    assert "unetmm firmware model.tflite -o model_c" in said.stdout
    assert "This fits: unetmm firmware model.tflite" in " ".join(said.stderr.split())
    below = plan_alone("model.tflite", "--arena", "-5", "--json")
    assert below.exit_code == 2
    assert json.loads(below.stdout)["error"].startswith("--arena cannot be read")


def test_report_writes_one_page_of_a_file_or_a_preset(here):
    result = call("report", "model.tflite", "-o", "report.html")
    assert result.exit_code == 0, result.stderr
    text = (here / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "<h1>model.tflite</h1>" in text
    assert "unetmm firmware model.tflite -o model_c" in text
    assert "report.html: open it in a browser" in result.stdout
    assert call("report", "model.tflite", "-o", "report.txt").exit_code == 2
    assert "one of 'denoise" in call("report", "nobody", "-o", "report.html").stderr


def test_plan_works_where_tflm_is_not_installed(here, monkeypatch):
    def missing(runtime):
        raise MissingRuntimeError("tflm runs files by tflite-micro, which is not installed.")

    expected = json.loads(plan_alone("model.tflite", "--json").stdout)
    monkeypatch.setattr(runtime, "validate_installed", missing)
    result = plan_alone("model.tflite", "--arena", "1M", "--json")
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert printed["planned"]["head"] == expected["planned"]["head"]
    assert printed["planned"]["measured"] is None
    assert "not installed" in printed["why_not_measured"]
    assert printed["arena"]["estimated"] is True
    assert printed["arena"]["needed"] > printed["planned"]["head"]
    assert "Not measured: tflm runs files by tflite-micro" in plan_alone("model.tflite").stdout
    refused = plan_alone("model.tflite", "-o", "planned.tflite")
    assert refused.exit_code == 2


def test_a_file_that_tflm_does_not_run_fits_into_no_arena(here):
    content = files.build([((1, 16), None), ((1, 16), None)], [("GELU", [0], [1], None)], [0], [1])
    (here / "gelu.tflite").write_bytes(content)
    why = "0 GELU cannot run: TFLM has no operator GELU. Instead: x * sigmoid(1.702 x)"
    result = plan_alone("gelu.tflite", "--arena", "1M", "--json")
    assert result.exit_code == 2
    assert f"gelu.tflite does not run on TFLM, so it does not fit. {why}" in " ".join(result.stderr.split())
    printed = json.loads(result.stdout)
    assert printed["arena"]["left"] > 0
    assert (printed["arena"]["runs"], printed["arena"]["fits"]) == (False, False)
    assert printed["why_not_run"][0]["operators"] == ["0 GELU"]
    assert not any(option["fits"] for option in printed["advice"])
    table = " ".join(plan_alone("gelu.tflite", "--arena", "1M").stdout.split())
    assert "runs on TFLM │ no │ no" in table
    assert f"TFLM does not run this file: {why}" in table
    assert "arena of 1,048,576 bytes: does not fit: TFLM does not run this file" in table
    without = plan_alone("gelu.tflite")
    assert without.exit_code == 0
    assert "TFLM does not run this file:" in without.stdout
    assert "runs on TFLM │ yes │ yes" in " ".join(plan_alone("model.tflite").stdout.split())


def test_an_arena_too_small_writes_no_file(here):
    (here / "planned.tflite").unlink(missing_ok=True)
    assert plan_alone("model.tflite", "--arena", "1K", "-o", "planned.tflite").exit_code == 2
    assert not (here / "planned.tflite").exists()


def test_a_plan_that_changes_outputs_is_not_written(here, monkeypatch):
    found = planner.plan(here / "model.tflite")
    file = File(found.planned.content)
    file.set_plan(dict.fromkeys(range(7), 0))
    wrong = dataclasses.replace(found, planned=dataclasses.replace(found.planned, content=file.packed()))
    monkeypatch.setattr(reports, "plan", lambda file, kernels, seconds: wrong)
    result = plan_alone("model.tflite", "-o", "planned.tflite")
    assert result.exit_code == 2
    assert "must give the same bytes" in " ".join(result.stderr.split())
    assert not (here / "planned.tflite").exists()


def test_a_file_whose_outputs_cannot_be_compared_is_not_written(here):
    content = files.build([((1, 16), None), ((1, 16), None)], [("GELU", [0], [1], None)], [0], [1])
    (here / "gelu.tflite").write_bytes(content)
    assert "Not measured: TFLM has no operator GELU" in " ".join(plan_alone("gelu.tflite").stdout.split())
    result = plan_alone("gelu.tflite", "-o", "planned.tflite")
    assert result.exit_code == 2
    assert "TFLM has no operator GELU" in " ".join(result.stderr.split())
    assert not (here / "planned.tflite").exists()


@pytest.fixture
def without_tflm(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if "tflite_micro" in name else find(name, *rest)
    )


@pytest.mark.usefixtures("without_tflm")
def test_without_tflm_tiles_have_estimated_tails_and_pictures_are_predicted_on_litert(here):
    (here / "tiled.tflite").write_bytes(encoder_decoder(9))
    made = call("tile", "tiled.tflite", "--size", "48x32", "-o", "tiled")
    assert made.exit_code == 0, made.output
    assert "the tails are estimates" in " ".join(made.stderr.split())
    assert "run_tiled('tiled', image, 'litert-reference')" in made.stdout
    for source in ("tiled", "tiled.tflite"):
        done = call("predict", source, "images", "-o", f"{source}_predicted", "--kind", "image")
        assert done.exit_code == 0, done.output
        assert "LiteRT's reference kernels take its place" in " ".join(done.stderr.split())
        assert len(list((here / f"{source}_predicted").glob("?.png"))) == 3
    quiet = call("predict", "tiled", "images", "-o", "chosen", "--kind", "image", "--runtime", "litert")
    assert quiet.exit_code == 0
    assert "take its place" not in quiet.stderr


@pytest.mark.usefixtures("without_tflm")
def test_without_tflm_both_files_are_compared_on_litert_and_that_is_said(here, monkeypatch):
    result = plan_alone("model.tflite", "-o", "elsewhere.tflite")
    assert result.exit_code == 0, result.stderr
    assert (here / "elsewhere.tflite").is_file()
    said = " ".join(result.stdout.split())
    assert "LiteRT's reference kernels" in said
    assert "TFLM is not installed" in said
    assert "on TFLM, byte for byte" not in said
    ran = []
    monkeypatch.setattr(
        cross_checks,
        "run",
        lambda content, x, runtime: ran.append(runtime) or SimpleNamespace(outputs=[np.float32(len(ran))]),
    )
    assert plan_alone("model.tflite", "-o", "differs.tflite").exit_code == 2
    assert set(ran) == {"litert-reference"}
    assert not (here / "differs.tflite").exists()


def test_tile_prints_what_there_is(here):
    (here / "tiled.tflite").write_bytes(encoder_decoder(9))
    result = call("tile", "tiled.tflite", "--size", "48x32", "--picture", "trade.png", "--skips", "mixed")
    assert result.exit_code == 0, result.output
    assert "stock TFLM" in result.stdout
    with Image.open("trade.png") as picture:
        assert picture.size[0] > 500
    table = json.loads(call("tile", "tiled.tflite", "--size", "48x32", "--levels", "2", "--json").stdout)
    assert {row["levels"] for row in table["programs"]} == {2}
    assert "whole" in {row["bottleneck"] for row in table["programs"]} <= {"whole", "tiled"}
    assert all({"tile", "ram_bytes", "macs", "macs_ratio"} <= set(row) for row in table["programs"])
    assert table["untiled"]["as_is"] >= table["untiled"]["planned"] > min(row["ram_bytes"] for row in table["programs"])


def test_tile_writes_a_program_that_runs(here):
    (here / "tiled.tflite").write_bytes(encoder_decoder(9))
    result = call("tile", "tiled.tflite", "--size", "41x52", "--tile", "8", "-o", "program", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said == json.loads((here / "program" / "program.json").read_text())
    assert said["tile"] == [8, 8]
    image = np.random.default_rng(0).integers(0, 256, (41, 52, 3)).astype("uint8")
    assert run_tiled("program", image).output.shape == (41, 52, 3)
    assert "RAM with tails" in call("tile", "tiled.tflite", "--size", "41x52", "--ram", said["ram_bytes"]).stdout


@ONE_BACKEND
def test_tile_converts_a_model_and_evaluates_whole_photographs(here):
    model = saved("model.keras", local_levels=1)
    result = call(
        *("tile", model, "--size", "48x64", "--calibration", "images", "--tile", "16", "-o", "program", "--json"),
        *("--evaluate", "images", "--sigma", "10"),
    )
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["quality"]["photographs"] == 3
    assert {"noisy", "float", "int8"} <= set(said["quality"])
    files = {path.name for path in (here / "program").iterdir()}
    assert files == {"program.json", *(part["file"] for part in said["parts"].values())}
    assert files >= {"head.tflite", "body.tflite", "tail.tflite"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ram", "100"], "ram=100 is below the smallest program, which takes"),
        (["--tile", "6", "--levels", "2"], "tile must be a multiple of 4"),
        (["--tile", "a"], "--tile must be a number of pixels"),
        (["--size", "8x8x8"], "--size must be HEIGHTxWIDTH, for images"),
        (["--levels", "7"], "levels must lie between 1 and 2"),
        (["--skips", "some"], "skips must be one of"),
        (["-o", "images"], "must be new, empty, or hold a program"),
        (["-o", "nowhere/program"], "must lie in a folder that exists"),
        (["--calibration", "images"], "--calibration must come with a MODEL.keras"),
        (["--evaluate", "nowhere"], "--evaluate must be a folder"),
        (["--picture", "a.txt"], "--picture must end in one of"),
        (["--picture", "a.png", "--ram", "100000"], "--picture must come without"),
    ],
)
def test_what_cannot_be_tiled_is_one_message_and_leaves_nothing(here, arguments, message):
    (here / "tiled.tflite").write_bytes(encoder_decoder(9))
    before = sorted(here.rglob("*"))
    size = [] if "--size" in arguments else ["--size", "48x32"]
    out = [] if {"-o", "--picture"} & set(arguments) else ["-o", "program"]
    result = call("tile", "tiled.tflite", *size, *arguments, *out)
    assert result.exit_code == 2
    assert " ".join(result.stderr.split()).startswith("Error: ")
    assert message in " ".join(result.stderr.split())
    assert sorted(here.rglob("*")) == before


def test_check_counts_what_runs_and_names_the_rest(here):
    result = call("check", "model.tflite", "--target", "tflm")
    assert result.exit_code == 0
    assert "6 of 6" in result.stdout
    assert "not compiled" in result.stdout
    net = Network()
    (here / "gelu.tflite").write_bytes(net.file(net.unary("GELU", net.unary("RELU", net.input(1, 16)))))
    result = call("check", "gelu.tflite", "--target", "tflm")
    assert result.exit_code == 1
    assert all(words in " ".join(result.stdout.split()) for words in ("1 of 2", "1 GELU", "cannot run"))
    result = call("check", "gelu.tflite", "--target", "tflm", "--json")
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert list(printed) == ["target", "runs", "compiled", "operators"]
    assert printed["operators"][1] == {
        "index": 1,
        "name": "GELU",
        "verdict": "unsupported",
        "why": "TFLM has no operator GELU",
        "instead": "x * sigmoid(1.702 x): unetmm convert writes it",
    }


def test_check_asks_the_compiler_unless_told_not_to(here, monkeypatch):
    monkeypatch.setenv("PATH", str(pretend(here / "bin", "vela", "sys.exit('it broke')\n")))
    result = call("check", "model.tflite", "--target", "ethos-u55")
    assert result.exit_code == 2
    assert "Vela failed (status 1): it broke." in result.stderr
    assert "unetmm check --static" in " ".join(result.stderr.split())
    result = call("check", "model.tflite", "--target", "ethos-u55", "--static", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["compiled"] is False


def test_check_judges_floats_and_ends_with_1_where_something_cannot_run(here):
    assert call("check", "float.tflite", "--target", "tflm").exit_code == 0
    result = call("check", "float.tflite", "--target", "ethos-u55", "--static", "--json")
    assert result.exit_code == 0
    (operator,) = json.loads(result.stdout)["operators"]
    assert operator["verdict"] == "cpu"
    assert "float32" in operator["why"]
    net = Network()
    x = net.input(1, 4)
    (here / "absent.tflite").write_bytes(net.file(net.operator("GELU", [x], [net.like(x)])))
    result = call("check", "absent.tflite", "--target", "tflm", "--json")
    assert result.exit_code == 1
    assert "TFLM has no operator GELU" in json.loads(result.stdout)["operators"][0]["why"]
    (here / "cut.tflite").write_bytes((here / "float.tflite").read_bytes()[:200])
    result = call("check", "cut.tflite", "--target", "tflm")
    assert result.exit_code == 2
    assert "cut short or damaged" in " ".join(result.stderr.split())


@pytest.mark.every_backend
def test_convert_writes_a_file_that_plan_reads(here):
    saved("model.keras")
    result = call("convert", "model.keras", "--calibration", "images", "--size", "24x32", "-o", "out.tflite")
    assert result.exit_code == 0, result.output
    plan = json.loads(plan_alone("out.tflite", "--json").stdout)
    assert plan["flash_bytes"] == os.path.getsize("out.tflite")
    assert plan["as_is"]["measured"]["head"] >= plan["as_is"]["order_bound"] > 0
    assert oct((here / "out.tflite").stat().st_mode & 0o777) == "0o644"


def test_convert_ends_with_the_verdict_and_writes_a_card(here):
    saved("model.keras", skips="none")
    options = (
        "--size",
        "24x32",
        "--target",
        "coral",
        "--io",
        "uint8",
        "--mean",
        "0.5",
        "--std",
        "0.5,0.5,0.25",
        "--gives",
        "image",
    )
    result = call("convert", "model.keras", "--calibration", "images", *options, "--card", "card.md", "-o", "out.tflite")
    assert result.exit_code == 0, result.output
    assert "run on the Edge TPU" in result.stdout
    assert "static rules, not compiled" in " ".join(result.stdout.split())
    described = metadata("out.tflite")
    assert (described["target"], described["mean"], described["std"]) == ("coral", [0.5], [0.5, 0.5, 0.25])
    card = (here / "card.md").read_text()
    assert "| input | uint8 | 1x24x32x3 | 1/255 | 0 | the camera's bytes" in card
    assert "| output | uint8 | 1x24x32x3 | 1/255 | 0 | the display's bytes" in card
    assert "BatchNormalization" in card
    assert "At the output:" in card


@ONE_BACKEND
def test_convert_takes_a_network_that_was_trained_as_integers(here):
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Conv2D(3, 3, padding="same", name="only")(inputs)
    images = np.random.default_rng(0).random((4, 16, 16, 3)).astype("float32")
    model = quantize_aware(keras.Model(inputs, outputs), images)
    model.save("trained.keras")
    result = call("convert", "trained.keras", "--calibration", "images", "--card", "card.md", "-o", "out.tflite")
    assert result.exit_code == 0, result.output
    want = keras.ops.convert_to_numpy(model(images[:1], training=False))
    np.testing.assert_allclose(run("out.tflite", images[0], "tflm").values[0], want, atol=0.1 / 255)
    assert "At the output: 0 of" in (here / "card.md").read_text()


@ONE_BACKEND
def test_convert_prints_what_it_warns_of(here, monkeypatch):
    monkeypatch.setattr(file_passes, "_FAR", -2)
    saved("model.keras")
    options = ["--size", "16x16", "--output-kind", "image", "-o", "out.tflite"]
    result = call("convert", "model.keras", "--calibration", "images", *options)
    assert result.exit_code == 0
    assert "Warning: The output is taken for an image" in result.stderr


@ONE_BACKEND
def test_convert_takes_volumes(here):
    models.LUnet(rank=3, channels=2, levels=2, input_shape=(None, None, None, 1)).save("volume.keras")
    (here / "volumes").mkdir()
    np.save(here / "volumes" / "a.npy", np.random.default_rng(0).random((6, 12, 12), "float32"))
    result = call("convert", "volume.keras", "--calibration", "volumes", "--size", "4x8x12", "-o", "out.tflite")
    assert result.exit_code == 0, result.output
    assert metadata("out.tflite")["input"]["shape"] == [1, 4, 8, 12, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "missing.tflite"), "No such file"),
        (("plan", "words.tflite"), "must be a .tflite file"),
        (("plan", "cut.tflite"), "cut short or damaged"),
        (("plan", "images"), "directory"),
        (("plan", "model.tflite", "--arena", "600"), "--arena 600 is too small"),
        (("plan", "model.tflite", "--arena", "-5"), "--arena cannot be read"),
        (("plan", "model.tflite", "--picture", "a.gif"), "must end in .svg or .png"),
        (("plan", "model.tflite", "--kernels", "esp-nn"), "kernels must be one of"),
        (("plan", "model.tflite", "-o", "planned.bin"), "--output must end in .tflite"),
        (("plan", "model.tflite", "-o", "nowhere/planned.tflite"), "folder that exists"),
        (("plan", "model.tflite", "--picture", "nowhere/a.png"), "folder that exists"),
        (("check", "missing.tflite", "--target", "tflm"), "No such file"),
        (("check", "cut.tflite", "--target", "tflm"), "cut short or damaged"),
        (("check", "model.tflite", "--target", "tpu"), "target must be one of 'litert', 'tflm', 'coral', 'ethos-u55'"),
        (("check", "model.tflite"), "Missing option '--target'"),
        (("convert", "open.keras", "--calibration", "images", "-o", "open.keras"), "must end in .tflite"),
        (("convert", "missing.keras", "--calibration", "images", "-o", "o.tflite"), "no such file"),
        (("convert", "words.tflite", "--calibration", "images", "-o", "o.tflite"), "cannot be loaded as a Keras model"),
        (("convert", "open.keras", "--calibration", "images", "-o", "o.tflite"), "size must be (height, width)"),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "64", "-o", "o.tflite"),
            "--size must be HEIGHTxWIDTH",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "0x8", "-o", "o.tflite"),
            "--size must be HEIGHTxWIDTH",
        ),
        (("convert", "open.keras", "--calibration", "images", "--size", "64x64", "-o", "o.tflite"), "at least 64x64 pixels"),
        (
            ("convert", "fixed.keras", "--calibration", "images", "--size", "24x24", "-o", "o.tflite"),
            "one that the model takes",
        ),
        (("convert", "open.keras", "--calibration", "empty", "--size", "16x16", "-o", "o.tflite"), "at least one image"),
        (
            ("convert", "open.keras", "--calibration", "broken", "--size", "16x16", "-o", "o.tflite"),
            "cannot be read as an image",
        ),
        (("convert", "open.keras", "--calibration", "none", "--size", "16x16", "-o", "o.tflite"), "must be a folder"),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "16x16", "--mean", "a", "-o", "o.tflite"),
            "--mean must be a number",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "16x16", "--output-kind", "x", "-o", "o.tflite"),
            "output_kind must be one of",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--card", "nowhere/a.md", "-o", "o.tflite"),
            "folder that exists",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "16x16", "-o", "nowhere/o.tflite"),
            "folder that exists",
        ),
        (
            ("convert", "open.keras", "--calibration", "images", "--size", "16x16", "--target", "x", "-o", "o.tflite"),
            "target must",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_message_and_status_2(here, networks, arguments, message):
    for network in networks.iterdir():
        shutil.copy(network, here)
    before = sorted(here.rglob("*"))
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert sorted(here.rglob("*")) == before, "no file, whole or partial, may be left"


def test_a_model_that_cannot_be_integers_leaves_no_file(here):
    inputs = keras.Input((16, 16, 3))
    keras.Model(inputs, keras.layers.UnitNormalization()(inputs)).save("float.keras")
    result = call("convert", "float.keras", "--calibration", "images", "-o", "o.tflite")
    assert result.exit_code == 2
    assert "a UnitNormalization, a layer that has no integer form" in " ".join(result.stderr.split())
    assert not (here / "o.tflite").exists()


def test_an_old_file_stays_when_a_new_one_fails(here):
    (here / "arena.png").write_bytes(b"old")
    assert plan_alone("cut.tflite", "--picture", "arena.png").exit_code == 2
    assert (here / "arena.png").read_bytes() == b"old"
