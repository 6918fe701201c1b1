# SPDX-License-Identifier: Apache-2.0
"""What to do with a file that does not fit into a memory."""
