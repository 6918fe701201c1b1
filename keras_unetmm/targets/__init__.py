# SPDX-License-Identifier: Apache-2.0
"""What becomes of a file's operators on a target: rules, and the target's own compiler."""
