"""The engine's C compiles without a warning wherever it must, and its kernels compute nothing in floating point."""

import shutil
import subprocess

import pytest

from keras_unetmm.engine import process
from keras_unetmm.engine.layout import CALL

pytestmark = pytest.mark.no_backend

STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
RISCV = ("riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs")
COMPILERS = {
    "gcc": ("gcc",),
    "clang": ("clang",),
    "cortex-m4": ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft"),
    "cortex-m7": ("arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mthumb"),
    "cortex-m55": ("arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
    "riscv32": RISCV,
}
SOURCES = sorted(path for path in process.C.glob("unetmm_*.c") if path.name != "unetmm_host.c")
FLOATS = ("__aeabi_f", "__aeabi_d", "__aeabi_i2f", "__aeabi_i2d", "__adddf3", "__muldf3", "__floatsi")
MOST_STACK = 1024  # bytes of one function
FLAGS = {"gcc": ("-O3",), "cortex-m7": ("-O3", "-fstack-usage"), "cortex-m55": ("-O3",)}


@pytest.fixture(scope="module")
def folders():
    return {}


@pytest.fixture
def objects(request, folders, tmp_path_factory):
    """The object files of all sources by a compiler; by Cortex-M7's, the stack that each function takes lies beside them."""
    name = request.param
    if shutil.which(COMPILERS[name][0]) is None:
        pytest.skip(f"{COMPILERS[name][0]} is not installed")
    if name not in folders:
        folders[name] = tmp_path_factory.mktemp(name)
        flags = [*STRICT, *FLAGS.get(name, ("-Os",)), "-c"]
        subprocess.run([*COMPILERS[name], *flags, *map(str, SOURCES)], check=True, cwd=folders[name])
    return sorted(folders[name].glob("*.o"))


@pytest.mark.parametrize("objects", COMPILERS, indirect=True)
def test_the_engine_compiles_without_a_warning(objects):
    assert len(objects) == len(SOURCES)


@pytest.mark.parametrize("header", sorted(process.C.glob("*.h")), ids=lambda path: path.name)
def test_headers_compile_alone_and_as_cpp(header):
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    for command in ([process.compiler(), "-xc", *STRICT], ["g++", "-xc++", "-std=c++11", "-Wall", "-Wextra", "-Werror"]):
        text = f'#include "{header.name}"\n#include "{header.name}"\n'
        flags = ["-Wno-unused-function", f"-I{process.C}", "-fsyntax-only", "-"]
        subprocess.run([*command, *flags], input=text, text=True, check=True)


@pytest.mark.parametrize("compiler", ["cortex-m7", "riscv32"])
def test_the_call_takes_the_stated_bytes(compiler):
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    text = f'#include "unetmm.h"\n_Static_assert(sizeof(unetmm_call) == {CALL}, "call");\n'
    flags = ["-xc", "-std=c11", f"-I{process.C}", "-fsyntax-only", "-"]
    subprocess.run([*command, *flags], input=text, text=True, check=True)


@pytest.mark.parametrize("objects", ["cortex-m4"], indirect=True)  # whose floats are functions
def test_nothing_is_computed_in_floating_point(objects):
    symbols = subprocess.run(["arm-none-eabi-nm", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    assert "unetmm_pointwise_int8" in symbols
    assert not [line for line in symbols.splitlines() if any(name in line for name in FLOATS)]


@pytest.mark.parametrize("objects", ["cortex-m7"], indirect=True)
def test_no_function_takes_much_of_the_stack(objects):
    usage = {}
    for file in objects[0].parent.glob("*.su"):
        for line in file.read_text().splitlines():
            place, size, kind = line.split("\t")
            usage[place.rsplit(":", 1)[-1]] = int(size)
            assert kind in ("static", "dynamic,bounded"), line
    assert "unetmm_step" in usage
    assert max(usage.values()) <= MOST_STACK, sorted(usage.items(), key=lambda item: -item[1])[:5]
