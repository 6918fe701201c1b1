"""A plain PyTorch NAFNet (arXiv 2204.04676), written for comparison: the peer in benchmarks and in tests.

Attribute names are those of the authors' public checkpoints, so a `state_dict` of theirs fits too.
"""

import torch
from torch import nn
from torch.nn import functional


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of `(N, C, H, W)`."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, 1e-6).permute(0, 3, 1, 2)


class Gate(nn.Module):
    """Half of the channels times the other half."""

    def forward(self, x):
        first, second = x.chunk(2, dim=1)
        return first * second


class Block(nn.Module):
    """One NAFNet block."""

    def __init__(self, c):
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(c), ChannelNorm(c)
        self.conv1 = nn.Conv2d(c, 2 * c, 1)
        self.conv2 = nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1))
        self.conv3 = nn.Conv2d(c, c, 1)
        self.conv4 = nn.Conv2d(c, 2 * c, 1)
        self.conv5 = nn.Conv2d(c, c, 1)
        self.gate = Gate()
        self.beta = nn.Parameter(torch.zeros(1, c, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, c, 1, 1))

    def forward(self, x):
        y = self.gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.beta * self.conv3(y * self.sca(y))
        return x + self.gamma * self.conv5(self.gate(self.conv4(self.norm2(x))))


class NAFNet(nn.Module):
    """The network; depths as in the published rows, decoder depths coarsest first."""

    def __init__(self, width=32, encoder=(2, 2, 4, 8), middle=12, decoder=(2, 2, 2, 2)):
        super().__init__()
        self.intro = nn.Conv2d(3, width, 3, padding=1)
        self.ending = nn.Conv2d(width, 3, 3, padding=1)
        self.encoders, self.downs = nn.ModuleList(), nn.ModuleList()
        self.decoders, self.ups = nn.ModuleList(), nn.ModuleList()
        c = width
        for depth in encoder:
            self.encoders.append(nn.Sequential(*(Block(c) for _ in range(depth))))
            self.downs.append(nn.Conv2d(c, 2 * c, 2, 2))
            c *= 2
        self.middle_blks = nn.Sequential(*(Block(c) for _ in range(middle)))
        for depth in decoder:
            self.ups.append(nn.Sequential(nn.Conv2d(c, 2 * c, 1, bias=False), nn.PixelShuffle(2)))
            c //= 2
            self.decoders.append(nn.Sequential(*(Block(c) for _ in range(depth))))

    def forward(self, image):
        height, width = image.shape[2:]
        multiple = 2 ** len(self.encoders)
        image = functional.pad(image, (0, -width % multiple, 0, -height % multiple))
        x, skips = self.intro(image), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle_blks(x)
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(skips), strict=True):
            x = decoder(up(x) + skip)
        return (self.ending(x) + image)[:, :, :height, :width]
