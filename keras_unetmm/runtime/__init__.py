# SPDX-License-Identifier: Apache-2.0
"""Programs run on a computer as on a device, and two files cross-checked."""
