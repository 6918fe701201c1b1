"""Firmware: a network's folder of C, and the boards that run it."""
