"""A plain PyTorch Lean U-Net for volumes, written for comparison: the peer in benchmarks and in tests.

It is `keras_unetmm.models.LUnet` of rank 3, its weights in the same order: the same channels at every level.
"""

import torch
from torch import nn


class Block(nn.Sequential):
    """3x3x3 convolutions, each followed by ReLU and batch norm."""

    def __init__(self, given, channels, convolutions):
        parts = []
        for inputs in [given] + [channels] * (convolutions - 1):
            parts += [nn.Conv3d(inputs, channels, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm3d(channels)]
        super().__init__(*parts)


class LUnet(nn.Module):
    """The network, `(N, inputs, D, H, W)` in, logits `(N, classes, D, H, W)` out; levels include the bottom."""

    def __init__(self, channels=4, levels=4, convolutions=3, inputs=1, classes=2):
        super().__init__()
        self.encoders = nn.ModuleList(
            Block(inputs if level == 0 else channels, channels, convolutions) for level in range(levels)
        )
        self.pool = nn.MaxPool3d(2)
        self.decoders = nn.ModuleList(
            nn.ModuleList([nn.ConvTranspose3d(channels, channels, 2, 2), Block(2 * channels, channels, convolutions)])
            for _ in range(levels - 1)
        )
        self.head = nn.Conv3d(channels, classes, 1)

    def forward(self, x):
        kept = []
        for encoder in self.encoders[:-1]:
            kept.append(encoder(x))
            x = self.pool(kept[-1])
        x = self.encoders[-1](x)
        for up, block in self.decoders:
            x = block(torch.cat([up(x), kept.pop()], 1))
        return self.head(x)
