"""Who may import whom, and what reading a file must not import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from tflite import files
from tflite.conftest import WITH_BACKEND

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "keras_unetmm"
BACKENDS = {"tensorflow", "jax", "jaxlib", "torch"}
INTERPRETERS = {"ai_edge_litert.interpreter", "tflite_micro"}
COMMANDS = {"catalogue", "data", "expand", "layers", "losses", "metrics", "models", "quantized_layers", "replacing"}
COMMANDS |= {"presets", "quantize", "tflite", "training"}
TRAINING = {"keras", "matplotlib", "numpy", "rich", "tensorboard"}
SCHEMA = {"numpy", "ai_edge_litert.schema_py_generated"}
COMPILER = {f"tflite.{stage}" for stage in ("graph", "edit", "macs", "scratch", "lifetimes", "greedy", "overlap", "memory")}
COMPILER |= {f"tflite.{stage}" for stage in ("bound", "reorder", "rewrites", "neighbours", "climb", "sweep", "arena")}
COMPILER |= {"tflite.ranges"}

COMPILER |= {"tflite.names"}
TILING = {"__version__", "tflite.metadata", "tflite.operands", "tflite.planner", "tflite.runtime", "tflite.tiling"}
TILING |= {f"tflite.{stage}" for stage in ("edit", "graph", "lifetimes", "macs", "names", "overlap")}
LOWERING = {f"tflite.{stage}" for stage in ("lowering", "forms", "exchange", "folding", "gates", "volumes")}
LOWERING |= {"tflite.integer_layers", "tflite.operator_layers"}
PREPARING = {f"tflite.{stage}" for stage in ("calibration", "finite", "histograms", "operators", "prepare", "scales")}
RULED = {f"tflite.{stage}" for stage in ("graph", "operands", "substitutes", "kernels", "verdict")}
COMPILERS = {f"tflite.{stage}" for stage in ("graph", "edit", "compilers", "verdict")}

# the first row that a module's path begins with says which of our rooms, and which libraries, it may import
RULES = [
    ("layers", {"layers"}, {"keras"}),
    ("skips", {"layers"}, set()),
    ("expand", {"layers"}, {"keras"}),
    ("models", {"layers", "skips", "models"}, {"keras", "numpy"}),
    ("losses", set(), {"keras"}),
    ("metrics", {"losses", "metrics"}, {"keras", "numpy"}),
    ("data", {"data"}, {"keras", "numpy", "PIL"}),
    ("replacing", set(), set()),
    ("training/mirrored", {"training"}, {"keras", "numpy", "tensorflow"}),
    ("training/quantized", {"quantize", "training"}, {"keras"}),
    ("training", {"__version__", "data", "losses", "metrics", "models", "pruning", "replacing", "training"}, TRAINING),
    ("pruning/pictures", set(), {"matplotlib", "numpy"}),
    ("pruning/savings", {"expand", "pruning", "tflite"}, {"keras", "numpy"}),
    ("pruning", {"expand", "layers", "pruning"}, {"keras", "numpy"}),
    ("outline", set(), {"keras"}),
    ("analysis/pictures", {"analysis"}, {"keras", "matplotlib", "numpy"}),
    ("analysis", {"analysis", "expand", "layers", "metrics", "models", "skips"}, {"keras", "numpy"}),
    ("catalogue", {"analysis", "models", "outline"}, set()),
    *((f"tflite/{stage}", {"expand", "layers", *LOWERING}, {"keras", "numpy"}) for stage in ("lowering", "differences")),
    *(
        (f"tflite/{stage}", {"layers", *LOWERING}, {"keras", "numpy"})
        for stage in ("exchange", "folding", "gates", "volumes")
    ),
    *((f"tflite/{stage}", {"layers", "tflite.operator_layers"}, {"keras", "numpy"}) for stage in ("integer_layers",)),
    ("tflite/finite", set(), {"keras", "numpy"}),
    ("tflite/histograms", set(), {"numpy"}),
    ("tflite/post_training", {f"tflite.{t}" for t in ("edit", "histograms", "ranges", "runtime")}, SCHEMA),
    ("tflite/operator_layers", set(), {"keras", "numpy"}),
    ("tflite/scales", {"layers", *LOWERING}, {"keras"}),
    *((f"tflite/{stage}", {"expand", "tflite.scales"}, {"keras", "numpy"}) for stage in ("operators", "prepare")),
    ("measured_ranges", {"tflite.histograms", "tflite.scales"}, {"keras"}),
    ("quantized_layers", {"tflite.operator_layers"}, {"keras", "numpy"}),
    ("quantize", {"expand", "layers", "measured_ranges", "quantized_layers", *LOWERING, *PREPARING}, {"keras", "numpy"}),
    ("tflite/forms", set(), set()),
    ("tflite/metadata", {"__version__", "tflite.edit", "tflite.graph"}, {"numpy"}),
    ("tflite/convert", {"data", "expand", "layers", "quantize", "tflite"}, {"keras", "numpy", "tensorflow"}),
    ("tflite/calibration", {"data"}, {"numpy"}),
    ("tflite/names", set(), set()),
    ("tflite/own_products", {"tflite.edit"}, {"ai_edge_litert.schema_py_generated"}),
    ("tflite/quality_data", {"data", "tflite.quality", "training"}, {"numpy"}),
    ("tflite/quality_picture", set(), {"matplotlib", "numpy"}),
    ("tflite/quality_table", set(), {"rich"}),
    ("tflite/quality", {"expand", "quantize", "tflite"}, {"keras", "numpy"}),
    ("tflite/runtime", {"tflite.graph", "tflite.macs"}, {"numpy"}),
    ("tflite/interpreters", {"tflite.graph", "tflite.runtime"}, {"numpy", "ai_edge_litert", "tflite_micro"}),
    ("tflite/report", {"tflite.names", "tflite.planner", "tflite.runtime", "tflite.skips"}, {"rich"}),
    ("tflite/picture", {"tflite.skips"}, {"matplotlib"}),
    ("tflite/prove", {"tflite.graph", "tflite.runtime"}, {"numpy"}),
    ("tflite/verify", {"tflite.verify"}, SCHEMA),
    ("tflite/planner", COMPILER | {"tflite.runtime", "tflite.verify"}, set()),
    ("tflite/rewrites", {"tflite.rewrites"}, SCHEMA),
    ("tflite/quiet", set(), set()),
    ("tflite/verdict_table", {"tflite.verdict"}, {"rich"}),
    ("tflite/verdict", set(), set()),
    ("tflite/substitutes", set(), set()),
    ("tflite/operands", {"tflite.graph"}, {"numpy"}),
    ("tflite/kernels", RULED, set()),
    ("tflite/coral", RULED, {"numpy"}),
    ("tflite/ethos_u", RULED, {"numpy"}),
    ("tflite/compilers", {"tflite.verdict"}, set()),
    ("tflite/vela", COMPILERS, set()),
    ("tflite/edgetpu_compiler", COMPILERS, set()),
    (
        "tflite/targets",
        RULED | COMPILERS | {f"tflite.{t}" for t in ("coral", "ethos_u", "vela", "edgetpu_compiler")},
        SCHEMA,
    ),
    (
        "tflite/__init__",
        {f"tflite.{part}" for part in ("planner", "convert", "metadata", "runtime", "targets", "tile", "tiling.run")},
        set(),
    ),
    ("tflite/tiling/picture", {"tflite.tiling.search"}, {"matplotlib"}),
    ("tflite/tiling/report", {"tflite.tiling.search"}, {"rich"}),
    ("tflite/tiling/store", {"tflite.tiling.program"}, set()),
    ("tflite/tiling/run", {"tflite.runtime", "tflite.tiling"}, {"numpy"}),
    ("tflite/tiling/evaluate", {"tflite.tile", "tflite.tiling.run"}, {"numpy"}),
    ("tflite/tiling", TILING, SCHEMA | {"networkx"}),
    ("tflite/tile", TILING, set()),
    ("tflite/card", {"tflite.metadata", "tflite.runtime", "tflite.verdict"}, set()),
    ("tflite", COMPILER, SCHEMA | {"flatbuffers"}),
    ("presets/store", {"replacing"}, {"numpy"}),
    ("presets/table", {"models", "skips"}, set()),
    ("presets/page", {"tflite.metadata"}, set()),
    ("presets/release", {"__version__", "analysis", "expand", "presets", "replacing", "tflite", "training"}, TRAINING),
    ("presets/quantized", {"presets", "replacing", "training"}, {"keras"}),
    ("presets", {"presets"}, set()),
    ("cli", COMMANDS, {"typer", "rich", "keras"}),
    ("__init__", set(), set()),
]
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


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module):
    _, rooms, libraries = next(rule for rule in RULES if module.startswith(rule[0]))
    for name in imports(PACKAGE / f"{module}.py"):
        if name.startswith("keras_unetmm."):
            assert begins(name.removeprefix("keras_unetmm."), rooms), f"{module} may not import {name}"
        elif name.split(".")[0] not in sys.stdlib_module_names:
            assert begins(name, libraries), f"{module} may not import {name}"


def test_only_convert_and_mirrored_name_a_backend_and_only_interpreters_an_interpreter():
    for module in MODULES:
        names = list(imports(PACKAGE / f"{module}.py"))
        if module not in ("tflite/convert", "training/mirrored"):
            assert not any(begins(name, BACKENDS) for name in names), module
        if module != "tflite/interpreters":
            assert not any(begins(name, INTERPRETERS) for name in names), module
        assert not any(begins(name, {"keras_unetmm.interpreters.process"}) for name in names), f"{module}: start a process"


def test_nothing_imports_recipes_or_tests():
    for module in MODULES:
        assert not any(begins(name, {"recipes", "tests", "benchmarks"}) for name in imports(PACKAGE / f"{module}.py"))


def test_tests_that_run_once_import_no_backend():
    folder = ROOT / "tests" / "tflite"
    for path in folder.rglob("*.py"):
        if path.name not in WITH_BACKEND:
            assert not any(begins(name, BACKENDS | {"keras"}) for name in imports(path)), path
            rooms = {name.removeprefix("keras_unetmm.") for name in imports(path) if name.startswith("keras_unetmm.")}
            assert all(
                begins(room, {"tflite"}) and not begins(room, {"tflite.convert", "tflite.lowering"}) for room in rooms
            )


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
