# SPDX-License-Identifier: Apache-2.0
"""More than one device, by the engines that exist: `keras.distribution` on JAX, `tf.distribute` on TensorFlow.

Hosts share the run's folder; the first one writes. Every process makes the whole batch and takes its part of it: a run on
several devices sees the batches of a run on one.
"""

import contextlib
import os

import keras

from keras_unetmm.training.folder import TrainingError
from keras_unetmm.training.one_device import OneDevice, part


class Sharded(OneDevice):
    """Data parallel on JAX: each device has a part of the batch; several hosts by `keras.distribution.initialize`.

    Hosts are told by KERAS_DISTRIBUTION_JOB_ADDRESSES, KERAS_DISTRIBUTION_NUM_PROCESSES and KERAS_DISTRIBUTION_PROCESS_ID.
    """

    def __init__(self, cpu_devices=None):
        if cpu_devices:  # read when JAX first looks for devices
            flags = os.environ.get("XLA_FLAGS", "")
            os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count={cpu_devices}"
        self.hosts = int(os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", "1"))
        self.host = int(os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", "0"))
        if self.hosts > 1:
            keras.distribution.initialize()
        self.count = len(keras.distribution.list_devices())
        self.chief = self.host == 0
        self.distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(self.distribution)

    def feed(self, stream, batch):
        return (tuple(part(array, self.host, self.hosts) for array in batch) for batch in stream())

    @contextlib.contextmanager
    def measuring(self, model):
        """Yields a copy on one device: examples come one by one, and every host measures all of them."""
        self.close()
        try:
            copy = keras.models.clone_model(model)
            copy.set_weights(model.get_weights())
            yield copy
        finally:
            keras.distribution.set_distribution(self.distribution)

    def close(self):
        keras.distribution.set_distribution(None)


def devices(distribute, cpu_devices=None):
    """The devices to train on.

    Args:
        distribute: bool, all that the backend finds, or one.
        cpu_devices: int, into how many devices the CPU is split, to try it out without accelerators.

    Raises:
        TrainingError: on torch, which Keras trains on one device.
    """
    if not distribute and cpu_devices:
        raise TrainingError(f"--cpu-devices is for --distribute. Received: --cpu-devices {cpu_devices} without it. Add it.")
    if not distribute:
        return OneDevice()
    backend = keras.backend.backend()
    if backend == "jax":
        return Sharded(cpu_devices)
    if backend == "tensorflow":
        from keras_unetmm.training.mirrored import Mirrored

        return Mirrored(cpu_devices)
    raise TrainingError(
        f"--distribute works on JAX and TensorFlow. Received: the backend {backend}, which Keras trains on one device. "
        "Add --backend jax or --backend tensorflow."
    )
