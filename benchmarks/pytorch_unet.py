"""A plain PyTorch U-Net (arXiv 1505.04597) with "same" padding, written for comparison: the peer in benchmarks and in tests.

It is the row `ronneberger2015` of `keras_unetmm.models.UNet`, with full skips or SAT gates.
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


class Gate(nn.Module):
    """Select-Attend-Transfer (arXiv 1804.05181): channels weighted between 0 and 1, then summed up in one map."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.5))
        self.attend = nn.Conv2d(channels, 1, 1)

    def forward(self, x):
        return torch.sigmoid(self.attend(x * self.weight.clamp(0, 1)))


class UNet(nn.Module):
    """The network, `(N, inputs, H, W)` in, logits `(N, classes, H, W)` out; levels include the bottom."""

    def __init__(self, inputs=1, classes=2, channels=64, levels=5, dropout=0.5, sat=False):
        super().__init__()
        widths = [channels * 2**level for level in range(levels)]
        self.encoders = nn.ModuleList(Block(a, b) for a, b in zip([inputs, *widths], widths[:-1], strict=False))
        self.middle = Block(widths[-2], widths[-1])
        coarse_first = widths[-2::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, 2) for width in coarse_first)
        self.gates = nn.ModuleList(Gate(width) if sat else nn.Identity() for width in widths[:-1])
        self.decoders = nn.ModuleList(Block(width + (1 if sat else width), width) for width in coarse_first)
        self.head = nn.Conv2d(channels, classes, 1)
        self.pool, self.dropout = nn.MaxPool2d(2), nn.Dropout(dropout)

    def forward(self, x):
        kept = []
        for i, (encoder, gate) in enumerate(zip(self.encoders, self.gates, strict=True)):
            x = encoder(x)
            if i == len(self.encoders) - 1:
                x = self.dropout(x)
            kept.append(gate(x))
            x = self.pool(x)
        x = self.dropout(self.middle(x))
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(kept), strict=True):
            x = decoder(torch.cat([up(x), skip], 1))
        return self.head(x)
