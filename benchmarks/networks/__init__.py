"""25 networks that people put on small devices, of random but realistic weights."""

import keras
import numpy as np

from benchmarks.networks import classifiers, restorers, segmenters

NETWORKS = {
    "separable U-Net (keras.io)": segmenters.separable_unet,
    "pix2pix": restorers.pix2pix,
    "attention U-Net": segmenters.attention_unet,
    "U-Net++": segmenters.unet_plus_plus,
    "U2-Net, small": segmenters.u2net,
    "MobileNetV2 U-Net": segmenters.mobilenet_unet,
    "DeepLabV3+, small": segmenters.deeplab,
    "Fast-SCNN": segmenters.fast_scnn,
    "BiSeNet": segmenters.bisenet,
    "ENet": segmenters.enet,
    "LinkNet": segmenters.linknet,
    "ESPCN": restorers.espcn,
    "FSRCNN": restorers.fsrcnn,
    "DnCNN": restorers.dncnn,
    "FFDNet": restorers.ffdnet,
    "Zero-DCE": restorers.zero_dce,
    "autoencoder, dense": restorers.autoencoder,
    "MobileNetV3-like": classifiers.mobilenet_v3,
    "EfficientNet-lite": classifiers.efficientnet_lite,
    "YOLO-like": segmenters.yolo,
    "TCN": classifiers.tcn,
    "MLPerf Tiny ResNet-8": classifiers.resnet8,
    "MLPerf Tiny DS-CNN": classifiers.ds_cnn,
    "MLPerf Tiny MobileNetV1": classifiers.person,
    "MLPerf Tiny autoencoder": classifiers.anomaly,
}


def inputs_of(model, count, seed=0):
    """Returns a list of float32 arrays `(count, ...)`, one for each input: shapes with edges and some noise, in [0, 1]."""
    rng = np.random.default_rng(seed)
    return [np.stack([_smooth(rng, x.shape[1:]) for _ in range(count)]) for x in model.inputs]


def _smooth(rng, shape):
    *axes, channels = shape
    values = rng.normal(size=(1,) * len(axes) + (channels,))
    for step in (4, 8, 16):
        coarse = rng.normal(size=(*(min(step, size) for size in axes), channels))
        for axis, size in enumerate(axes):
            coarse = np.repeat(coarse, -(-size // coarse.shape[axis]), axis=axis).take(np.arange(size), axis=axis)
        values = values + coarse * 4 / step
    values = values if axes else rng.normal(size=shape)
    values = 0.5 + 0.18 * values + rng.normal(scale=0.02, size=shape)
    return np.clip(values, 0, 1).astype("float32")


def network(name, seed=0):
    """Returns a network with the statistics of its batch normalizations measured, as after training."""
    keras.utils.set_random_seed(seed)
    model, rng = NETWORKS[name](), np.random.default_rng(seed)
    for weight in model.weights:
        kind = weight.path.split("/")[-1]
        if kind in ("bias", "beta"):
            weight.assign(rng.normal(scale=0.1, size=weight.shape))
        if kind in ("gamma", "alpha"):
            weight.assign(rng.uniform(0.7, 1.3, weight.shape) if kind == "gamma" else rng.uniform(0.05, 0.3, weight.shape))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
    batch = inputs_of(model, 8, seed + 1)
    model(batch if len(batch) > 1 else batch[0], training=True)
    for layer in norms:
        layer.momentum = 0.99
    return model
