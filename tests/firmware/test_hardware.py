"""Boards that are built here and not run, packages for frameworks, and the commands that flash them."""

import re
import shutil
import subprocess

import pytest
import yaml
from engine.programs import COMPILERS, small, two_ends
from firmware.projects import STRICT, network, put
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.engine.store import load
from keras_unetmm.firmware import flash
from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.boards.boards import BOARDS, PACKAGES, board
from keras_unetmm.firmware.build import built, lacking, used
from keras_unetmm.firmware.device.emulator import Emulated
from keras_unetmm.firmware.write import Wanted

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
HARDWARE = [name for name, found in BOARDS.items() if found.prefix and found.emulator is None]
BUILDS = [
    pytest.param(name, marks=pytest.mark.skipif(bool(lacking(board(name))), reason=lacking(board(name)) or "-"))
    for name in HARDWARE
]


with_cpp = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    path = tmp_path_factory.mktemp("hardware")
    made, code = network(small())
    for name in (*HARDWARE, *PACKAGES):
        put(path / name, name, made, code)
    return path


@pytest.mark.parametrize("name", BUILDS)
def test_a_board_is_built_without_a_warning_and_its_parts_lie_where_they_should(folders, name):
    target, folder = board(name), folders / name
    program = built(folder, folder / "build", target, STRICT)
    memories = used(program, target)
    figures = load(folder).description["figures"]
    assert memories["FLASH"]["used"] > figures["flash_bytes"] + 4000
    assert sum(said["used"] for memory, said in memories.items() if memory != "FLASH") > figures["ram_bytes"] + 8192
    assert program.with_suffix(".bin").stat().st_size <= memories["FLASH"]["used"] + 64  # gaps
    listed = subprocess.run([f"{target.prefix}nm", program], capture_output=True, text=True, check=True).stdout
    places = {symbol: int(address, 16) for address, symbol in re.findall(r"^(\w+) \w (\S+)$", listed, re.M)}
    assert places["arena"] % 32 == 0
    vectors = places["vectors"]
    assert vectors == target.region("FLASH").origin
    stack, reset = (int.from_bytes(program.with_suffix(".bin").read_bytes()[i : i + 4], "little") for i in (0, 4))
    assert stack == places["board_stack_top"]
    assert reset == places["board_reset"] | 1
    assert "**not tried on a board**" in (folder / "README.md").read_text()
    if name == "rp2350":
        assert 0 < places["image_definition"] - vectors < 4096


@pytest.mark.skipif(bool(lacking(board("stm32f746g-disco"))), reason="no arm-none-eabi-gcc")
def test_maps_and_weights_go_into_external_memory(tmp_path):
    made, code = network(small(), Wanted("rows", memories=2))
    target = board("stm32f746g-disco")
    wanted = {"fast": "DTCM", "carried": "SDRAM", "weights": "QSPI"}
    folder = put(tmp_path / "fw", target.name, made, code, wanted)
    memories = used(built(folder, folder / "build", target), target)
    figures = made.description["figures"]
    assert memories["SDRAM"]["used"] == (figures["carried_bytes"] + 128 if figures["carried_bytes"] else 0)
    assert memories["QSPI"]["used"] > 500
    assert "board_memory_init" in (folder / "README.md").read_text()


