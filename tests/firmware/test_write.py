"""Writing a network's folder: what is refused, what is kept, that the same input gives the same files."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine.programs import COMPILERS, compiled, said, small, two_ends
from tflite.network import Network
from tflite.unusual import svdf

from keras_unetmm.engine import folder as engine_folder
from keras_unetmm.engine import store as engine_store
from keras_unetmm.engine.folder import CrossCheckError
from keras_unetmm.engine.store import FolderError
from keras_unetmm.engine.text import checked_name, escaped, name_of
from keras_unetmm.firmware.write import Wanted, write
from keras_unetmm.tflite import firmware
from keras_unetmm.tflite_file.edit import File

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")


def plain(seed=0):
    """The smallest network: it has only a convolution."""
    net = Network(seed)
    return net.file(net.conv(net.input(1, 4, 4, 2), 3))


def files(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_the_same_input_gives_the_same_files(tmp_path):
    (tmp_path / "a.tflite").write_bytes(small())
    code = "import sys; from keras_unetmm.firmware.write import Wanted, write; write(sys.argv[1], sys.argv[2], 'net')"
    for seed, name in (("1", "one"), ("2", "two")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC-{seed}"}
        command = [sys.executable, "-c", code, str(tmp_path / "a.tflite"), str(tmp_path / name)]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    for file, content in files(tmp_path / "one").items():
        assert str(tmp_path).encode() not in content, file
        assert str(ROOT).encode() not in content, file
        assert content.isascii(), file


def test_figures_and_files(tmp_path):
    steps = []
    figures = firmware(plain(), tmp_path / "net", "net", progress=steps.append)
    assert set(figures["files"]) == {file.name for file in (tmp_path / "net").iterdir()}
    kinds = "net.h", "net.c", "net_weights.h", "net_weights.c", "net_selftest.c", "CMakeLists.txt", "README.md", "unetmm.h"
    assert set(kinds) <= set(figures["files"])
    keys = (
        "schedule",
        "ram_bound",
        "io_bytes",
        "input_reads",
        "flash_bytes",
        "code_bytes",
        "stack_bytes",
        "passes",
        "buffers",
    )
    assert set(keys) <= set(figures)
    assert figures["macs"] == 4 * 4 * 2 * 3
    assert figures["macs_ratio"] == 1
    assert figures["cross_check"]["equal"] is True
    assert figures["proof"] == figures["cross_check"]  # its old name
    assert figures["io_bytes"] == {"inputs": [32], "outputs": [48]}
    assert figures["ram_bound"] <= figures["ram_bytes"] <= 32 + 48 + 256
    assert json.loads(json.dumps(figures)) == figures
    assert len(steps) > 8
    assert [op["name"] for op in figures["operators"]] == ["read", "CONV_2D", "write"]
    assert max(piece["offset"] + piece["bytes"] for piece in figures["buffers"]) <= figures["ram_bytes"]
    header = (tmp_path / "net" / "net.h").read_text()
    assert f"#define NET_RAM_BYTES {figures['ram_bytes']}u" in header
    assert "#define NET_INPUT_SCALE 0.015625f" in header


def test_writing_again_keeps_files_of_the_user(tmp_path):
    path = tmp_path / "net"
    write(plain(), path, "net", Wanted("rows"))
    before = files(path)
    (path / "notes.txt").write_text("mine")
    (path / "board" / "deep").mkdir(parents=True)
    (path / "board" / "deep" / "start.c").write_text("int x;")
    (path / "link").symlink_to("notes.txt")
    times = {file.name: file.stat().st_mtime_ns for file in path.glob("unetmm*")}
    write(plain(), path, "net", Wanted("rows"))
    assert {**before, "notes.txt": b"mine", "board/deep/start.c": b"int x;", "link": b"mine"} == files(path)
    assert (path / "link").is_symlink()
    assert times == {file.name: file.stat().st_mtime_ns for file in path.glob("unetmm*")}  # nothing is compiled again
    write(small(), path, "net", Wanted("rows"))  # another network of that name
    now = files(path)
    assert now["notes.txt"] == b"mine"
    assert now["net.c"] != before["net.c"]
    write(plain(), path, "net", Wanted("rows"))
    assert set(files(path)) == {*before, "notes.txt", "board/deep/start.c", "link"}  # kernels of the other one are gone
    assert [entry.name for entry in tmp_path.iterdir()] == ["net"]


def test_foreign_folders_are_refused(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("mine")
    with pytest.raises(FolderError, match=r"must be new, empty, or a folder that unetmm firmware wrote"):
        write(plain(), foreign, "net")
    (foreign / "unetmm.json").write_text('{"format": 1, "name": "net", "files": {"../x": "0"}}')
    with pytest.raises(FolderError, match="damaged"):
        write(plain(), foreign, "net")
    for text in ("[" * 100_000, "{}", '{"format": 2, "name": "net", "files": {}}', "\xff"):
        (foreign / "unetmm.json").write_bytes(text.encode("latin1"))
        with pytest.raises(FolderError, match="damaged"):
            write(plain(), foreign, "net")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(foreign)
    for name, said_of in (("file", "Received: a file"), ("link", "Received: a link"), ("no/net", "does not. Make it first")):
        with pytest.raises(FolderError, match=said_of):
            write(plain(), tmp_path / name, "net")
    assert (foreign / "thesis.tex").read_text() == "mine"


def test_changed_files_other_names_and_taken_names_are_refused(tmp_path):
    path = tmp_path / "net"
    write(plain(), path, "net", Wanted("rows"))
    with pytest.raises(FolderError, match="Received: the folder of net"):
        write(plain(), path, "other")
    original = (path / "net.c").read_text()
    (path / "net.c").write_text(original + "int mine;\n")
    with pytest.raises(FolderError, match=r"Received: net\.c, changed since"):
        write(plain(), path, "net")
    (path / "net.c").unlink()  # lost, so it is written again
    (path / "unetmm_depthwise.c").write_text("mine")
    with pytest.raises(FolderError, match=r"Received: unetmm_depthwise\.c\. Rename"):
        write(small(), path, "net", Wanted("rows"))
    write(plain(), path, "net", Wanted("rows"))
    assert (path / "net.c").read_text() == original
    assert (path / "unetmm_depthwise.c").read_text() == "mine"


@pytest.mark.parametrize("before", [False, True])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, before):
    path, space = tmp_path / "net", [20_000]
    if before:
        write(plain(), path, "net", Wanted("rows"))
    had = files(tmp_path)

    def full(file, text):
        space[0] -= len(text)
        file.write_text(text[: max(0, space[0])])
        if space[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(engine_store, "_write", full)
    with pytest.raises(FolderError, match=r"net cannot be written: No space left on device.* Free some space"):
        write(small(), path, "net", Wanted("rows"))
    assert files(tmp_path) == had


def test_nothing_is_written_if_one_byte_differs(tmp_path, monkeypatch):
    weights = engine_folder.Constants.definitions
    monkeypatch.setattr(engine_folder.Constants, "definitions", lambda self: _wrong(weights(self)))
    with pytest.raises(CrossCheckError, match=r"On the .* input, \d+ of 48 values of output 0 differ"):
        write(plain(), tmp_path / "net", "net")
    assert list(tmp_path.iterdir()) == []


def _wrong(text):
    """The first weight with another sign."""
    begin = text.index("{\n    ") + 6
    end = text.index(",", begin)
    return f"{text[:begin]}{127 if int(text[begin:end]) < 0 else -128}{text[end:]}"


@pytest.mark.parametrize(
    "name", ["", "1st", "a-b", "int", "class", "unetmm_x", "stdio", "String", "x" * 41, "ä", "_x", "a b", "a;"]
)
def test_names_that_are_no_identifiers_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="name must be a C identifier"):
        write(plain(), tmp_path / "net", name)
    assert list(tmp_path.iterdir()) == []


def test_names_are_made_of_files():
    for source in ("denoise-tiled", "Model (1)", "1st", "int", "unetmm", "", "__", "ä", "x" * 99, "a--b.c"):
        assert checked_name(name_of(source))
    assert name_of("denoise-tiled") == "denoise_tiled"


def floats():
    net = Network(dtype="float32")
    return net.file(net.conv(net.input(1, 4, 4, 2), 3))


def unknown():
    net = Network()
    x = net.conv(net.input(1, 4, 4, 2), 3)
    return net.file(net.operator("SEGMENT_SUM", [x, net.numbers(0)], [net.like(x)]))


def custom():
    net = Network()
    x = net.conv(net.input(1, 4, 4, 2), 3)
    return net.file(net.operator("a*/b\nc", [x], [net.like(x)]))


def pooled(*shape):
    net = Network()
    return net.file(net.pool("MAX_POOL_2D", net.input(*shape), (3, 3)))


def dilated():
    net = Network()
    return net.file(net.conv(net.input(1, 5, 5, 2), 3, (3, 5), dilation=(1, 20_000)))


def added(count):
    net = Network()
    first, *others = [net.input(1, 2, 2, 1) for _ in range(count)]
    for other in others:
        first = net.binary("ADD", first, other)
    return net.file(first)


def scaled(scale, output):
    net = Network()
    x = net.input(1, 4, 4, 2, scale=1 / 64 if output else scale)
    return net.file(net.conv(x, 3, scale=scale if output else 1 / 64))


def endless():
    net = Network()
    net.unary("RELU", net.input(1, 4, 4, 2))
    return net.file()


def early():
    net = Network()
    x = net.conv(net.input(1, 4, 4, 2), 3)
    made = net.unary("RELU6", net.unary("HARD_SWISH", net.conv(x, 2)))
    net.graph.operators.reverse()
    return net.file(made)


def own():
    net = Network()
    x = net.input(1, 4, 4, 2)
    made = net.concatenate([x, x], 1)
    net.graph.operators[0].inputs = [x, made]
    return net.file(made)


def misfit():
    net = Network()
    x = net.input(1, 4, 4, 2)
    both = net.tensor((4, 2), None, dtype="int32", data=np.ones((4, 2), "int32"))
    return net.file(net.operator("MIRROR_PAD", [x, both], [net.like(x, 3, 6, 6, 4)], "MirrorPad", mode=7))


@pytest.mark.parametrize(
    ("content", "said_of"),
    [
        (early, "every map must be made before it is read. Received: .*, which nothing makes before"),
        (own, "every map must be made before it is read. Received: .*, which nothing makes before CONCATENATION"),
        (misfit, "no kernel for operator 0, MIRROR_PAD as the file has it: its tensors and options do not fit"),
        (lambda: pooled(1, 1, 2**16, 1), "maps of up to 65,535 pixels a side"),
        (lambda: pooled(1, 2**16, 1, 1), "maps of up to 65,535 pixels a side"),
        (lambda: pooled(1, 30_000, 30_000, 1), "an input may have up to 33,554,432 numbers"),
        (lambda: pooled(3, 2**15, 2**15, 1), "2,147,483,647 in all"),
        (dilated, "windows step and reach fewer than 32,768 pixels. Received: CONV_2D with -40,000"),
        (lambda: added(257), "networks of up to 256 inputs. Received: 257"),
        (lambda: scaled(float("nan"), False), "Received: nan for 'graph/t0/value' of operator 0, CONV_2D"),
        (lambda: scaled(float("inf"), True), "Received: inf for 'graph/t3/value' of operator 0, CONV_2D"),
        (endless, "networks with an output. Received: none"),
        (floats, "computes with integers"),
        (unknown, "no kernel for operator 1, SEGMENT_SUM"),
        (custom, "no kernel for operator 1"),
    ],
)
def test_networks_that_it_cannot_run_are_named(tmp_path, content, said_of):
    with pytest.raises(ValueError, match=said_of):
        write(content(), tmp_path / "net", "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "said_of"),
    [
        ({"schedule": "fast"}, r"schedule must be one of 'auto', 'rows', 'whole'\. Received: 'fast'"),
        ({"ram": 0}, "ram must be a number of bytes"),
        ({"ram": "9"}, "ram must be a number of bytes"),
        ({"memories": 3}, "memories must be 1 or 2"),
        ({"memories": 2, "schedule": "whole"}, "memories=2 must come with"),
        ({"size": (9,)}, r"size must be \(height, width\)"),
        ({"size": (18, 25)}, "size must differ from that of the file, 16x24, by multiples of 2 pixels"),
        ({"ram": 100}, "ram=100 is below"),
        ({"ram": 100, "schedule": "whole"}, "by whole maps"),
    ],
)
def test_what_cannot_be_scheduled(tmp_path, values, said_of):
    with pytest.raises(ValueError, match=said_of):
        firmware(halved(), tmp_path / "net", "net", **values)
    assert list(tmp_path.iterdir()) == []


def halved():
    """A network in whose inner half every place is two of the image's wide."""
    net = Network()
    low = net.depthwise(net.conv(net.input(1, 16, 24, 4), 8, (3, 3), stride=(2, 2)))
    return net.file(net.conv(low, 4, (3, 3)))


