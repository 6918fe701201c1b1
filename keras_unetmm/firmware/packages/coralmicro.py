# SPDX-License-Identifier: Apache-2.0
"""An app for the Coral Dev Board Micro: the engine on its Cortex-M7 (coral.ai, "Build apps with FreeRTOS", out of tree)."""

from keras_unetmm.firmware.packages.shared import LICENCE_TEXT, readme, sources, under

_LINE = 32  # bytes that are asked for at once: a frame must fit into the 64 bytes that its console buffers


def files(target, made, placement):
    """Returns a dict from paths to texts of an app.

    Args:
        target: `Board`, the package.
        made: `Folder` of the network.
        placement: not used, for coralmicro's linker places what is static.
    """
    del placement
    code = sources(target, made)
    listed = "\n".join(f"    src/{file}" for file in sorted(code) if file.endswith(".c"))
    return {
        "CMakeLists.txt": _LISTS.format(name=made.name, listed=listed, line=_LINE),
        "LICENSE.txt": LICENCE_TEXT,
        "README.md": readme(target, made, _USE.format(name=made.name)),
        "app.cc": _APP,
        **under("src", code),
    }


_LISTS = """# Put coralmicro beside this file: git submodule add https://github.com/google-coral/coralmicro
cmake_minimum_required(VERSION 3.13)
if(NOT DEFINED CMAKE_TOOLCHAIN_FILE)
    set(CMAKE_TOOLCHAIN_FILE ${{CMAKE_CURRENT_SOURCE_DIR}}/coralmicro/cmake/toolchain-arm-none-eabi-gcc.cmake)
endif()
project({name}_app)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_C_STANDARD 11)
include_directories(coralmicro src)
add_subdirectory(coralmicro)
add_executable_m7({name}_app
    app.cc
{listed}
)
target_compile_definitions({name}_app PRIVATE UNETMM_DEVICE_LINE={line})
target_link_libraries({name}_app libs_base-m7_freertos)
"""
_USE = """## Use

```sh
git submodule add https://github.com/google-coral/coralmicro && git submodule update --init --recursive
cmake -B out -S . && make -C out {name}_app
python3 coralmicro/scripts/flashtool.py --build_dir out --elf_path out/{name}_app
unetmm device run --port /dev/ttyACM0 photo.png -o out.png
```

The network runs on the Cortex-M7. For its Edge TPU give the board the file that `edgetpu_compiler` makes of what
`unetmm convert --target coral` wrote, and coralmicro's own `libs_tensorflow-m7_freertos`.
"""
_APP = """// Answers a computer over the USB console. SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "libs/base/console_m7.h"
#include "libs/base/timer.h"
#include "unetmm_board.h"
#include "unetmm_firmware.h"

extern "C" int board_receive(void) {
  char byte;
  const int count = coralmicro::ConsoleM7::GetSingleton()->Read(&byte, 1);
  return count == 1 ? static_cast<uint8_t>(byte) : static_cast<int>(BOARD_NOTHING);
}

extern "C" void board_send(uint8_t byte) {
  static char waiting[64];
  static int count = 0;
  waiting[count++] = static_cast<char>(byte);
  if (count == sizeof waiting || (byte == 0 && count > 1)) {
    coralmicro::ConsoleM7::GetSingleton()->Write(waiting, count);
    count = 0;
  }
}

extern "C" uint64_t board_ticks(void) { return coralmicro::TimerMicros(); }

extern "C" uint32_t board_tick_hz(void) { return 1000000; }

extern "C" uint32_t board_clock_hz(void) { return 800000000; }

extern "C" uint32_t board_stack_used(void) { return 0; }

extern "C" void app_main(void *parameter) {
  (void)parameter;
  unetmm_firmware();
}
"""
