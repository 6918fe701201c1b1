# SPDX-License-Identifier: Apache-2.0
"""A run's log for TensorBoard."""

from keras_unetmm.training.folder import TrainingError


class Events:
    """Writes what is logged as event files, which `tensorboard --logdir RUN` shows.

    Args:
        folder: path of the files.

    Raises:
        TrainingError: if TensorBoard is not installed.
    """

    def __init__(self, folder):
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise TrainingError(
                f"--tensorboard needs TensorBoard. Received: {error}. Run pip install tensorboard."
            ) from error
        self.writer = Writer(str(folder))

    def add(self, row):
        """Adds the figures of a step."""
        for name, value in row.items():
            if name != "step":
                self.writer.add_scalar(name, value, step=row["step"])
        self.writer.flush()