def test_size_memory_and_two_memories(tmp_path):
    plain_rows = firmware(halved(), tmp_path / "net", "net")
    larger = firmware(halved(), tmp_path / "large", "net", size=(32, 48))
    assert larger["io_bytes"]["inputs"] == [32 * 48 * 4]
    assert larger["ram_bytes"] > plain_rows["ram_bytes"]
    strips = firmware(halved(), tmp_path / "large", "net", size=(32, 48), ram=larger["ram_bytes"] - 100)
    assert strips["ram_bytes"] <= larger["ram_bytes"] - 100
    assert strips["macs_ratio"] > 1
    two = firmware(small(), tmp_path / "two", "two", memories=2)
    assert two["ram_bytes"] == two["fast_bytes"] + two["carried_bytes"]


def test_a_network_that_remembers_is_told_to_forget(tmp_path):
    figures = firmware(svdf(), tmp_path / "net", "net")
    assert figures["kept_bytes"] > 0
    main = """
#include <string.h>
#include "net.h"
static _Alignas(NET_ALIGNMENT) uint8_t ram[NET_RAM_BYTES];
static int8_t input[NET_INPUT_BYTES], first[NET_OUTPUT_BYTES], output[NET_OUTPUT_BYTES];
int main(void)
{
    memset(ram, 0x77, sizeof ram);
    memset(input, 99, sizeof input);
    if (net_reset(ram, sizeof ram - 1) != UNETMM_TOO_SMALL || net_reset(ram, sizeof ram) != UNETMM_DONE) { return 1; }
    if (net_run(ram, sizeof ram, input, first) != UNETMM_DONE) { return 2; }
    if (net_run(ram, sizeof ram, input, output) != UNETMM_DONE || memcmp(first, output, sizeof first) == 0) { return 3; }
    if (net_reset(ram, sizeof ram) != UNETMM_DONE) { return 4; }
    if (net_run(ram, sizeof ram, input, output) != UNETMM_DONE || memcmp(first, output, sizeof first) != 0) { return 5; }
    return 0;
}
"""
    said(compiled(tmp_path / "net", main))
    assert "net_reset" not in (write(plain(), tmp_path / "plain", "net") and (tmp_path / "plain" / "net.h").read_text())


