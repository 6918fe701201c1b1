"""A plain PyTorch KBNet_s (arXiv 2303.02881), written for comparison: the peer in benchmarks and in tests.

Attribute names are those of the authors' public checkpoints, so a `state_dict` of theirs fits too. Kernel basis
attention stands here in its plain form: the kernels of all pixels in one tensor, times the unfolded map.
"""

import torch
from torch import nn
from torch.nn import functional

from benchmarks.pytorch_nafnet import ChannelNorm, Gate

BASES, GROUP = 32, 4


def kernel_basis_attention(u, attention, kernels, biases):
    """Kernel basis attention: u (N, C, H, W), attention (N, K, H, W), kernels (K, C * 36), biases (K, C)."""
    n, c, height, width = u.shape
    attention = attention.flatten(2).transpose(1, 2)  # (N, HW, K)
    own = (attention @ kernels).reshape(n, height * width, c // GROUP, GROUP, 9 * GROUP)  # a kernel for each pixel
    patches = functional.unfold(u, 3, padding=1).reshape(n, c // GROUP, 9 * GROUP, height * width).permute(0, 3, 1, 2)
    y = (own @ patches.unsqueeze(-1)).reshape(n, height * width, c) + attention @ biases
    return y.transpose(1, 2).reshape(n, c, height, width)


class Block(nn.Module):
    """One KBNet_s block."""

    def __init__(self, c, ffn_scale, lightweight):
        super().__init__()
        middle, forward = min(c, 32), int(ffn_scale * c)
        self.w = nn.Parameter(torch.empty(1, BASES, c * GROUP * 9).uniform_(-1, 1) / (BASES * c * GROUP * 9) ** 0.5)
        self.b = nn.Parameter(torch.empty(1, BASES, c).uniform_(-1, 1) / (BASES * c * GROUP * 9) ** 0.5)
        self.norm1, self.norm2 = ChannelNorm(c), ChannelNorm(c)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1))
        branch = nn.Conv2d(c, c, 3, padding=1, groups=c) if lightweight else nn.Conv2d(c, c, 5, padding=2, groups=c // 4)
        self.conv11 = nn.Sequential(nn.Conv2d(c, c, 1), branch)
        self.conv1 = nn.Conv2d(c, c, 1)
        self.conv21 = nn.Conv2d(c, c, 3, padding=1, groups=c)
        self.conv2 = nn.Sequential(
            nn.Conv2d(c, middle, 3, padding=1, groups=middle), Gate(), nn.Conv2d(middle // 2, BASES, 1)
        )
        self.conv211 = nn.Conv2d(c, BASES, 1)
        self.conv3 = nn.Conv2d(c, c, 1)
        self.conv4 = nn.Conv2d(c, forward, 1)
        self.conv5 = nn.Conv2d(forward // 2, c, 1)
        self.gate = Gate()
        self.attgamma = nn.Parameter(torch.full((1, BASES, 1, 1), 0.01))
        self.ga1, self.beta, self.gamma = (nn.Parameter(torch.full((1, c, 1, 1), 0.01)) for _ in range(3))

    def forward(self, x):
        y = self.norm1(x)
        attention = self.conv2(y) * self.attgamma + self.conv211(y)
        u = self.conv21(self.conv1(y))
        v = kernel_basis_attention(u, attention, self.w[0], self.b[0]) * self.ga1 + u
        x = x + self.beta * self.conv3(v * self.conv11(y) * self.sca(y))
        return x + self.gamma * self.conv5(self.gate(self.conv4(self.norm2(x))))


class KBNet(nn.Module):
    """The network; depths as in the published row, decoder depths coarsest first."""

    def __init__(
        self, width=64, encoder=(2, 2, 4, 8), middle=12, decoder=(2, 2, 2, 2), lightweight=True, ffn_scale=1.5, images=3
    ):
        super().__init__()

        def blocks(c, depth):
            return nn.Sequential(*(Block(c, ffn_scale, lightweight) for _ in range(depth)))

        self.intro = nn.Conv2d(images, width, 3, padding=1)
        self.ending = nn.Conv2d(width, images, 3, padding=1)
        self.encoders, self.downs = nn.ModuleList(), nn.ModuleList()
        self.decoders, self.ups = nn.ModuleList(), nn.ModuleList()
        c = width
        for depth in encoder:
            self.encoders.append(blocks(c, depth))
            self.downs.append(nn.Conv2d(c, 2 * c, 2, 2))
            c *= 2
        self.middle_blks = blocks(c, middle)
        for depth in decoder:
            self.ups.append(nn.Sequential(nn.Conv2d(c, 2 * c, 1, bias=False), nn.PixelShuffle(2)))
            c //= 2
            self.decoders.append(blocks(c, depth))

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