def compiles(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@with_cpp
def test_arduino_s_rules(folders, tmp_path):
    """Those of Arduino Lint that concern what a library holds."""
    folder = folders / "arduino"
    lines = (folder / "library.properties").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines)
    fields = "name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"
    assert list(said)[:9] == list(fields)
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9 _.\-]{0,62}", said["name"])
    assert not said["name"].lower().startswith("arduino")
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["version"])
    assert said["sentence"].endswith(".")
    assert said["sentence"] not in said["paragraph"]
    assert said["category"] in ("Data Processing", "Other")
    assert (folder / "src" / said["includes"]).is_file()
    assert (folder / "README.md").is_file()
    assert (folder / "LICENSE.txt").is_file()
    sketches = sorted((folder / "examples").iterdir())
    assert [sketch.name for sketch in sketches] == ["Device", "Run"]
    assert all((sketch / f"{sketch.name}.ino").is_file() for sketch in sketches)
    assert all(re.fullmatch(r"[\w.\-]+", path.name) and not path.is_symlink() for path in folder.rglob("*"))
    assert not [path for path in folder.rglob("*") if path.suffix in (".exe", ".o") or path.name.startswith(".")]
    (tmp_path / "Arduino.h").write_text(_ARDUINO)
    for sketch in sketches:
        command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-include", tmp_path / "Arduino.h"]
        compiles(
            [*command, f"-I{folder / 'src'}", "-c", sketch / f"{sketch.name}.ino", "-o", tmp_path / f"{sketch.name}.o"], None
        )
    objects = sorted((folder / "src").glob("*.c"))
    compiles(["gcc", "-std=c11", "-O0", *STRICT, "-c", *objects], tmp_path)
    (tmp_path / "stub.cpp").write_text(_STUB)
    parts = sorted(path.name for path in tmp_path.glob("*.o") if path.name != "Device.o")
    compiles(["g++", "-std=c++17", "-include", "Arduino.h", "stub.cpp", *parts, *_UNUSED, "-o", "run"], tmp_path)
    assert compiles([tmp_path / "run"], tmp_path).startswith("done in ms: ")


_UNUSED = ("-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all")
_ARDUINO = """#pragma once
#include <cstdint>
struct Port {
  void begin(long);
  operator bool();
  int read();
  void write(uint8_t);
  void print(const char *);
  void println(unsigned long);
};
extern Port Serial;
unsigned long micros();
unsigned long millis();
void delay(unsigned long);
"""
_STUB = """#include <cstdio>
Port Serial;
void Port::begin(long) {}
Port::operator bool() { return true; }
int Port::read() { return -1; }
void Port::write(uint8_t) {}
void Port::print(const char *text) { std::printf("%s", text); }
void Port::println(unsigned long number) { std::printf("%lu\\n", number); }
unsigned long micros() { return 0; }
unsigned long millis() { return 0; }
void delay(unsigned long) {}
void setup();
void loop();
int main() { setup(); loop(); }
"""


def test_esp_idf_s_and_zephyr_s_formats(folders, tmp_path):
    folder = folders / "esp-idf"
    said = yaml.safe_load((folder / "idf_component.yml").read_text())
    assert set(said) == {"version", "description", "url", "license", "dependencies"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["version"])
    listed = re.findall(r'"(src/\S+\.c)"', (folder / "CMakeLists.txt").read_text())
    assert sorted(listed) == sorted(f"src/{path.name}" for path in (folder / "src").glob("*.c"))
    inner = yaml.safe_load((folder / "examples" / "device" / "main" / "idf_component.yml").read_text())
    path = folder / "examples" / "device" / "main" / inner["dependencies"]["net"]["path"]
    assert (path / "idf_component.yml").is_file()
    folder = folders / "zephyr"
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert (folder / module["build"]["kconfig"]).is_file()
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    sample = yaml.safe_load((folder / module["samples"][0] / "device" / "sample.yaml").read_text())
    assert set(sample) == {"sample", "tests"}
    option = re.search(r"config (\w+)", (folder / "zephyr" / "Kconfig").read_text())[1]
    assert f"CONFIG_{option}=y" in (folder / "samples" / "device" / "prj.conf").read_text()
    assert f"CONFIG_{option})" in (folder / "CMakeLists.txt").read_text()
    for main, stubs in (
        (folders / "esp-idf/examples/device/main/main.c", _ESP),
        (folder / "samples/device/src/main.c", _ZEPHYR),
    ):
        for file, text in stubs.items():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(text)
        include = f"-I{folder / 'src'}"
        compiles(["gcc", "-std=c11", *STRICT, f"-I{tmp_path}", include, "-c", main, "-o", tmp_path / "main.o"], None)


