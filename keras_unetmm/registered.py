# SPDX-License-Identifier: Apache-2.0
"""Makes `import keras_unetmm` enough to load any model of ours, without importing keras or a backend.

Keras finds a class of a saved model by its registered name, and a class is registered when its module is imported. Here
every name is registered for a stand-in, which imports the module when Keras asks for the class. It happens as soon as
keras is there: at once if it is imported already, else at the end of its import.

The same place says what is missing if keras cannot be imported for lack of its backend.
"""

import importlib
import importlib.abc
import importlib.util
import os
import sys

from keras_unetmm.pixel_weights import take_masks

PACKAGE = "keras_unetmm"
BACKENDS = ("tensorflow", "jax", "torch")
CLASSES = {
    "layers.bilinear_upsampling": "BilinearUpsampling",
    "layers.channel_attention": "SimplifiedChannelAttention",
    "layers.channel_scale": "ChannelScale",
    "layers.checked_sizes": "CheckedSizes",
    "layers.convnext_v2_block": "ConvNeXtV2Block",
    "layers.convolution_block": "ConvolutionBlock",
    "layers.degridding": "Degridding",
    "layers.dense_block": "DenseLayer DenseBlock",
    "layers.dilated_transposed_convolution": "DilatedTransposedConvolution",
    "layers.gelu": "GELU",
    "layers.local_mean": "LocalMean",
    "layers.global_response_normalization": "GlobalResponseNormalization",
    "layers.grouped_convolution": "GroupedConv2D",
    "layers.iem": "IEM",
    "layers.kb_block": "KBBlock",
    "layers.kernel_basis_attention": "KernelBasisAttention",
    "layers.mscan_block": "MSCANBlock",
    "layers.msiam": "StageReduction Aggregation MSIAM",
    "layers.multi_scale_attention": "MultiScaleAttention",
    "layers.naf_block": "NAFBlock",
    "layers.normalization": "LayerNormalization",
    "layers.padding": "PadToMultiple CropLike",
    "layers.patch_embedding": "OverlappingPatchEmbedding ConvolutionalStem",
    "layers.pixel_shuffle": "PixelShuffle PixelUnshuffle",
    "layers.pixel_shuffle_upsampling": "PixelShuffleUpsampling",
    "layers.pointwise_convolution": "PointwiseConvolution",
    "layers.preactivated_convolution": "PreactivatedConvolution",
    "layers.repeat_channels": "RepeatChannels",
    "layers.residual_downsampling": "ResidualDownsampling",
    "layers.residual_stage": "ResidualStage StridedConvolution",
    "layers.resize_like": "ResizeLike",
    "layers.select": "Select",
    "layers.select_attend_transfer": "Attend SelectAttendTransfer",
    "layers.separable_convolution": "SeparableConvolution",
    "layers.simple_gate": "SimpleGate",
    "layers.targeted_dropout": "TargetedDropout",
    "layers.transition": "TransitionDown TransitionUp",
    "layers.unet_module": "UNetEncoder UNetDecoder UNetModule",
    "losses.masks": "DiceLoss CrossEntropy SegmentationLoss",
    "losses.mattes": "MattingLoss",
    "losses.restoration": "PSNRLoss",
    "lowering.elementwise": "Squared Magnitude",
    "lowering.integer_layers": (
        "Affine ChannelNorm IntegerGlobalResponseNormalization SigmoidGELU OperatorGELU "
        "Resizing EdgePadding IntegerKernelBasisAttention"
    ),
    "lowering.normalizations": "IntegerGroupNormalization IntegerLayerNormalization IntegerRMSNormalization",
    "lowering.operator_layers": "Scaled Shifted ChannelMean ReciprocalRoot OneChannel",
    "lowering.volumes": "Slices Stack Volume",
    "metrics.dice": "Dice",
    "metrics.error_rates": "FalsePositiveRate FalseNegativeRate",
    "metrics.matting": "SAD MattingMSE",
    "metrics.mean_iou": "MeanIoU",
    "metrics.peak_signal_to_noise": "PSNR",
    "metrics.structural_similarity": "SSIM",
    "metrics.surfaces": "BoundaryF1 HausdorffDistance95 ComponentError",
    "quantization.quantized_layers": (
        "FakeQuantize MeanUnit QuantizedConv2D QuantizedDepthwiseConv2D QuantizedConv2DTranspose QuantizedConv3D "
        "QuantizedConv3DTranspose QuantizedDense QuantizedScaled QuantizedShifted QuantizedPReLU "
        "QuantizedLeakyReLU QuantizedReciprocalRoot QuantizedAveragePooling2D QuantizedResizing "
        "QuantizedGlobalAveragePooling2D QuantizedChannelMean QuantizedSoftmax QuantizedActivation"
    ),
    "training.schedules": "Accumulated WarmedUp",
}
"""The registered classes by their modules, with spaces between."""


class Registered:
    """Stands in Keras's table for a class whose module is not imported yet.

    Args:
        module: str, the full name of the module.
        name: str, of the class in it.
    """

    def __init__(self, module, name):
        self._module, self._name = module, name

    @property
    def resolved(self):
        """The class itself."""
        return getattr(importlib.import_module(self._module), self._name)

    def from_config(self, config):
        """What Keras calls to make an object of the class."""
        return self.resolved.from_config(config)

    def __call__(self, *args, **kwargs):
        return self.resolved(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.resolved, name)


def register(keras):
    """Registers a stand-in for each of our classes that is not registered yet.

    Args:
        keras: the module.
    """
    known = keras.saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names.split():
            known.setdefault(f"{PACKAGE}>{name}", Registered(f"{PACKAGE}.{module}", name))
    take_masks(keras)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Finds keras as all other finders do, and registers our classes when its import has ended."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next((found for finder in others if (found := finder.find_spec(name, path, target)) is not None), None)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                try:
                    run(module)
                except ModuleNotFoundError as error:
                    raise _explained(error) from error
                register(module)

            spec.loader.exec_module = exec_module
        return spec


def _explained(error):
    """The error with what to do, if a backend is missing."""
    missing = (error.name or "").partition(".")[0]
    if missing not in BACKENDS:
        return error
    chosen = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") == missing else "Keras's configuration"
    others = [name for name in BACKENDS if name != missing and importlib.util.find_spec(name) is not None]
    instead = f", or set KERAS_BACKEND to what is installed: {' or '.join(others)}" if others else ""
    return ModuleNotFoundError(
        f"Keras needs a backend, and {missing}, which {chosen} chooses, is not installed. Run pip install "
        f'"keras-unetmm[{missing}]"{instead}.',
        name=error.name,
        path=error.path,
    )


def register_with_keras():
    """Registers our classes now, or as soon as keras is imported."""
    if "keras" in sys.modules:
        register(sys.modules["keras"])
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())
