# SPDX-License-Identifier: Apache-2.0
"""What a run shows while it trains: one bar over all of its steps, and a line at each evaluation."""

import time

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(keras.callbacks.Callback):
    """A bar with the loss and the time that is left; where there is no terminal, a line now and then.

    Args:
        console: `rich.console.Console`.
        first: int, steps done before.
        steps: int, steps of the run.
        batches: int, batches a step.
        seconds: float, between lines where there is no terminal.
    """

    def __init__(self, console, first, steps, batches=1, seconds=60.0):
        super().__init__()
        self.console, self.done, self.steps, self.batches, self.seconds = console, first, steps, batches, seconds
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, TextColumn("{task.fields[loss]}"), console=console, transient=True)
        self.task = self.bar.add_task("training", total=steps, completed=first, loss="")
        self.shown = time.monotonic()

    def on_train_begin(self, logs=None):
        if self.console.is_terminal:
            self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        if (batch + 1) % self.batches:
            return
        self.done += 1
        waited = time.monotonic() - self.shown
        if waited > (0.2 if self.console.is_terminal else self.seconds):  # reading the loss waits for the device
            self.shown = time.monotonic()
            loss = f"loss {float(logs['loss']):.4f}" if logs and "loss" in logs else ""
            self.bar.update(self.task, completed=self.done, loss=loss)
            if not self.console.is_terminal:
                self.console.print(f"step {self.done:,} of {self.steps:,}, {loss}", highlight=False)

    def close(self):
        """Takes the bar away."""
        self.bar.stop()
