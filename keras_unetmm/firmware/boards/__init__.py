"""Boards: start-up code, memory layout and commands to build and run a network's folder on each."""
