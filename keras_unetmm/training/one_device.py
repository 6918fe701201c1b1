# SPDX-License-Identifier: Apache-2.0
"""Training on one device, and what several devices have in common with it."""

import contextlib


class OneDevice:
    """What trains without `--distribute`."""

    count = 1  # of all hosts
    chief = True

    def scope(self):
        """Where the model is made."""
        return contextlib.nullcontext()

    def prepared(self, model):
        """The model with what several devices need changed."""
        return model

    def feed(self, stream, batch):
        """What `model.fit` is given, where `stream()` iterates over whole batches like `batch`."""
        return stream()

    @contextlib.contextmanager
    def measuring(self, model):
        """Yields the model for evaluation."""
        yield model

    def close(self):
        """Ends what training needed."""


def part(array, index, count):
    """The part `index` of `count` equal parts of a batch."""
    size = len(array) // count
    return array[index * size : (index + 1) * size]
