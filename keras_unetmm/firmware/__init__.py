# SPDX-License-Identifier: Apache-2.0
"""Firmware: a network's folder of C, and the boards that run it."""
