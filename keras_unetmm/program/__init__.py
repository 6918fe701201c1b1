# SPDX-License-Identifier: Apache-2.0
"""The program that planner, tiler and runtime share."""
