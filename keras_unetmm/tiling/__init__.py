# SPDX-License-Identifier: Apache-2.0
"""A network's file cut into parts that run tile by tile: what each tile needs, where the cuts are, one arena for all."""
