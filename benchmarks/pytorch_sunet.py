"""A plain PyTorch SUNet (arXiv 1804.10343), written for comparison: the peer in benchmarks and in tests.

Attribute names are those of the authors' public checkpoints, so a `state_dict` of theirs fits too.
"""

import torch
from torch import nn
from torch.nn import functional

ROWS = {
    "sunet64": (64, (2, 4, 4, 1), (256, 512, 768, 1024)),
    "sunet128": (128, (2, 4, 4, 1), (512, 1024, 1536, 2048)),
    "sunet7128": (128, (2, 7, 7, 1), (512, 1280, 2048, 2304)),
}


class Stage(nn.Module):
    """Preactivated convolutions in a row, each given as the name of its norm, its own name and itself."""

    def __init__(self, *units):
        super().__init__()
        self.order = []
        for norm, name, convolution in units:
            if norm is not None:
                self.add_module(norm, nn.BatchNorm2d(convolution.in_channels))
            self.add_module(name, convolution)
            self.order.append((norm, name))

    def forward(self, x, size=None):
        for norm, name in self.order:
            x = x if norm is None else functional.relu(getattr(self, norm)(x))
            convolution = getattr(self, name)
            x = convolution(x, output_size=size) if isinstance(convolution, nn.ConvTranspose2d) else convolution(x)
        return x


def conv3(inputs, outputs, rate=1, stride=1):
    """A 3x3 convolution that pads by its rate."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=rate, dilation=rate)


class UNetModule(nn.Module):
    """One U-Net module, strided or, with a rate above 1, dilated."""

    def __init__(self, inputs, n, outputs, depth, rate):
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        same = inputs == outputs
        for level in range(depth):
            single, twice, stride = (rate * 2**level, rate * 2 ** (level + 1), 1) if rate > 1 else (1, 1, 2)
            enter = [("bn0" if same else None, "conv0", nn.Conv2d(inputs, n, 1))] if level == 0 else []
            leave = [("bn2", "conv2", nn.Conv2d(n, outputs, 1))] if level == 0 else []
            first = conv3(n, n, single, stride)
            self.down.append(Stage(*enter, ("bn1", "conv1", first), ("bn2", "conv2", conv3(n, n, twice))))
            back = nn.ConvTranspose2d(n if level == depth - 1 else 2 * n, n, 3, stride, twice, dilation=twice)
            self.up.append(Stage(("bn0", "deconv0", back), ("bn1", "deconv1", conv3(n, n, single)), *leave))
        self.bn = None if same else nn.Sequential()
        self.upsample = None if same else nn.Sequential()
        if not same:
            self.bn.add_module("bn0", nn.BatchNorm2d(inputs))
            self.upsample.add_module("conv0", nn.Conv2d(inputs, outputs, 1))

    def forward(self, x):
        x = x if self.bn is None else functional.relu(self.bn(x))
        y = e = self.down[0](x)
        if len(self.down) == 2:
            y = torch.cat([self.up[1](self.down[1](e), e.shape[2:]), e], 1)
        return self.up[0](y, x.shape[2:]) + (x if self.upsample is None else self.upsample(x))


class Residual(nn.Module):
    """The residual block of stride 2."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.bn = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        convolutions = [conv3(inputs, outputs, stride=2), nn.Identity(), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.conv = nn.Sequential(*convolutions, conv3(outputs, outputs))
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2))

    def forward(self, x):
        x = self.bn(x)
        return self.conv(x) + self.shortcut(x)


class SUNet(nn.Module):
    """The network: a classifier, or a segmenter where an output stride is given; strided throughout without multigrid."""

    def __init__(self, row="sunet64", classes=1000, output_stride=None, degridding=None, stem=64, multigrid=True):
        super().__init__()
        n, modules, channels = ROWS[row] if isinstance(row, str) else row
        self.features = nn.Sequential()
        self.features.add_module("conv1", nn.Conv2d(3, stem, 7, 2, 3))
        self.features.add_module("residual1", Residual(stem, 2 * stem))
        inputs, stride, dropped = 2 * stem, 4, 0
        for block, (count, outputs) in enumerate(zip(modules, channels, strict=True), 1):
            depth = 1 if block == len(modules) else 2
            for i in range(count):
                module = UNetModule(inputs, n, outputs, depth, max(2 * dropped, 1) if multigrid else 1)
                self.features.add_module(f"unet{block}_{i}", module)
                inputs = outputs
            if depth == 2 and 2 * stride <= (output_stride or 32):
                self.features.add_module(f"avgpool{block}", nn.AvgPool2d(2))
                stride *= 2
            else:
                dropped += 1
        self.features.add_module("bn2", nn.BatchNorm2d(inputs))
        self.linear = self.final = None
        if output_stride is None:
            self.linear = nn.Linear(inputs, classes)
        elif degridding is None:
            self.final = nn.Sequential()
            self.final.add_module("conv1", nn.Conv2d(inputs, classes, 1))
        else:
            self.final = nn.Sequential()
            for i, (source, rate) in enumerate([(inputs, 2), (degridding, 1)], 1):
                self.final.add_module(f"conv{i}", conv3(source, degridding, rate))
                self.final.add_module(f"bn{i}", nn.BatchNorm2d(degridding))
                self.final.add_module(f"relu{i}", nn.ReLU())
            self.final.add_module("conv3", nn.Conv2d(degridding, classes, 1))

    def forward(self, image):
        """Returns logits."""
        x = functional.relu(self.features(image))
        if self.linear is not None:
            return self.linear(x.mean((2, 3)))
        return functional.interpolate(self.final(x), image.shape[2:], mode="bilinear", align_corners=False)
