"""unetmm firmware: figures as JSON, a table for people, errors as one line and status 2."""

import json

import pytest
from checks import ONE_BACKEND
from engine.programs import COMPILERS, small
from typer.testing import CliRunner

from keras_unetmm.cli import app

pytestmark = [ONE_BACKEND, pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")]
KEYS = {
    *("schedule", "ram_bytes", "ram_bound", "io_bytes", "input_reads", "flash_bytes", "code_bytes", "stack_bytes", "macs"),
    *("macs_ratio", "passes", "operators", "buffers", "cross_check", "proof", "files"),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Model 1.tflite").write_bytes(small())
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["firmware", *map(str, arguments)])


def test_json_and_table(here):
    done = call("Model 1.tflite", "-o", "net", "--json", "--schedule", "rows")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert set(figures) >= KEYS
    assert figures["name"] == "model_1"
    assert (here / "net" / "model_1.h").is_file()
    done = call("Model 1.tflite", "-o", "net")
    assert done.exit_code == 0, done.output
    assert f"{figures['ram_bytes']:,} B" in done.stdout
    assert "the bytes of TFLM on 6 inputs" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Model 1.tflite", "-o", "net", "--name", "1st"], "name must be a C identifier"),
        (
            ["Model 1.tflite", "-o", "net", "--schedule", "x"],
            "schedule must be one of 'auto', 'rows', 'whole'. Received: 'x'",
        ),
        (["Model 1.tflite", "-o", "no/net"], "must lie in a folder that exists"),
        (["Model 1.tflite", "-o", "."], "must be new, empty"),
        (["nothing", "-o", "net"], "Received: 'nothing'"),
        (["nothing.tflite", "-o", "net"], "nothing.tflite"),
    ],
)
def test_bad_input_is_one_message(here, arguments, said):
    done = call(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert not (here / "net").exists()
