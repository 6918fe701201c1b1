"""A plain PyTorch MSCAN (arXiv 2209.08575) and matting network, written for comparison: the peer in benchmarks and in tests.

It is `keras_unetmm.models.MSCANMatting` with full skips, its layers in the same order; without drop path.
"""

import torch
from torch import nn
from torch.nn import functional

ROWS = {
    "tiny": ((32, 64, 160, 256), (3, 3, 5, 2), (8, 8, 4, 4), (32, 32, 64)),
    "base": ((64, 128, 320, 512), (3, 3, 12, 3), (8, 8, 4, 4), (64, 64, 128)),
}


def depthwise(channels, height, width):
    """A depthwise convolution that keeps the size."""
    return nn.Conv2d(channels, channels, (height, width), padding=(height // 2, width // 2), groups=channels)


def halving(given, channels):
    """A convolution of stride 2 and its batch norm."""
    return nn.Sequential(nn.Conv2d(given, channels, 3, 2, 1), nn.BatchNorm2d(channels))


class Scale(nn.Module):
    """One learned factor a channel."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.01))

    def forward(self, x):
        return x * self.weight[:, None, None]


class Attention(nn.Module):
    """Multi-scale convolutional attention."""

    def __init__(self, channels):
        super().__init__()
        self.local = depthwise(channels, 5, 5)
        self.strips = nn.ModuleList(nn.Sequential(depthwise(channels, 1, k), depthwise(channels, k, 1)) for k in (7, 11, 21))
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        local = self.local(x)
        return self.mix(local + sum(strip(local) for strip in self.strips)) * x


class Block(nn.Module):
    """Attention and feed-forward part, both residual."""

    def __init__(self, channels, expansion):
        super().__init__()
        wide = channels * expansion
        self.norm = nn.BatchNorm2d(channels)
        first, last = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)
        self.attention = nn.Sequential(first, nn.GELU(), Attention(channels), last)
        self.scale = Scale(channels)
        self.forward_part = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, wide, 1),
            depthwise(wide, 3, 3),
            nn.GELU(),
            nn.Conv2d(wide, channels, 1),
            Scale(channels),
        )

    def forward(self, x):
        z = self.norm(x)
        x = x + self.scale(self.attention(z) + z)
        return x + self.forward_part(x)


class Stage(nn.Module):
    """Blocks and the layer norm behind them."""

    def __init__(self, channels, depth, expansion):
        super().__init__()
        self.blocks = nn.Sequential(*(Block(channels, expansion) for _ in range(depth)))
        self.norm = nn.LayerNorm(channels)

    def forward(self, x):
        return self.norm(self.blocks(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class MSCAN(nn.Module):
    """The encoder, `(N, 3, H, W)` in, the four maps out, finest first."""

    def __init__(self, channels, depths, expansions):
        super().__init__()
        stem = nn.Sequential(halving(3, channels[0] // 2), nn.GELU(), halving(channels[0] // 2, channels[0]))
        self.stages = nn.ModuleList()
        for i, row in enumerate(zip(channels, depths, expansions, strict=True)):
            down = halving(channels[i - 1], channels[i]) if i else stem
            self.stages.append(nn.Sequential(down, Stage(*row)))

    def forward(self, x):
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class MSCANMatting(nn.Module):
    """The matting network, `(N, 3, H, W)` in, `(N, 1, H, W)` out."""

    def __init__(self, row="tiny"):
        super().__init__()
        channels, depths, expansions, decoder = ROWS[row] if isinstance(row, str) else row
        self.encoder = MSCAN(channels, depths, expansions)
        self.decoders = nn.ModuleList()
        for given, skip, width in zip((channels[3], *decoder[:0:-1]), channels[2::-1], decoder[::-1], strict=True):
            joined = width + skip
            reduce = nn.Conv2d(given, width, 1)
            parts = (depthwise(joined, 3, 3), nn.Conv2d(joined, width, 1), nn.BatchNorm2d(width), nn.GELU())
            self.decoders.append(nn.ModuleList([reduce, nn.Sequential(*parts)]))
        self.head = nn.Conv2d(decoder[0], 16, 1)

    def forward(self, x):
        *skips, x = self.encoder(x)
        for (reduce, mix), skip in zip(self.decoders, reversed(skips), strict=True):
            x = functional.interpolate(reduce(x), scale_factor=2, mode="bilinear", align_corners=False)
            x = mix(torch.cat([x, skip], 1))
        return functional.pixel_shuffle(self.head(x), 4).sigmoid()
