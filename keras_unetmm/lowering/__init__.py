"""Keras models of operators that have an integer kernel on a target."""
