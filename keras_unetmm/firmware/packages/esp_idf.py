# SPDX-License-Identifier: Apache-2.0
"""An ESP-IDF component: CMakeLists.txt, idf_component.yml, an example (IDF component manager, manifest file)."""

from keras_unetmm.firmware.packages.shared import LICENCE_TEXT, URL, VERSION, readme, sources, under


def files(target, made, placement):
    """Returns a dict from paths to texts of an ESP-IDF component.

    Args:
        target: `Board`, the package.
        made: `Folder` of the network.
        placement: `Placement`: maps in PSRAM get ESP-IDF's attribute for it.
    """
    slow = [part for part in ("fast", "carried") if _external(placement, part)]
    attributes = dict.fromkeys(slow, "EXT_RAM_BSS_ATTR ")
    code = sources(target, made, attributes, '#include "esp_attr.h"\n' if slow else "")
    name = made.name
    listed = "\n".join(f'    "src/{file}"' for file in sorted(code) if file.endswith(".c"))
    psram = "CONFIG_SPIRAM=y\nCONFIG_SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY=y\n" if slow else ""
    return {
        "CMakeLists.txt": f'idf_component_register(SRCS\n{listed}\n    INCLUDE_DIRS "src")\n',
        "idf_component.yml": _MANIFEST.format(name=name, version=VERSION, url=URL),
        "LICENSE.txt": LICENCE_TEXT,
        "README.md": readme(target, made, _USE.format(name=name, psram=_PSRAM if slow else "")),
        **under("src", code),
        "examples/device/CMakeLists.txt": _PROJECT.format(name=name),
        "examples/device/sdkconfig.defaults": f"CONFIG_ESP_CONSOLE_NONE=y\nCONFIG_ESP_TASK_WDT_INIT=n\n{psram}",
        "examples/device/main/CMakeLists.txt": _COMPONENT,
        "examples/device/main/idf_component.yml": f'dependencies:\n  idf: ">=5.3"\n  {name}:\n    path: "../../.."\n',
        "examples/device/main/main.c": _MAIN,
    }


def _external(placement, part):
    region = placement.regions.get(part)
    return region is not None and region.external and placement.needs[part] > 0


_MANIFEST = """version: "{version}"
description: "The neural network {name} as C, row by row, in little memory"
url: {url}
license: Apache-2.0
dependencies:
  idf: ">=5.3"
"""
_USE = """## Use

Copy this folder into `components` of your project, or name its path in `main/idf_component.yml`. `src/{name}.h` says how to
call it. The example answers a computer over UART 0:

```sh
cd examples/device && idf.py set-target esp32s3 build flash
unetmm device run --port /dev/ttyUSB0 photo.png -o out.png
```
{psram}"""
_PSRAM = "\nThe carried maps lie in PSRAM, which `sdkconfig.defaults` of the example switches on.\n"
_PROJECT = """cmake_minimum_required(VERSION 3.16)
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({name}_device)
"""
_COMPONENT = 'idf_component_register(SRCS "main.c" PRIV_REQUIRES esp_driver_uart esp_timer)\n'
_MAIN = """/* Answers a computer over UART 0. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "driver/uart.h"
#include "esp_timer.h"
#include "sdkconfig.h"
#include "unetmm_board.h"
#include "unetmm_firmware.h"

enum { BAUD = 115200, BUFFER = 2048 };

int board_receive(void)
{
    uint8_t byte;
    return uart_read_bytes(UART_NUM_0, &byte, 1, 0) == 1 ? byte : BOARD_NOTHING;
}

void board_send(uint8_t byte)
{
    (void)uart_write_bytes(UART_NUM_0, &byte, 1);
}

uint64_t board_ticks(void)
{
    return (uint64_t)esp_timer_get_time();
}

uint32_t board_tick_hz(void)
{
    return 1000000;
}

uint32_t board_clock_hz(void)
{
    return CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1000000u;
}

uint32_t board_stack_used(void)
{
    return 0; /* not known */
}

void app_main(void)
{
    const uart_config_t config = {
        .baud_rate = BAUD, .data_bits = UART_DATA_8_BITS, .parity = UART_PARITY_DISABLE, .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE, .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(UART_NUM_0, BUFFER, BUFFER, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(UART_NUM_0, &config));
    unetmm_firmware();
}
"""
