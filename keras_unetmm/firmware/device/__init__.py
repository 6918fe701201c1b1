# SPDX-License-Identifier: Apache-2.0
"""The computer's side of the device protocol: ports, frames, and what a device is asked for."""
