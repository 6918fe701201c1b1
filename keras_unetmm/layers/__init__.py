# SPDX-License-Identifier: Apache-2.0
"""Published building blocks, one a file, named by the paper's term."""

from keras_unetmm.layers.bilinear_upsampling import BilinearUpsampling
from keras_unetmm.layers.channel_attention import SimplifiedChannelAttention
from keras_unetmm.layers.channel_scale import ChannelScale
from keras_unetmm.layers.checked_sizes import CheckedSizes
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.convnext_v2_block import ConvNeXtV2Block
from keras_unetmm.layers.convolution_block import ConvolutionBlock
from keras_unetmm.layers.degridding import Degridding
from keras_unetmm.layers.dense_block import DenseBlock, DenseLayer
from keras_unetmm.layers.dilated_transposed_convolution import DilatedTransposedConvolution
from keras_unetmm.layers.gelu import GELU
from keras_unetmm.layers.global_response_normalization import GlobalResponseNormalization
from keras_unetmm.layers.grouped_convolution import GroupedConv2D
from keras_unetmm.layers.iem import IEM
from keras_unetmm.layers.kb_block import KBBlock
from keras_unetmm.layers.kernel_basis_attention import KernelBasisAttention
from keras_unetmm.layers.local_mean import LocalMean
from keras_unetmm.layers.mscan_block import MSCANBlock
from keras_unetmm.layers.msiam import MSIAM, Aggregation, StageReduction
from keras_unetmm.layers.multi_scale_attention import MultiScaleAttention
from keras_unetmm.layers.naf_block import NAFBlock
from keras_unetmm.layers.normalization import LayerNormalization, normalization
from keras_unetmm.layers.padding import CropLike, PadToMultiple
from keras_unetmm.layers.patch_embedding import ConvolutionalStem, OverlappingPatchEmbedding
from keras_unetmm.layers.pixel_shuffle import PixelShuffle, PixelUnshuffle
from keras_unetmm.layers.pixel_shuffle_upsampling import PixelShuffleUpsampling
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.preactivated_convolution import PreactivatedConvolution
from keras_unetmm.layers.repeat_channels import RepeatChannels
from keras_unetmm.layers.residual_downsampling import ResidualDownsampling
from keras_unetmm.layers.residual_stage import ResidualStage, StridedConvolution
from keras_unetmm.layers.resize_like import ResizeLike
from keras_unetmm.layers.select import Select
from keras_unetmm.layers.select_attend_transfer import Attend, SelectAttendTransfer
from keras_unetmm.layers.separable_convolution import SeparableConvolution
from keras_unetmm.layers.simple_gate import SimpleGate
from keras_unetmm.layers.targeted_dropout import TargetedDropout
from keras_unetmm.layers.transition import TransitionDown, TransitionUp
from keras_unetmm.layers.unet_module import UNetDecoder, UNetEncoder, UNetModule

__all__ = [
    "GELU",
    "IEM",
    "MSIAM",
    "Aggregation",
    "Attend",
    "BilinearUpsampling",
    "ChannelScale",
    "CheckedSizes",
    "Composite",
    "ConvNeXtV2Block",
    "ConvolutionBlock",
    "ConvolutionalStem",
    "CropLike",
    "Degridding",
    "DenseBlock",
    "DenseLayer",
    "DilatedTransposedConvolution",
    "GlobalResponseNormalization",
    "GroupedConv2D",
    "KBBlock",
    "KernelBasisAttention",
    "LayerNormalization",
    "LocalMean",
    "MSCANBlock",
    "MultiScaleAttention",
    "NAFBlock",
    "OverlappingPatchEmbedding",
    "PadToMultiple",
    "PixelShuffle",
    "PixelShuffleUpsampling",
    "PixelUnshuffle",
    "PointwiseConvolution",
    "PreactivatedConvolution",
    "RepeatChannels",
    "ResidualDownsampling",
    "ResidualStage",
    "ResizeLike",
    "Select",
    "SelectAttendTransfer",
    "SeparableConvolution",
    "SimpleGate",
    "SimplifiedChannelAttention",
    "StageReduction",
    "StridedConvolution",
    "TargetedDropout",
    "TransitionDown",
    "TransitionUp",
    "UNetDecoder",
    "UNetEncoder",
    "UNetModule",
    "normalization",
]
