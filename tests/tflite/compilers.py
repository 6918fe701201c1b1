"""Where the real Vela is, and programs that pretend to be a compiler."""

import sys

import pytest

from keras_unetmm.targets import vela

REAL = vela.command()  # before any test changes the PATH
with_vela = pytest.mark.skipif(REAL is None, reason="Vela is not installed")


def pretend(folder, name, code):
    """Writes a Python program to a folder for the PATH; it knows the file and the output folder as `file` and `out`."""
    folder.mkdir(exist_ok=True)
    flag = "-o" if name == "edgetpu_compiler" else "--output-dir"
    head = f"#!{sys.executable}\nimport pathlib, sys\nargv = sys.argv\nout = pathlib.Path(argv[argv.index({flag!r}) + 1])\n"
    head += "file = pathlib.Path(next(word for word in argv[1:] if word.endswith('.tflite')))\n"
    (folder / name).write_text(head + code)
    (folder / name).chmod(0o755)
    return folder
