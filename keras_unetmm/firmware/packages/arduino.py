# SPDX-License-Identifier: Apache-2.0
"""An Arduino library: library.properties, src, examples (Arduino library specification 2.2; the rules of Arduino Lint)."""

from keras_unetmm.firmware.packages.shared import LICENCE_TEXT, URL, VERSION, readme, sources, under


def files(target, made, placement):
    """Returns a dict from paths to texts of an Arduino library.

    Args:
        target: `Board`, the package.
        made: `Folder` of the network.
        placement: not used, for Arduino places what is static.
    """
    del placement
    name = made.name
    return {
        "library.properties": _properties(made),
        "keywords.txt": "".join(f"{name}_{call}\tKEYWORD2\n" for call in ("run", "begin", "step")),
        "LICENSE.txt": LICENCE_TEXT,
        "README.md": readme(target, made, _USE.format(name=name, NAME=name.upper())),
        **under("src", sources(target, made)),
        "examples/Device/Device.ino": _DEVICE.format(name=name),
        "examples/Run/Run.ino": _run(made),
    }


def _properties(made):
    return f"""name={made.name}
version={VERSION}
author=keras_unetmm
maintainer=keras_unetmm
sentence=Runs a neural network row by row in little memory.
paragraph=Plain C without an interpreter, heap or floating point. A computer can send it photographs over the serial port.
category=Data Processing
url={URL}
architectures=*
includes={made.name}.h
"""


_USE = """## Use

Copy this folder into the folder `libraries` of your sketchbook, or zip it and choose Sketch, Include Library, Add .ZIP.
`{name}.h` says how to call it.

- `examples/Run` runs it once on a black image and prints how long that took.
- `examples/Device` answers a computer: `unetmm device run --port /dev/ttyACM0 photo.png -o out.png`.

The constants are `const`: on boards that keep `const` data in RAM (AVR, ESP8266) they do not fit.
"""
_DEVICE = """// Answers a computer over the serial port: unetmm device run --port /dev/ttyACM0 photo.png -o out.png
// SPDX-License-Identifier: Apache-2.0
#include <{name}.h>
#include <unetmm_board.h>
#include <unetmm_firmware.h>

extern "C" int board_receive(void) {{
  return Serial.read();  // -1 if nothing came, as the protocol has it
}}

extern "C" void board_send(uint8_t byte) {{
  Serial.write(byte);
}}

extern "C" uint64_t board_ticks(void) {{
  static uint32_t last = 0;
  static uint64_t turns = 0;
  const uint32_t now = micros();
  turns += now < last ? 0x100000000ULL : 0;
  last = now;
  return turns + now;
}}

extern "C" uint32_t board_tick_hz(void) {{
  return 1000000;
}}

extern "C" uint32_t board_clock_hz(void) {{
#ifdef F_CPU
  return F_CPU;
#else
  return 0;
#endif
}}

extern "C" uint32_t board_stack_used(void) {{
  return 0;  // not known
}}

void setup() {{
  Serial.begin(115200);
}}

void loop() {{
  unetmm_firmware();
}}
"""


def _run(made):
    name, prefix = made.name, made.name.upper()
    two = made.description["figures"]["carried_bytes"] > 0
    sides = [(side, made.description[f"{side}s"]) for side in ("input", "output")]
    arrays, names = "", []
    for side, found in sides:
        for i, port in enumerate(found):
            variable, macro = (side, side.upper()) if len(found) == 1 else (f"{side}_{i}", f"{side.upper()}_{i}")
            kind = {1: "int8_t", 2: "int16_t", 4: "int32_t", 8: "int64_t"}[port["element_bytes"]]
            kind = "uint8_t" if port["type"] in ("UINT8", "BOOL") else kind
            arrays += f"static {kind} {variable}[{prefix}_{macro}_BYTES / sizeof({kind})];\n"
            names.append(variable)
    memory = f"alignas({prefix}_ALIGNMENT) static uint8_t ram[{prefix}_RAM_BYTES];\n"
    given = "ram, sizeof ram"
    if two:
        memory = f"alignas({prefix}_ALIGNMENT) static uint8_t fast[{prefix}_FAST_BYTES], carried[{prefix}_CARRIED_BYTES];\n"
        given = "fast, sizeof fast, carried, sizeof carried"
    return f"""// Runs the network once on zeros and prints how long that took.
// SPDX-License-Identifier: Apache-2.0
#include <{name}.h>

{memory}{arrays}
void setup() {{
  Serial.begin(115200);
  while (!Serial) {{
  }}
}}

void loop() {{
  const unsigned long start = millis();
  const unetmm_status status = {name}_run({given}, {", ".join(names)});
  Serial.print(status == UNETMM_DONE ? "done in ms: " : "failed: ");
  Serial.println(status == UNETMM_DONE ? millis() - start : (unsigned long)status);
  delay(1000);
}}
"""
