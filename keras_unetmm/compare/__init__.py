# SPDX-License-Identifier: Apache-2.0
"""A model in floats against its file of integers, on the metrics of a task."""
