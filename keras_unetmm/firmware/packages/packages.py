# SPDX-License-Identifier: Apache-2.0
"""All packages: functions that return a dict from paths to texts."""

from keras_unetmm.firmware.packages import arduino, cmake, coralmicro, esp_idf, zephyr

FILES = {
    "arduino": arduino.files,
    "esp-idf": esp_idf.files,
    "zephyr": zephyr.files,
    "cmake": cmake.files,
    "coralmicro": coralmicro.files,
}
