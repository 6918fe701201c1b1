"""The C of a network's folder: strict compilers, sanitizers, guards, its functions, two networks in one program."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from engine.programs import COMPILERS, SANITIZED, compiled, said, sanitizes, selftest, small, two_ends

from keras_unetmm.engine import cross
from keras_unetmm.engine.flash import constant_bytes
from keras_unetmm.engine.ports import CASES, Port, checksum, example
from keras_unetmm.firmware.write import Wanted, write
from keras_unetmm.interpreters.runtime import run

NEEDS_ARM = pytest.mark.skipif(not cross.available(), reason="arm-none-eabi-gcc with newlib is not installed")
NEEDS_COMPILER = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
pytestmark = NEEDS_COMPILER
_FLOATS = re.compile(r"__aeabi_[fd]|__aeabi_u?[il]2[fd]|\bv\w+\.f(16|32|64)")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """By schedule, the folder `net` of a small network, and what was said of it."""
    paths = {kind: tmp_path_factory.mktemp(kind) / "net" for kind in ("rows", "whole")}
    return {kind: (path, write(small(), path, "net", Wanted(kind))) for kind, path in paths.items()}


@pytest.fixture
def folder(folders):
    return folders["rows"]


EACH = [("rows", COMPILERS[0]), ("whole", COMPILERS[-1])] if COMPILERS else []


@pytest.fixture
def sanitizing(cc):
    if not sanitizes(cc):
        pytest.skip(f"{cc} has no libraries of sanitizers (on Debian: libclang-rt-14-dev)")


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    path = tmp_path_factory.mktemp("several") / "ends"
    return path, write(two_ends(), path, "ends")


@pytest.mark.parametrize("cc", COMPILERS)
def test_strict_compilers_have_nothing_to_say_and_the_selftest_passes(folders, several, cc):
    for (path, figures), name in ((folders["rows"], "net"), (folders["whole"], "net"), (several, "ends")):
        text = said(selftest(path, cc))
        assert text.endswith(f"{name}: ok\n")
        used, given, stack = map(int, re.search(r"arena (\d+) of (\d+), .* stack (\d+)", text).groups())
        assert given == figures["ram_bytes"]
        assert given - 16 < used <= given
        assert 0 < stack <= 4096


@pytest.mark.usefixtures("sanitizing")
@pytest.mark.parametrize(("kind", "cc"), EACH)
def test_sanitizers_find_nothing(folders, several, kind, cc):
    for (path, _), name in ((folders[kind], "net"), (several, "ends")):
        assert said(selftest(path, cc, SANITIZED)).endswith(f"{name}: ok\n")


def test_the_selftest_can_fail(folder, tmp_path):
    path = tmp_path / "net"
    shutil.copytree(folder[0], path)
    test = path / "net_selftest.c"
    text = test.read_text()
    begin = text.index("expected_0[")
    number = re.compile(r"\n    (\d+)").search(text, begin)
    test.write_text(f"{text[: number.start(1)]}{(int(number[1]) + 1) % 256}{text[number.end(1) :]}")
    assert "1 bytes differ, the first is byte 0" in said(selftest(path, COMPILERS[0]), status=1)
    test.write_text(re.sub(r"\n    0x[0-9a-f]{8}u", "\n    0x00000001u", text))
    assert said(selftest(path, COMPILERS[0]), status=1).count("output 0 differs") == len(CASES) + 1


WHOLE = """
#include <stdio.h>
#include <string.h>
#include "net.h"
static _Alignas(NET_ALIGNMENT) uint8_t ram[NET_RAM_BYTES + 64];
static int8_t input[NET_INPUT_BYTES], output[NET_OUTPUT_BYTES];
int main(void)
{
    for (unsigned i = 0; i < NET_INPUT_BYTES; i++) { input[i] = (int8_t)(i * 37 % 256 - 128); }
    memset(ram, 0x5a, sizeof ram);
    if (net_run(ram, NET_RAM_BYTES - LESS, input, output) != WANTED) { return 1; }
    for (unsigned i = NET_RAM_BYTES; i < sizeof ram; i++) { if (ram[i] != 0x5a) { return 2; } }
    for (unsigned i = 0; i < NET_OUTPUT_BYTES; i++) { printf("%d ", output[i]); }
    return 0;
}
"""


@pytest.mark.parametrize("kind", ["rows", "whole"])
def test_whole_images_give_the_interpreters_bytes(folders, kind):
    main = WHOLE.replace("LESS", "0").replace("WANTED", "UNETMM_DONE")
    printed = said(compiled(folders[kind][0], main, COMPILERS[0]))
    image = ((np.arange(9 * 7 * 4) * 37 % 256) - 128).astype("int8").reshape(1, 9, 7, 4)
    assert np.array_equal(np.array(printed.split(), "int8"), run(small(), image).outputs[0].reshape(-1))


def test_one_byte_less_is_refused(folder):
    said(compiled(folder[0], WHOLE.replace("LESS", "1").replace("WANTED", "UNETMM_TOO_SMALL")))


POISONED = """
#include <stddef.h>
#include "net.h"
void __asan_poison_memory_region(void const volatile *begin, size_t bytes);
static _Alignas(64) uint8_t ram[USED / 64 * 64 + 128];
static int8_t input[NET_INPUT_BYTES], output[NET_OUTPUT_BYTES];
int main(void)
{
    __asan_poison_memory_region(ram + USED - LESS, sizeof ram - (USED - LESS)); /* what is told of the size is a lie */
    return net_run(ram, NET_RAM_BYTES, input, output) == UNETMM_DONE ? 0 : 1;
}
"""


@pytest.mark.usefixtures("sanitizing")
@pytest.mark.parametrize(("kind", "cc"), EACH)
def test_the_memory_is_needed_to_the_last_byte(folders, kind, cc):
    path, figures = folders[kind]
    used = int(re.search(r"arena (\d+) of", said(selftest(path, cc)))[1])
    assert figures["ram_bytes"] - used < 16  # the rest is alignment
    main = POISONED.replace("USED", str(used))
    said(compiled(path, main.replace("LESS", "0"), cc, SANITIZED))
    broken = subprocess.run(
        [compiled(path, main.replace("LESS", "1"), cc, SANITIZED)], capture_output=True, text=True, check=False
    )
    assert broken.returncode != 0
    assert "AddressSanitizer" in broken.stderr


STEPS = """
#include <stdio.h>
#include <string.h>
#include "net.h"
static _Alignas(NET_ALIGNMENT) uint8_t ram[NET_RAM_BYTES];
static int8_t input[NET_INPUT_BYTES], whole[NET_OUTPUT_BYTES], pieces[NET_OUTPUT_BYTES];
#define READ unetmm_image_read
#define WRITE unetmm_image_write
static int fails(void *context, int output, int row, int column, int pixels, const void *source)
{
    (void)context, (void)output, (void)row, (void)column, (void)pixels, (void)source;
    return 1;
}
static int unread(void *context, int input, int row, int column, int pixels, void *destination)
{
    (void)context, (void)input, (void)row, (void)column, (void)pixels, (void)destination;
    return -1;
}
int main(void)
{
    const void *const inputs[] = {input};
    void *const outputs[] = {pieces};
    unetmm_images images = {net_inputs, net_outputs, inputs, outputs};
    unetmm_call call;
    for (unsigned i = 0; i < NET_INPUT_BYTES; i++) { input[i] = (int8_t)(i * 11 % 256 - 128); }
    if (net_run(ram, sizeof ram, input, whole) != UNETMM_DONE) { return 1; }
    for (uint32_t macs = 1; macs < 100000; macs *= 10) {
        unsigned steps = 1;
        unetmm_status status = net_begin(&call, ram, sizeof ram, unetmm_image_read, unetmm_image_write, &images);
        if (status != UNETMM_MORE) { return 2; }
        while ((status = net_step(&call, macs)) == UNETMM_MORE) { steps++; }
        if (status != UNETMM_DONE || memcmp(whole, pieces, sizeof whole) != 0) { return 3; }
        printf("%u ", steps);
        memset(pieces, 0, sizeof pieces);
    }
    if (net_step(&call, 1) != UNETMM_NOT_BEGUN) { return 4; }
    if (net_begin(&call, ram + 1, sizeof ram, READ, WRITE, &images) != UNETMM_BAD_ARGUMENT) { return 5; }
    if (net_begin(&call, NULL, sizeof ram, READ, WRITE, &images) != UNETMM_BAD_ARGUMENT) { return 6; }
    if (net_begin(&call, ram, sizeof ram, NULL, WRITE, &images) != UNETMM_BAD_ARGUMENT) { return 7; }
    if (net_begin(NULL, ram, sizeof ram, READ, WRITE, &images) != UNETMM_BAD_ARGUMENT) { return 8; }
    unetmm_status status = net_begin(&call, ram, sizeof ram, unetmm_image_read, fails, &images);
    while (status == UNETMM_MORE) { status = net_step(&call, 1000); }
    if (status != UNETMM_WRITE_FAILED || net_step(&call, 1000) != UNETMM_NOT_BEGUN) { return 9; }
    status = net_begin(&call, ram, sizeof ram, unread, unetmm_image_write, &images);
    while (status == UNETMM_MORE) { status = net_step(&call, 1); }
    if (status != UNETMM_READ_FAILED || net_step(&call, 1) != UNETMM_NOT_BEGUN) { return 11; }
    unetmm_call none = {NULL, NULL, NULL, NULL, NULL, {0}};
    if (net_step(&none, 1) != UNETMM_NOT_BEGUN || net_step(NULL, 1) != UNETMM_NOT_BEGUN) { return 12; }
    if (unetmm_begin(&net_network, NULL) != UNETMM_BAD_ARGUMENT) { return 13; }
    if (net_run(ram, sizeof ram, NULL, whole) != UNETMM_BAD_ARGUMENT) { return 14; }
    if (net_run(ram, sizeof ram, input, NULL) != UNETMM_BAD_ARGUMENT) { return 15; }
    unetmm_network other = net_network;
    other.version++;
    if (unetmm_begin(&other, &call) != UNETMM_BAD_VERSION) { return 10; }
    return 0;
}
"""


@pytest.mark.parametrize("kind", ["rows", "whole"])
def test_steps_of_any_length_give_the_same_bytes_and_errors_are_told(folders, kind):
    counts = list(map(int, said(compiled(folders[kind][0], STEPS, COMPILERS[0])).split()))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 10 * counts[-1]


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_headers_compile_as_cpp(folder):
    calls = "net_run(nullptr, 0, nullptr, nullptr) == UNETMM_DONE ? NET_INPUTS : 0"
    main = f'#include "net.h"\n#include "unetmm_selftest.h"\nint main() {{ return {calls}; }}\n'
    build = folder[0].parent / "cpp"
    build.mkdir(exist_ok=True)
    (build / "main.cpp").write_text(main)
    flags = ("-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only")
    done = subprocess.run(["g++", *flags, f"-I{folder[0]}", build / "main.cpp"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


TWO = """
#include <stdio.h>
#include <string.h>
#include "net.h"
#include "ends.h"
#define MOST (NET_RAM_BYTES > ENDS_RAM_BYTES ? NET_RAM_BYTES : ENDS_RAM_BYTES)
static _Alignas(UNETMM_ALIGNMENT) uint8_t ram[MOST];
static int8_t input[NET_INPUT_BYTES], output[NET_OUTPUT_BYTES], first[NET_OUTPUT_BYTES];
static int8_t in_0[ENDS_INPUT_0_BYTES], in_1[ENDS_INPUT_1_BYTES], out_0[ENDS_OUTPUT_0_BYTES], out_1[ENDS_OUTPUT_1_BYTES];
int main(void)
{
    for (int i = 0; i < 2; i++) {
        if (net_run(ram, sizeof ram, input, output) != UNETMM_DONE) { return 1; }
        if (ends_run(ram, sizeof ram, in_0, in_1, out_0, out_1) != UNETMM_DONE) { return 2; }
        if (ends_run(ram, sizeof ram, in_0, in_1, out_0, out_0) != UNETMM_BAD_ARGUMENT) { return 4; }
        if (i > 0 && memcmp(first, output, sizeof first) != 0) { return 3; }
        memcpy(first, output, sizeof first);
    }
    for (unsigned i = 0; i < sizeof output; i++) { printf("%d ", output[i]); }
    for (unsigned i = 0; i < sizeof out_0; i++) { printf("%d ", out_0[i]); }
    for (unsigned i = 0; i < sizeof out_1; i++) { printf("%d ", out_1[i]); }
    return 0;
}
"""


def _right():
    one = run(small(), np.zeros((1, 9, 7, 4), "int8")).outputs
    two = run(two_ends(), [np.zeros((1, 8, 8, 4), "int8"), np.zeros((1, 1, 1, 8), "int8")]).outputs
    return np.concatenate([output.reshape(-1) for output in (*one, *two)])


def test_two_networks_share_the_kernels_and_the_arena(folder, several):
    theirs = {path.name for path in several[0].glob("*.c")}
    shared = [path.name for path in folder[0].glob("*.c") if path.name in theirs]
    assert {"unetmm_driver.c", "unetmm_convolution.c"} <= set(shared)
    for file in shared:
        assert (folder[0] / file).read_text() == (several[0] / file).read_text()
    program = compiled(folder[0], TWO, COMPILERS[0], others=[several[0]])
    assert np.array_equal(np.array(said(program).split(), "int8"), _right())


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_cmake_builds_one_folder_and_two_together(folder, several, tmp_path):
    for (path, _), name in ((folder, "net"), (several, "ends")):
        shutil.copytree(path, tmp_path / name)
    (tmp_path / "main.c").write_text(TWO)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(both C)\nadd_subdirectory(net)\nadd_subdirectory(ends)\n"
        "add_executable(both main.c)\nset_target_properties(both PROPERTIES C_STANDARD 11)\n"
        "target_link_libraries(both PRIVATE net ends)\n"
    )
    for source, build, program in ((tmp_path, tmp_path / "b", "both"), (tmp_path / "net", tmp_path / "c", "net_selftest")):
        subprocess.run(["cmake", "-S", source, "-B", build], check=True, capture_output=True)
        subprocess.run(["cmake", "--build", build, "--parallel", "2"], check=True, capture_output=True)
        text = said(build / program)
        assert program == "both" or text.endswith("net: ok\n")
        if program == "both":
            assert np.array_equal(np.array(text.split(), "int8"), _right())
    commands = (tmp_path / "c" / "CMakeFiles" / "net.dir" / "flags.make").read_text()
    assert "-std=c11" in commands
    assert "gnu" not in commands


@NEEDS_ARM
def test_the_figures_of_flash_and_stack_are_the_compilers(folder, tmp_path):
    path, figures = folder
    flags = [cross.COMPILER, *cross.CORE, "-std=c11", "-O2", "-c"]
    total = 0
    for file in ("net.c", "net_weights.c"):
        subprocess.run([*flags, path / file, "-o", tmp_path / "a.o"], check=True)
        listed = subprocess.run(
            ["arm-none-eabi-size", "-A", tmp_path / "a.o"], check=True, capture_output=True, text=True
        ).stdout
        size = sum(int(found) for found in re.findall(r"^\.rodata\S*\s+(\d+)", listed, re.M))
        assert size > 0
        total += size
        headers = [header.read_text() for header in path.glob("*.h")]
        assert abs(constant_bytes([(path / file).read_text()], headers) - size) <= 64  # the order of what is aligned
    assert abs(figures["flash_bytes"] - total) <= 64
    assert 1000 < figures["code_bytes"] < 48 * 1024  # what kernels of a whole network may take
    assert 200 < figures["stack_bytes"] <= 4096


def test_what_calls_itself_or_has_no_known_stack_is_refused():
    node = 'node: {{ title: "{0}" label: "{0}\\n{0}.c:1:1\\n{1} bytes ({2})" }}\n'
    edge = 'edge: {{ sourcename: "{}" targetname: "{}" label: "x" }}\n'
    plain = node.format("a", 8, "static") + node.format("b", 24, "static") + edge.format("a", "b")
    assert cross.deepest(plain, "a", set()) == 32
    assert cross.deepest(plain + edge.format("b", "memcpy"), "a", set()) == 96
    assert cross.deepest(plain + edge.format("b", "__indirect_call") + node.format("k", 100, "static"), "a", {"k"}) == 132
    with pytest.raises(ValueError, match="may call itself"):
        cross.deepest(plain + edge.format("b", "a"), "a", set())
    with pytest.raises(ValueError, match="must be known"):
        cross.deepest(plain + node.format("c", 24, "dynamic"), "a", set())


@NEEDS_ARM
@pytest.mark.parametrize("options", [("-O2",), ("-O3", "-std=gnu11")])
def test_no_float_operation_is_in_the_code(folder, several, tmp_path, options):
    for path, _ in (folder, several):
        for file in sorted(path.glob("*.c")):
            if "selftest" not in file.name and not file.name.endswith("_weights.c"):
                made = tmp_path / f"{file.stem}.o"
                subprocess.run([cross.COMPILER, *cross.CORE, "-std=c11", *options, "-c", file, "-o", made], check=True)
                text = subprocess.run(
                    ["arm-none-eabi-objdump", "-dr", made], check=True, capture_output=True, text=True
                ).stdout
                assert ">:" in text
                assert _FLOATS.search(text) is None, f"{file.name}: {_FLOATS.search(text)}"


@NEEDS_ARM
def test_float_operations_would_be_found(tmp_path):
    (tmp_path / "a.c").write_text("float f(float a, int b) { return a * (float)b; }\ndouble g(double a) { return a / 3; }\n")
    for core in (cross.CORE, ("-mcpu=cortex-m3", "-mthumb")):
        subprocess.run([cross.COMPILER, *core, "-O2", "-c", tmp_path / "a.c", "-o", tmp_path / "a.o"], check=True)
        text = subprocess.run(
            ["arm-none-eabi-objdump", "-dr", tmp_path / "a.o"], check=True, capture_output=True, text=True
        ).stdout
        assert _FLOATS.search(text) is not None


def port(kind, size):
    return Port("x", kind, (1, 1, size, 1), 1, size, 1, 1, np.dtype(kind.lower()).itemsize, None, 0)


def test_inputs_of_the_selftest_reach_the_extremes_of_their_type():
    for kind, low, high in (("INT8", -128, 127), ("UINT8", 0, 255), ("INT16", -32768, 32767), ("INT32", 0, 1)):
        made = [example(port(kind, 4096), case, 0) for case in range(len(CASES))]
        assert all(array.dtype == kind.lower() for array in made)
        assert (made[2] == low).all()
        assert (made[3] == high).all()
        assert made[4][0, 0, 0, 0] == low == made[5][0, 0, -1, 0]
        assert made[4][0, 0, -1, 0] == high == made[5][0, 0, 0, 0]
        for case in (0, 1):
            assert made[case].min() <= low + (high - low) // 100
            assert made[case].max() >= high - (high - low) // 100
        assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(example(port("INT8", 99), 0, 0), example(port("INT8", 99), 0, 1))


def test_a_checksum_sees_every_byte_and_its_place():
    values = np.arange(100, dtype="int8")
    changed, swapped = values.copy(), values.copy()
    changed[50] += 1
    swapped[[3, 4]] = swapped[[4, 3]]
    assert len({checksum(values), checksum(changed), checksum(swapped), checksum(values[:-1])}) == 4
