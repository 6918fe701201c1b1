# SPDX-License-Identifier: Apache-2.0
"""Keeping what compiled libraries write to the terminal, to be shown only when something fails."""

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings


@contextlib.contextmanager
def captured():
    """Redirects standard output and error, of compiled code too, and silences logs and warnings; yields a reader.

    Yields:
        function without arguments that returns the text captured so far.
    """
    with tempfile.TemporaryFile() as log, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        _flush()
        saved = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in saved:
                os.dup2(log.fileno(), number)
            yield lambda: _text(log)
        finally:
            _flush()
            for number, copy in saved:
                os.dup2(copy, number)
                os.close(copy)
            logging.disable(level)


def _text(log):
    _flush()
    log.seek(0)
    return log.read().decode(errors="replace")


def _flush():
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and not stream.closed:
            stream.flush()
