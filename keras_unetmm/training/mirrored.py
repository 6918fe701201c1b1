# SPDX-License-Identifier: Apache-2.0
"""Several devices on TensorFlow: the only file of `training` that imports it, for its strategies have no Keras name."""

import contextlib
import json
import os

import keras
import numpy as np
import tensorflow as tf

from keras_unetmm.graph.nodes import parts as parts_of
from keras_unetmm.training.one_device import OneDevice, part


class Workers(tf.distribute.MultiWorkerMirroredStrategy):
    """The strategy for several hosts, which reduces what the `fit` of Keras 3.15 gives it: batches, and scalars by axis."""

    def reduce(self, reduce_op, value, axis):
        """Reduces each array of a batch; a scalar of each replica has no axis to be reduced along."""
        if isinstance(value, (tuple, list)):
            return type(value)(self.reduce(reduce_op, part, axis) for part in value)
        local = self.experimental_local_results(value)[0]
        return super().reduce(reduce_op, value, axis if local.shape.rank else None)


class Mirrored(OneDevice):
    """`tf.distribute.MirroredStrategy` for the devices of one host; for several, which TF_CONFIG names, their `Workers`.

    Args:
        cpu_devices: int, into how many devices the CPU is split first, or None.
    """

    def __init__(self, cpu_devices=None):
        cluster = json.loads(os.environ.get("TF_CONFIG", "{}"))
        hosts, host = len(cluster.get("cluster", {}).get("worker", [0])), cluster.get("task", {}).get("index", 0)
        if cpu_devices:
            split = [tf.config.LogicalDeviceConfiguration()] * cpu_devices
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], split)
        if hosts > 1:
            self.strategy = Workers()
        else:
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            self.strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        self.count = self.strategy.num_replicas_in_sync
        self.mine = range(host * self.count // hosts, (host + 1) * self.count // hosts)  # of the replicas
        self.chief = host == 0

    def scope(self):
        return self.strategy.scope()

    def prepared(self, model):
        """The model with batch norm over the whole batch, as one device has it."""
        return _synchronized(model, True)

    @contextlib.contextmanager
    def measuring(self, model):
        """Yields the model as it is saved: its batch norm for one device, which every backend has."""
        try:
            yield _synchronized(model, False)
        finally:
            _synchronized(model, True)

    def feed(self, stream, batch):
        """One element of the data set for each replica: its part of the whole batch."""

        def parts():  # called again for every iterator, of which Keras makes one to build the model
            for whole in stream():
                for replica in self.mine:
                    yield tuple(part(array, replica, self.count) for array in whole)

        signature = tuple(tf.TensorSpec((len(a) // self.count, *np.shape(a)[1:]), a.dtype) for a in batch)

        def data(context):
            return tf.data.Dataset.from_generator(parts, output_signature=signature).prefetch(len(self.mine))

        return self.strategy.distribute_datasets_from_function(data)


def _synchronized(model, whether):
    for layer in parts_of(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = whether
    return model
