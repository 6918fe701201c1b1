# SPDX-License-Identifier: Apache-2.0
"""Libraries of kernels, as objects: what of inputs and outputs may overlap with them, and the scratch that they ask for."""
