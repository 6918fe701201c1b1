# SPDX-License-Identifier: Apache-2.0
"""The command line, `unetmm`: one file a command."""

from keras_unetmm.cli.commands import app, main

__all__ = ["app", "main"]
