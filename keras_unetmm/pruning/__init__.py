# SPDX-License-Identifier: Apache-2.0
"""Networks that lose channels: while they train, by STAMP's rule or simpler ones, or at once."""

from keras_unetmm.graph.selected import without_unselected
from keras_unetmm.pruning.dropping import cleaned, with_dropout, without_dropout
from keras_unetmm.pruning.prune import masked, prune
from keras_unetmm.pruning.schedule import Pruning

__all__ = ["Pruning", "cleaned", "masked", "prune", "with_dropout", "without_dropout", "without_unselected"]
