# SPDX-License-Identifier: Apache-2.0
"""Where the tensors of a file lie in the arena: order, placement, lower bound, rewrites, and an independent check."""
