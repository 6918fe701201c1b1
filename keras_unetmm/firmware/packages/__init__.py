"""The network as a package for a framework: Arduino, ESP-IDF, Zephyr, CMake."""
