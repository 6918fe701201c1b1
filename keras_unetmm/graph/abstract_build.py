# SPDX-License-Identifier: Apache-2.0
"""Building networks whose weights have shapes but no values, to count what would take gigabytes and minutes."""

from concurrent.futures import ThreadPoolExecutor

import keras


def abstract_build(function, *args, **kwargs):
    """Returns `function(*args, **kwargs)`, where the weights of the models that it builds are given no values.

    Such models can be asked for shapes, configs and costs (`keras_unetmm.analysis.macs`, `skip_memory`). They cannot be
    called, trained or saved.
    """
    policy = keras.config.dtype_policy()

    def build():
        keras.config.set_dtype_policy(policy)  # each thread has its own
        with keras.StatelessScope(initialize_variables=False):
            return function(*args, **kwargs)

    # Keras remembers, for each thread, weights to give values to when it next can: a thread of our own forgets them
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(build).result()
