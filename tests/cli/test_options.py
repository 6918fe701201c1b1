import subprocess
import sys
import warnings

import pytest
from typer.testing import CliRunner

import keras_unetmm
from keras_unetmm.cli import app
from keras_unetmm.cli.errors import warned_once
from keras_unetmm.cli.files import write
from keras_unetmm.deprecation import ON_ERROR, renamed

COMMANDS = ("models", "presets", "train", "evaluate", "convert", "compare", "plan", "tile", "check")


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_version():
    assert call("--version").stdout == f"unetmm {keras_unetmm.__version__}\n"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_help_by_both_names(command):
    short = call(*command, "-h")
    assert short.exit_code == 0
    assert short.stdout == call(*command, "--help").stdout
    assert "--gives" not in short.stdout
    assert "--structure" not in short.stdout


def test_the_help_lists_all_commands_in_order():
    listed = [line.split()[1] for line in call("-h").stdout.splitlines() if line.startswith(("│ ", "| "))]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)


@pytest.mark.parametrize("command", ["convert", "tile"])
def test_an_old_option_is_warned_of_and_must_come_alone(tmp_path, command):
    command = [command, tmp_path / "missing.keras", "--calibration", tmp_path, "--size", "8x8"]
    command += ["-o", tmp_path / "out.tflite"]
    old = call(*command, "--gives", "logits")
    assert "Warning: --gives is now called --output-kind." in old.stderr
    assert "Warning" not in call(*command, "--output-kind", "logits").stderr
    both = call(*command, "--gives", "logits", "--output-kind", "values")
    assert both.exit_code == 2
    assert "--output-kind must come without --gives, its old name. Received: both." in both.stderr


def test_renamed_takes_either_name():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert renamed("old", None, "new", 3, 1) == 3
    with pytest.warns(FutureWarning, match="old is now called new"):
        assert renamed("old", 2, "new", 1, 1) == 2
    with pytest.raises(ValueError, match="new must come without old"):
        renamed("old", 2, "new", 3, 1)


def test_renamed_takes_old_values():
    def given(old, new):
        return renamed("damaged", old, "on_error", new, "raise", values=ON_ERROR)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert given(None, "skip") == "skip"
        assert given(None, "raise") == "raise"
    with pytest.warns(FutureWarning, match="damaged 'refuse' is now called on_error 'raise'"):
        assert given("refuse", "raise") == "raise"
    with pytest.warns(FutureWarning, match="on_error 'refuse' is now called on_error 'raise'"):
        assert given(None, "refuse") == "raise"
    with pytest.warns(FutureWarning, match="damaged is now called on_error"):
        assert given("skip", "raise") == "skip"


def test_what_cannot_be_written_is_named_with_what_to_do(tmp_path):
    with pytest.raises(OSError, match=r"x.tflite cannot be written: No such file or directory\. Free space, or choose"):
        write(tmp_path / "gone" / "x.tflite", b"")
    write(tmp_path / "x.tflite", b"1")
    assert (tmp_path / "x.tflite").read_bytes() == b"1"


def test_a_warning_is_said_once_without_the_line_it_comes_from(capsys):
    with warned_once():
        for _ in range(3):
            warnings.warn("one mask is [bold]", stacklevel=1)
        with pytest.warns(FutureWarning, match="another"):
            warnings.warn("another", FutureWarning, stacklevel=1)
    assert capsys.readouterr().err == "Warning: one mask is [bold]\n"


def test_the_package_runs_as_the_command():
    command = [sys.executable, "-m", "keras_unetmm", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == call("--version").stdout
