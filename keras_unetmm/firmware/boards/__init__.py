# SPDX-License-Identifier: Apache-2.0
"""Boards: start-up code, memory layout and commands to build and run a network's folder on each."""
