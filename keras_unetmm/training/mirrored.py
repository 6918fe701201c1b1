"""Several devices on TensorFlow: the only file of `training` that imports it, for its strategies have no Keras name."""

import contextlib
import json
import os

import keras
import numpy as np
import tensorflow as tf

from keras_unetmm.training.devices import OneDevice, part
from keras_unetmm.training.folder import RunError


class Mirrored(OneDevice):
    """`tf.distribute.MirroredStrategy`: the devices of one host.

    Args:
        cpu_devices: int, into how many devices the CPU is split first, or None.

    Raises:
        RunError: where TF_CONFIG names several hosts: the `fit` of Keras 3.15 fails under MultiWorkerMirroredStrategy, whose
            PerReplica values it neither builds a model with nor reduces to logs.
    """

    def __init__(self, cpu_devices=None):
        workers = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {}).get("worker", [])
        if len(workers) > 1:
            raise RunError(
                f"--distribute on TensorFlow takes one host. Received: TF_CONFIG with {len(workers)} workers, under which "
                "fit of Keras fails. Use --backend jax for several hosts, or unset TF_CONFIG."
            )
        if cpu_devices:
            split = [tf.config.LogicalDeviceConfiguration()] * cpu_devices
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], split)
        names = [d.name for d in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
        self.strategy = tf.distribute.MirroredStrategy(names)
        self.count = self.strategy.num_replicas_in_sync

    def scope(self):
        return self.strategy.scope()

    def prepared(self, model):
        """The model with batch norm over the whole batch, as one device has it."""
        return _synchronized(model, True)

    @contextlib.contextmanager
    def measuring(self, model):
        """Yields the model as it is saved: its batch norm for one device, which every backend has."""
        yield _synchronized(model, False)
        _synchronized(model, True)

    def feed(self, stream, batch):
        """One element of the data set for each replica: its part of the whole batch."""

        def parts():  # called anew for every iterator, of which Keras makes one to build the model
            for whole in stream():
                for replica in range(self.count):
                    yield tuple(part(array, replica, self.count) for array in whole)

        signature = tuple(tf.TensorSpec((len(a) // self.count, *np.shape(a)[1:]), a.dtype) for a in batch)

        def data(context):
            return tf.data.Dataset.from_generator(parts, output_signature=signature).prefetch(self.count)

        return self.strategy.distribute_datasets_from_function(data)


def _synchronized(model, whether):
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = whether
    return model
