"""A plain PyTorch U-Net (arXiv 1505.04597) with "same" padding, written for comparison: the peer in benchmarks and in tests.

It is the row `ronneberger2015` of `keras_unetmm.models.UNet`, its layers in the same order.
"""

import torch
from torch import nn


class Block(nn.Sequential):
    """Two 3x3 convolutions, each with ReLU."""

    def __init__(self, given, channels):
        super().__init__(
            nn.Conv2d(given, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """The network, `(N, inputs, H, W)` in, logits `(N, classes, H, W)` out; levels include the bottom."""

    def __init__(self, inputs=1, classes=2, channels=64, levels=5, dropout=0.5):
        super().__init__()
        widths = [channels * 2**level for level in range(levels)]
        self.encoders = nn.ModuleList(Block(a, b) for a, b in zip([inputs, *widths], widths[:-1], strict=False))
        self.middle = Block(widths[-2], widths[-1])
        coarse_first = widths[-2::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, 2) for width in coarse_first)
        self.decoders = nn.ModuleList(Block(2 * width, width) for width in coarse_first)
        self.head = nn.Conv2d(channels, classes, 1)
        self.pool, self.dropout = nn.MaxPool2d(2), nn.Dropout(dropout)

    def forward(self, x):
        kept = []
        for i, encoder in enumerate(self.encoders):
            x = encoder(x)
            if i == len(self.encoders) - 1:
                x = self.dropout(x)
            kept.append(x)
            x = self.pool(x)
        x = self.dropout(self.middle(x))
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(kept), strict=True):
            x = decoder(torch.cat([up(x), skip], 1))
        return self.head(x)
