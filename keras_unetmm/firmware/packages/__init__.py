# SPDX-License-Identifier: Apache-2.0
"""The network as a package for a framework: Arduino, ESP-IDF, Zephyr, CMake."""