def test_float_ends_are_left_out(tmp_path):
    net = Network()
    x = net.tensor((1, 4, 4, 2), None, dtype="float32")
    net.graph.inputs.append(x)
    inner = net.operator("QUANTIZE", [x], [net.tensor((1, 4, 4, 2), 1 / 32)])
    made = net.conv(inner, 3)
    content = net.file(net.operator("DEQUANTIZE", [made], [net.tensor((1, 4, 4, 3), None, dtype="float32")]))
    assert firmware(content, tmp_path / "net", "net")["io_bytes"] == {"inputs": [32], "outputs": [48]}
    assert "#define NET_INPUT_SCALE 0.03125f" in (tmp_path / "net" / "net.h").read_text()


def test_other_bad_input(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"source must be a \.tflite file, or a preset: one of 'denoise', 'denoise-full'"):
        firmware("denoised", tmp_path / "net")
    with pytest.raises(OSError, match=r"none\.tflite"):
        firmware("none.tflite", tmp_path / "net")
    (tmp_path / "bad.tflite").write_bytes(b"no")
    with pytest.raises(ValueError, match="tflite"):
        firmware(tmp_path / "bad.tflite", tmp_path / "net")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ValueError, match="needs a C compiler on this computer"):
        write(plain(), tmp_path / "net", "net")
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.tflite"]


