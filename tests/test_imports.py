"""What the contracts in pyproject.toml cannot say of imports, and what reading a file must not import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import rooms
from rooms import needs_no_backend
from tflite import files

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "keras_unetmm"
BACKENDS = {"tensorflow", "jax", "jaxlib", "torch"}
INTERPRETERS = {"ai_edge_litert.interpreter", "tflite_micro"}
WITH_KERAS = {
    "analysis",
    "compare",
    "graph",
    "layers",
    "losses",
    "metrics",
    "models",
    "pruning",
    "quantize",
    "skips",
    "training",
}
WITH_KERAS |= {"conversion.convert", "conversion.passes", "lowering.lowering", "quantization.quantize"}
PRIVATE = {"_inbound_nodes", "_outbound_nodes", "_keras_history", "_flatten_layers", "_run_through_graph", "_nodes_by_depth"}
PRIVATE |= {"_layers", "_operations", "_functional"}  # of Keras
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))


def imports(path):
    """The dotted names that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def begins(name, prefixes):
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def test_one_module_imports_the_interpreters():  # the schema is of the same library, so that a contract cannot tell
    found = {module for module in MODULES if any(begins(n, INTERPRETERS) for n in imports(PACKAGE / f"{module}.py"))}
    assert found == {"interpreters/process"}


def test_only_the_room_of_graphs_knows_what_is_private_in_keras():
    for module in MODULES:
        if not module.startswith("graph/"):
            tree = ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text()))
            attributes = {node.attr for node in tree if isinstance(node, ast.Attribute)}
            assert not attributes & PRIVATE, module
            assert not any(begins(name, {"keras.src"}) for name in imports(PACKAGE / f"{module}.py")), module


def test_the_contracts_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rooms_and_files_of_the_tiers_are_there():
    files = {path.name for path in rooms.TESTS.rglob("*.py")}
    folders = {path.name for path in rooms.TESTS.iterdir() if path.is_dir()}
    assert {*rooms.WITHOUT_BACKEND} <= folders
    assert {*rooms.ON_ONE_BACKEND} <= folders | files
    assert {*rooms.WITH_BACKEND, *rooms.ALONE, *rooms.ON_EVERY_BACKEND, *rooms.SLOW} <= files
    assert set(rooms.ON_ONE_BACKEND.values()) <= {"tensorflow", "jax", "torch"}


def test_tests_that_run_once_import_no_backend():
    for path in (ROOT / "tests").rglob("*.py"):
        if needs_no_backend(path):
            names = list(imports(path))
            assert not any(begins(name, BACKENDS | {"keras"}) for name in names), path
            assert not any(begins(name, {f"keras_unetmm.{room}" for room in WITH_KERAS}) for name in names), path


@pytest.mark.parametrize(
    "command", [["plan"], ["check", "--target", "tflm"], ["check", "--target", "ethos-u55", "--static"]]
)
def test_reading_a_file_imports_no_backend_and_no_interpreter(tmp_path, command):
    (tmp_path / "a.tflite").write_bytes(files.unet())
    code = (
        "import sys; from keras_unetmm.cli import app; "
        f"app([*{command!r}, {str(tmp_path / 'a.tflite')!r}, '--json'], standalone_mode=False); "
        f"print(sorted({BACKENDS | INTERPRETERS | {'keras'}} & set(sys.modules)), file=sys.stderr)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stderr.strip().splitlines()[-1] == "[]"