_ESP = {
    "sdkconfig.h": "#define CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ 240\n",
    "esp_timer.h": "#include <stdint.h>\nint64_t esp_timer_get_time(void);\nvoid app_main(void);\n",
    "driver/uart.h": "#include <stdint.h>\n#include <stddef.h>\n"
    "typedef struct { int baud_rate, data_bits, parity, stop_bits, flow_ctrl; uint8_t rx; int source_clk; } uart_config_t;\n"
    "enum { UART_NUM_0, UART_DATA_8_BITS, UART_PARITY_DISABLE, UART_STOP_BITS_1 };\n"
    "enum { UART_HW_FLOWCTRL_DISABLE, UART_SCLK_DEFAULT };\n"
    "int uart_read_bytes(int, void *, uint32_t, uint32_t);\nint uart_write_bytes(int, const void *, size_t);\n"
    "int uart_driver_install(int, int, int, int, void *, int);\nint uart_param_config(int, const uart_config_t *);\n"
    "#define ESP_ERROR_CHECK(x) ((void)(x))\n",
}
_ZEPHYR = {
    "zephyr/device.h": "#include <stdbool.h>\nstruct device { int x; };\nextern const struct device console;\n"
    "#define DT_CHOSEN(x) x\n#define DEVICE_DT_GET(x) &console\nbool device_is_ready(const struct device *);\n",
    "zephyr/drivers/uart.h": "int uart_poll_in(const struct device *, unsigned char *);\n"
    "void uart_poll_out(const struct device *, unsigned char);\n",
    "zephyr/kernel.h": "#include <stdint.h>\nuint32_t k_cycle_get_32(void);\nint sys_clock_hw_cycles_per_sec(void);\n",
}


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_the_cmake_package_links_into_a_firmware(folders, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.13)\nproject(user LANGUAGES C)\nadd_subdirectory({folders / 'cmake'} net)\n"
        "add_executable(user main.c)\ntarget_link_libraries(user PRIVATE unetmm::net unetmm::net_device)\n"
    )
    functions = "int board_receive(void) { return BOARD_CLOSED; }\nvoid board_send(uint8_t byte) { (void)byte; }\n"
    for name, kind in (("ticks", "uint64_t"), ("tick_hz", "uint32_t"), ("clock_hz", "uint32_t"), ("stack_used", "uint32_t")):
        functions += f"{kind} board_{name}(void) {{ return 0; }}\n"
    main = '#include "net.h"\n#include "unetmm_board.h"\n#include "unetmm_firmware.h"\n'
    (tmp_path / "main.c").write_text(
        f"{main}{functions}int main(void) {{ unetmm_firmware(); return NET_RAM_BYTES == 0; }}\n"
    )
    compiles(["cmake", "-S", ".", "-B", "build"], tmp_path)
    compiles(["cmake", "--build", "build"], tmp_path)
    compiles([tmp_path / "build" / "user"], tmp_path)


