"""What a network costs, on paper."""

from keras_unetmm.analysis.operations import macs
from keras_unetmm.analysis.skip_memory import kept_maps, skip_memory

__all__ = ["kept_maps", "macs", "skip_memory"]
