# SPDX-License-Identifier: Apache-2.0
"""What a network costs on paper, and what its skips, gates and stages do."""

from keras_unetmm.analysis.activation import activation_maps, level_activation_maps
from keras_unetmm.analysis.attention import attention_maps
from keras_unetmm.analysis.channel_usage import selected_channels, switched_off
from keras_unetmm.analysis.feature_similarity import feature_similarity
from keras_unetmm.analysis.operations import macs
from keras_unetmm.analysis.pictures import draw_activations, draw_attention, draw_selection, draw_skip_memory
from keras_unetmm.analysis.representative_ability import representative_ability, restored_diversity
from keras_unetmm.analysis.skip_memory import kept_maps, skip_memory, skip_memory_timeline

__all__ = [
    "activation_maps",
    "attention_maps",
    "draw_activations",
    "draw_attention",
    "draw_selection",
    "draw_skip_memory",
    "feature_similarity",
    "kept_maps",
    "level_activation_maps",
    "macs",
    "representative_ability",
    "restored_diversity",
    "selected_channels",
    "skip_memory",
    "skip_memory_timeline",
    "switched_off",
]
