# SPDX-License-Identifier: Apache-2.0
"""A Zephyr module: zephyr/module.yml, CMakeLists.txt, Kconfig, a sample (Zephyr documentation, Modules; Test Runner)."""

from keras_unetmm.firmware.packages.shared import LICENCE_TEXT, readme, sources, under


def files(target, made, placement):
    """Returns a dict from paths to texts of a Zephyr module.

    Args:
        target: `Board`, the package.
        made: `Folder` of the network.
        placement: not used, for Zephyr places what is static.
    """
    del placement
    name, option = made.name, f"UNETMM_{made.name.upper()}"
    code = sources(target, made)
    listed = "\n".join(f"        src/{file}" for file in sorted(code) if file.endswith(".c"))
    return {
        "zephyr/module.yml": f"name: {name}\nbuild:\n  cmake: .\n  kconfig: zephyr/Kconfig\nsamples:\n  - samples\n",
        "zephyr/Kconfig": f'config {option}\n\tbool "The neural network {name}"\n\thelp\n\t  Plain C, row by row.\n',
        "CMakeLists.txt": f"if(CONFIG_{option})\n    zephyr_include_directories(src)\n    zephyr_library()\n"
        f"    zephyr_library_sources(\n{listed})\nendif()\n",
        "LICENSE.txt": LICENCE_TEXT,
        "README.md": readme(target, made, _USE.format(name=name, option=option)),
        **under("src", code),
        "samples/device/CMakeLists.txt": _PROJECT.format(name=name),
        "samples/device/prj.conf": f"CONFIG_{option}=y\n{_CONFIG}",
        "samples/device/sample.yaml": _SAMPLE.format(name=name),
        "samples/device/src/main.c": _MAIN,
    }


_USE = """## Use

Add this folder to `ZEPHYR_EXTRA_MODULES`, and `CONFIG_{option}=y` to `prj.conf`. `src/{name}.h` says how to call it. The
sample answers a computer over the UART of the console:

```sh
west build -b nrf52840dk/nrf52840 samples/device && west flash
unetmm device run --port /dev/ttyACM0 photo.png -o out.png
```
"""
_PROJECT = """cmake_minimum_required(VERSION 3.20.0)
list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})
project({name}_device)
target_sources(app PRIVATE src/main.c)
"""
_CONFIG = """CONFIG_SERIAL=y
CONFIG_CONSOLE=n
CONFIG_UART_CONSOLE=n
CONFIG_PRINTK=n
CONFIG_BOOT_BANNER=n
CONFIG_MAIN_STACK_SIZE=8192
CONFIG_SPEED_OPTIMIZATIONS=y
"""
_SAMPLE = """sample:
  name: {name} over the serial port
tests:
  sample.unetmm.{name}:
    build_only: true
    tags: unetmm
    integration_platforms:
      - nrf52840dk/nrf52840
"""
_MAIN = """/* Answers a computer over the UART of the console. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

#include "unetmm_board.h"
#include "unetmm_firmware.h"

static const struct device *const port = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

int board_receive(void)
{
    unsigned char byte;
    return uart_poll_in(port, &byte) == 0 ? byte : BOARD_NOTHING;
}

void board_send(uint8_t byte)
{
    uart_poll_out(port, byte);
}

uint64_t board_ticks(void)
{
    static uint32_t last;
    static uint64_t turns;
    const uint32_t now = k_cycle_get_32();
    turns += now < last ? UINT64_C(1) << 32 : 0;
    last = now;
    return turns + now;
}

uint32_t board_tick_hz(void)
{
    return (uint32_t)sys_clock_hw_cycles_per_sec();
}

uint32_t board_clock_hz(void)
{
    return (uint32_t)sys_clock_hw_cycles_per_sec();
}

uint32_t board_stack_used(void)
{
    return 0; /* not known */
}

int main(void)
{
    if (device_is_ready(port)) {
        unetmm_firmware();
    }
    return 0;
}
"""