HOSTILE = (
    "*/ int evil; /*",
    "a\nint evil;\n",
    "\\\nint evil;",
    "??/\nint evil;",
    "ünïcödé 日本 \u202e",
    '"; #error evil',
    "`|*_<b>#",
)


def test_hostile_names_do_no_harm(tmp_path):
    file, path = File(two_ends()), tmp_path / "net"
    ends = [*file.main.inputs, *file.main.outputs]
    for first in (0, len(ends)):
        for i, index in enumerate(ends):  # whose names stand in comments
            file.main.tensors[index].name = HOSTILE[(first + i) % len(HOSTILE)].encode()
        write(file.packed(), path, "net", Wanted("rows"))
        main = '#include "net.h"\nint main(void) { return NET_INPUTS - 2; }\n'
        said(compiled(path, main))
        for written in (*path.glob("*.[ch]"), path / "README.md"):
            content = written.read_text(encoding="ascii")
            assert not any(line.lstrip().startswith(("int evil", "#error")) for line in content.splitlines())
            assert "*/ int" not in content
            assert "??/" not in content


def test_escaped_text_is_printable_and_short():
    for text in (*HOSTILE, "x" * 1000, "\0", "*/"):
        made = escaped(text)
        assert made.isascii()
        assert made.isprintable()
        assert len(made) < 900
        assert "*/" not in made
        assert "/*" not in made


@pytest.mark.skipif(not (ROOT / "tflite" / "scenes-sunet").is_dir(), reason="the presets' files are not beside the package")
@pytest.mark.skipif(shutil.which("cc") is None, reason="no cc is installed")
def test_a_preset_by_its_name(tmp_path):
    figures = firmware("scenes-sunet", tmp_path / "net", schedule="whole")
    assert figures["name"] == "scenes_sunet"
    assert (tmp_path / "net" / "scenes_sunet.h").is_file()
