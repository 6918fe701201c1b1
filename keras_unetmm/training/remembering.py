# SPDX-License-Identifier: Apache-2.0
"""What ended a stream of batches, for the one who reads it."""


class Remembering:
    """Iterates over batches and keeps the error that ends them: TensorFlow gives fit one of its own instead."""

    def __init__(self, stream):
        self.stream, self.error = stream, None

    def __call__(self):
        try:
            yield from self.stream()
        except Exception as error:
            self.error = error
            raise