def test_flashing_says_and_does_what_the_tool_needs(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(flash, "built", lambda folder, build, target: tmp_path / "firmware.elf")
    (tmp_path / "firmware.bin").write_bytes(bytes(range(256)) * 3 + b"end")

    def tools(*names):
        return lambda name: f"/bin/{name}" if name in names else None

    (step,) = flash.planned(folders / "nucleo-h743zi", which=tools("pyocd"))
    assert step.command == ("/bin/pyocd", "flash", "--target", "stm32h743zitx", str(tmp_path / "firmware.elf"))
    (step,) = flash.planned(folders / "rp2350", which=tools("picotool"))
    assert step.command[:4] == ("/bin/picotool", "load", "--verify", "--execute")
    blocks = (tmp_path / "firmware.uf2").read_bytes()
    assert len(blocks) == 4 * 512
    assert blocks[:4] == b"UF2\n"
    assert b"".join(blocks[i + 32 : i + 288] for i in range(0, 2048, 512)).startswith(
        (tmp_path / "firmware.bin").read_bytes()
    )
    assert [int.from_bytes(blocks[i + 12 : i + 16], "little") for i in (0, 512)] == [0x10000000, 0x10000100]
    drive = tmp_path / "media" / "user" / "RP2350"
    drive.mkdir(parents=True)
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader")
    (step,) = flash.planned(folders / "rp2350", which=tools(), drives=(str(tmp_path / "media"),))
    flash.run(step)
    assert (drive / "firmware.uf2").read_bytes() == blocks
    steps = flash.planned(folders / "arduino", "/dev/ttyACM0", "arduino:mbed_nicla:nicla_vision", which=tools("arduino-cli"))
    assert steps[0].command[:3] == ("/bin/arduino-cli", "compile", "--upload")
    assert steps[0].command[-3:-1] == ("--fqbn", "arduino:mbed_nicla:nicla_vision")
    steps = flash.planned(folders / "zephyr", None, "nrf52840dk/nrf52840", which=tools("west"))
    assert [step.command[1] for step in steps] == ["build", "flash"]
    steps = flash.planned(folders / "esp-idf", "/dev/ttyUSB0", which=tools("idf.py"))
    assert steps[1].command[-3:] == ("-p", "/dev/ttyUSB0", "flash")
    for name, said in (
        ("nucleo-h743zi", r"needs pyocd\. Received: it is not installed"),
        ("rp2350", "BOOTSEL button held"),
        ("zephyr", r"needs west"),
        ("cmake", "a CMake package; flash the firmware that uses it"),
        ("coralmicro", "its README.md says how"),
    ):
        with pytest.raises(BoardError, match=said):
            flash.planned(folders / name, which=tools(), drives=(str(tmp_path / "nothing"),))


@pytest.mark.parametrize("name", ["cmake", "rp2350"])
def test_what_does_not_run_here_is_no_port(folders, name):
    with pytest.raises(BoardError, match=rf"must be a project for an emulated board.*a project for {name}"):
        Emulated(folders / name)


def test_a_pretended_tool_is_run_and_its_failure_told(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(flash, "built", lambda folder, build, target: tmp_path / "firmware.elf")
    tool = tmp_path / "pyocd"
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\nexit $(cat {tmp_path}/status)\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "status").write_text("0")
    done = CliRunner().invoke(app, ["flash", str(folders / "nrf52840-dk")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "called").read_text().startswith("flash --target nrf52840 ")
    assert "unetmm device test --port PORT" in done.stdout
    (tmp_path / "status").write_text("3")
    done = CliRunner().invoke(app, ["flash", str(folders / "nrf52840-dk")])
    assert done.exit_code == 2
    assert "pyocd must end well. Received: status 3" in " ".join(done.stderr.split())
    done = CliRunner().invoke(app, ["flash", str(tmp_path)])
    assert "must be a project that unetmm firmware --board wrote" in " ".join(done.stderr.split())


@with_cpp
def test_the_app_for_coral_s_board_compiles(folders, tmp_path):
    folder = folders / "coralmicro"
    listed = re.findall(r"^    (src/\S+\.c)$", (folder / "CMakeLists.txt").read_text(), re.M)
    assert sorted(listed) == sorted(f"src/{path.name}" for path in (folder / "src").glob("*.c"))
    for file, text in _CORAL.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    flags = "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{tmp_path}", f"-I{folder / 'src'}"
    compiles(["g++", *flags, folder / "app.cc"], None)
    smallest = "-DUNETMM_DEVICE_LINE=32", "-DUNETMM_SELFTEST_BARE"
    compiles(["gcc", "-std=c11", *STRICT, *smallest, "-fsyntax-only", folder / "src" / "unetmm_device.c"], None)


_CORAL = {
    "libs/base/console_m7.h": "namespace coralmicro {\nstruct ConsoleM7 {\n  static ConsoleM7 *GetSingleton();\n"
    "  int Read(char *, int);\n  void Write(char *, int);\n};\n}\n",
    "libs/base/timer.h": "#include <cstdint>\nnamespace coralmicro { uint64_t TimerMicros(); }\n",
}


@with_cpp
def test_two_ends_make_an_arduino_sketch_that_compiles(tmp_path):
    made, code = network(two_ends())
    folder = put(tmp_path / "lib", "arduino", made, code)
    (tmp_path / "Arduino.h").write_text(_ARDUINO)
    sketch = folder / "examples" / "Run" / "Run.ino"
    command = [
        "g++",
        "-std=c++17",
        "-Wall",
        "-Werror",
        "-x",
        "c++",
        "-include",
        tmp_path / "Arduino.h",
        f"-I{folder / 'src'}",
    ]
    compiles([*command, "-fsyntax-only", sketch], None)
