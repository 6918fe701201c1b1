"""Published building blocks, one a file, named by the paper's term."""

from keras_unetmm.layers.channel_attention import SimplifiedChannelAttention
from keras_unetmm.layers.channel_scale import ChannelScale
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.convnext_v2_block import ConvNeXtV2Block
from keras_unetmm.layers.gelu import GELU
from keras_unetmm.layers.global_response_normalization import GlobalResponseNormalization
from keras_unetmm.layers.iem import IEM
from keras_unetmm.layers.msiam import MSIAM, Aggregation, StageReduction
from keras_unetmm.layers.naf_block import NAFBlock
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.padding import CropLike, PadToMultiple
from keras_unetmm.layers.pixel_shuffle import PixelShuffle, PixelUnshuffle
from keras_unetmm.layers.pixel_shuffle_upsampling import PixelShuffleUpsampling
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.select import Select
from keras_unetmm.layers.select_attend_transfer import Attend, SelectAttendTransfer
from keras_unetmm.layers.separable_convolution import SeparableConvolution
from keras_unetmm.layers.simple_gate import SimpleGate

__all__ = [
    "GELU",
    "IEM",
    "MSIAM",
    "Aggregation",
    "Attend",
    "ChannelScale",
    "Composite",
    "ConvNeXtV2Block",
    "CropLike",
    "GlobalResponseNormalization",
    "NAFBlock",
    "PadToMultiple",
    "PixelShuffle",
    "PixelShuffleUpsampling",
    "PixelUnshuffle",
    "PointwiseConvolution",
    "Select",
    "SelectAttendTransfer",
    "SeparableConvolution",
    "SimpleGate",
    "SimplifiedChannelAttention",
    "StageReduction",
    "normalization",
]
