"""KBNet_s's equations in numpy and float64, written apart from the library; arrays are (N, H, W, C)."""

from unittest import mock

import numpy as np
import reference
from reference import depthwise, gate, layer_norm


def kernel_basis_attention(u, a, kernels, biases):
    """Every pixel's own kernel first, then its patch; kernels (3, 3, 4, K, C), biases (K, C)."""
    rows, columns, channels = u.shape[1:]
    own = np.einsum("nhwk,ijgkc->nhwijgc", a, kernels)
    padded = np.pad(u, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = a @ biases
    for c in range(channels):
        first = c // 4 * 4
        for i in range(3):
            for j in range(3):
                patch = padded[:, i : i + rows, j : j + columns, first : first + 4]
                y[..., c] += (own[:, :, :, i, j, :, c] * patch).sum(-1)
    return y


def grouped(x, kernel, bias, groups):
    """A convolution in groups, same padding; kernel (h, w, in a group, out)."""
    read, written = kernel.shape[2], kernel.shape[3] // groups
    parts = [
        reference.conv(x[..., g * read : (g + 1) * read], kernel[..., g * written : (g + 1) * written])
        for g in range(groups)
    ]
    return np.concatenate(parts, -1) + bias


def kb_block(w, x, *p):
    """KBNet_s's block, lightweight or not."""
    z = layer_norm(x, w(*p, "norm1", "gamma"), w(*p, "norm1", "beta"))
    middle = min(x.shape[-1], 32)
    a = gate(grouped(z, w(*p, "conv2_0", "kernel"), w(*p, "conv2_0", "bias"), middle))
    a = w(*p, "attgamma", "scale") * w.conv(a, *p, "conv2_2") + w.conv(z, *p, "conv211")
    u = depthwise(w.conv(z, *p, "conv1"), w(*p, "conv21", "kernel"), w(*p, "conv21", "bias"))
    v = w(*p, "ga1", "scale") * kernel_basis_attention(u, a, w(*p, "kba", "kernels"), w(*p, "kba", "biases")) + u
    branch, kernel, bias = w.conv(z, *p, "conv11_0"), w(*p, "conv11_1", "kernel"), w(*p, "conv11_1", "bias")
    branch = depthwise(branch, kernel, bias) if kernel.shape[-1] == 1 else grouped(branch, kernel, bias, x.shape[-1] // 4)
    v = v * branch * w.conv(z.mean((1, 2), keepdims=True), *p, "sca")
    x = x + w(*p, "beta", "scale") * w.conv(v, *p, "conv3")
    y = layer_norm(x, w(*p, "norm2", "gamma"), w(*p, "norm2", "beta"))
    return x + w(*p, "gamma", "scale") * w.conv(gate(w.conv(y, *p, "conv4")), *p, "conv5")


def kbnet(w, image, encoder, middle, decoder, unet_minus=False):
    """NAFNet with other blocks; decoder depths coarsest first."""
    with mock.patch.object(reference, "naf_block", kb_block):
        return reference.nafnet(w, image, encoder, middle, decoder, unet_minus)
