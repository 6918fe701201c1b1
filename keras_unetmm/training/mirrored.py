"""Several devices on TensorFlow: the only file of `training` that imports it, for its strategies have no Keras name."""

import json
import os

import keras
import numpy as np
import tensorflow as tf

from keras_unetmm.training.devices import OneDevice, part


class Mirrored(OneDevice):
    """MirroredStrategy on one host, MultiWorkerMirroredStrategy where TF_CONFIG names several."""

    def __init__(self, cpu_devices=None):
        if cpu_devices:
            split = [tf.config.LogicalDeviceConfiguration()] * cpu_devices
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], split)
        cluster = json.loads(os.environ.get("TF_CONFIG", "{}"))
        self.hosts = len(cluster.get("cluster", {}).get("worker", [0]))
        self.host = cluster.get("task", {}).get("index", 0)
        if self.hosts > 1:
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        else:
            names = [d.name for d in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
            self.strategy = tf.distribute.MirroredStrategy(names)
        self.count = self.strategy.num_replicas_in_sync
        self.chief = self.host == 0

    def scope(self):
        return self.strategy.scope()

    def prepared(self, model):
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True  # statistics of the whole batch, as one device has
        return model

    def feed(self, batches):
        """One element of the data set for each replica: its part of the whole batch."""
        first = next(batches)
        mine = self.count // self.hosts

        def parts():
            for batch in _first_and(first, batches):
                for replica in range(self.host * mine, (self.host + 1) * mine):
                    yield tuple(part(array, replica, self.count) for array in batch)

        signature = tuple(tf.TensorSpec((len(a) // self.count, *np.shape(a)[1:]), a.dtype) for a in first)

        def data(context):
            options = tf.data.Options()
            options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
            return tf.data.Dataset.from_generator(parts, output_signature=signature).with_options(options).prefetch(mine)

        return self.strategy.distribute_datasets_from_function(data)


def _first_and(first, others):
    yield first
    yield from others
