# SPDX-License-Identifier: Apache-2.0
"""Names of types of Keras that many signatures have."""

from collections.abc import Callable
from typing import Any

import keras

DType = str | keras.DTypePolicy | None  # None for the one that Keras is set to
Config = dict[str, Any]  # arguments of a layer, loss or metric, as JSON has them
Initializer = str | dict | Callable[..., Any]  # a name, a config, or an object of keras.initializers
Activation = str | Callable[..., Any] | None  # a name, a function, or None for the identity
