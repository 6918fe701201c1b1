"""The tutorials: their notebooks hold what the pages hold, and run to the end."""

import importlib.util
import os
import re
import subprocess
import sys

import nbformat
import pytest
from docs.pages import ROOT, blocks

TUTORIALS = ROOT / "docs" / "tutorials"
PAGES = sorted(TUTORIALS.glob("*.md"))
SCRIPT = ROOT / "docs" / "notebooks.py"


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_notebook_is_what_its_page_makes(page):
    spec = importlib.util.spec_from_file_location("notebooks", SCRIPT)
    notebooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebooks)
    found = nbformat.read(page.with_suffix(".ipynb"), 4)
    assert found["cells"] == notebooks.notebook(page)["cells"], "run python docs/notebooks.py"
    code = [cell["source"] for cell in found["cells"] if cell["cell_type"] == "code"]
    assert len(code) == len(blocks(page, "python")) + len(blocks(page, ""))


def ran(name, folder):
    """What the cells of a notebook print."""
    variables = {
        "KERAS_BACKEND": "tensorflow",
        "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "120",
    }
    command = [sys.executable, str(SCRIPT), "--execute", str(TUTORIALS / f"{name}.ipynb")]
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_light_skips_take_less_memory(tmp_path):
    said = dict(re.findall(r"^(full|sat) (\d+)$", ran("light-skips", tmp_path), re.MULTILINE))
    assert int(said["sat"]) < 0.7 * int(said["full"])
    assert (tmp_path / "firmware_sat" / "net.h").is_file()


def test_a_file_that_does_not_fit_becomes_c_that_does(tmp_path):
    said = ran("file-does-not-fit", tmp_path)
    assert "short by 77,936 bytes" in said
    assert (tmp_path / "planned.tflite").is_file()
    assert int(re.search(r"_RAM_BYTES (\d+)", (tmp_path / "net" / "model.h").read_text())[1]) < 20_000
    assert "100% tests passed" in said
