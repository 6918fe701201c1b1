# SPDX-License-Identifier: Apache-2.0
"""Skip memory as the papers count it: the maps that wait for the decoder, and how many bytes they hold at each stage."""

import math
import re
from dataclasses import dataclass

import keras

from keras_unetmm.graph.trace import trace
from keras_unetmm.layers import UNetModule
from keras_unetmm.types import Shape, Size

_DECODER = re.compile(r"(?:^|_)dec(\d+)_")
_FUSE = re.compile(r"(?:^|_)dec(\d+)_fuse$")
_KEEP = re.compile(r"(?:^|_)skip(\d+)_keep(?:_|$)")
_SHARE = re.compile(r"(?:^|_)skips_share(?:_|$)")
_RESTORE = re.compile(r"(?:^|_)skip(\d+)_restore(?:_|$)")


@dataclass(frozen=True)
class Stage:
    """A stage of a network, and the bytes that skips hold when it has run."""

    name: str
    bytes: int


@dataclass(frozen=True)
class _Kept:
    """A map that waits from the end of the stage `first` until the stage `last` has run; `taken` by the decoder itself."""

    name: str
    shape: tuple
    first: str
    last: str
    taken: bool = True


def skip_memory(model: keras.Model, size: Size = None, bytes_per_value: int = 1) -> int:
    """Returns M_sc of UNet-- (arXiv 2412.18276), equation 1: `sum of C * H * W * bytes` over the maps that wait together.

    It is the peak of `skip_memory_timeline`. In an encoder-decoder all maps that the decoder takes wait for the bottleneck.
    The U-Net modules of a SUNet run one after the other and keep one map each, so there it is the largest one's.

    Args:
        model: a functional `keras.Model` of this package, whose weights need no values.
        size: `(height, width)` of the image in pixels, of a volume `(depth, height, width)`; by default the model's own,
            which then must be static.
        bytes_per_value: int, 1 for int8.

    Returns:
        int, bytes.

    Raises:
        ValueError: if no size is known, the model does not take it or has no decoder of this package.

    Examples:
        >>> analysis.skip_memory(models.UNet(channels=4, levels=2), (64, 64))
        16384
    """
    return max(stage.bytes for stage in skip_memory_timeline(model, size, bytes_per_value))


def skip_memory_timeline(model: keras.Model, size: Size = None, bytes_per_value: int = 1) -> list[Stage]:
    """Returns M_sc after each stage, figure 1b of UNet-- (arXiv 2412.18276).

    Stages are those of the encoder, the bottleneck and those of the decoder, each with its change of resolution: `enc0`,
    ..., `mid`, ..., `dec0`. A map counts from the stage that makes it until the decoder stage that fuses it has run. With
    UNet-- that is the reduced map of each encoder stage, from the bottleneck on the one shared map E', until the last IEM
    has read it; what an IEM restores is at once fused. Full skips of four levels peak at 15/8 of the first map.

    A SUNet's stages are the encoders and decoders of its U-Net modules, each of which holds the map of its own connection.
    Residual shortcuts, and connections inside Tiramisu's dense blocks, are no skips in this sense.

    Args:
        model, size, bytes_per_value: as for `skip_memory`.

    Returns:
        A list of `Stage`, with `name` and `bytes`, in the order of running.

    Raises:
        ValueError: as for `skip_memory`.

    Examples:
        >>> [stage.bytes for stage in analysis.skip_memory_timeline(models.UNet(channels=4, levels=2), (64, 64))]
        [16384, 16384, 0]
    """
    if isinstance(bytes_per_value, bool) or not isinstance(bytes_per_value, int) or bytes_per_value < 1:
        raise ValueError(f"bytes_per_value must be a positive integer, 1 for int8. Received: {bytes_per_value!r}.")
    stages, kept = _skips(model, trace(model, size))
    place = {stage: i for i, stage in enumerate(stages)}
    return [
        Stage(stage, bytes_per_value * sum(math.prod(k.shape) for k in kept if place[k.first] <= i < place[k.last]))
        for i, stage in enumerate(stages)
    ]


def kept_maps(model: keras.Model, size: Size = None) -> dict[str, Shape]:
    """Returns the maps that the decoder, or the decoders of U-Net modules, take: `{name of the operator: (H, W, C)}`.

    Args:
        model, size: as for `skip_memory`.

    Raises:
        ValueError: as for `skip_memory`.

    Examples:
        >>> list(analysis.kept_maps(models.UNet(channels=4, levels=2), (64, 64)).values())
        [(64, 64, 4)]
    """
    _, kept = _skips(model, trace(model, size))
    return {k.name: k.shape for k in kept if k.taken}


def _skips(model, calls):
    """The names of the stages, and what is kept from which to which."""
    if any(isinstance(part, UNetModule) for call in calls for part in call.within):
        return _of_modules(calls)
    levels = [int(found[1]) for call in calls if (found := _DECODER.search(call.name))]
    if not levels:
        raise ValueError(
            "model must be an encoder-decoder of this package, whose decoder's layers are named dec0_..., or be made of its "
            f"U-Net modules. Received: {model.name}, which has neither. Its skips could not be told from other connections."
        )
    return _of_levels(calls, max(levels) + 1)


def _of_levels(calls, levels):
    """The skips of an encoder-decoder."""
    source = {id(output): call.name for call in calls for output in call.outputs}
    stages = [f"enc{level}" for level in range(levels)] + ["mid"] + [f"dec{level}" for level in reversed(range(levels))]
    kept, shared = [], {}
    for call in calls:
        fuse, restore = _FUSE.search(call.name), _RESTORE.search(call.name)
        for tensor in call.inputs:
            name, shape = source.get(id(tensor), "image"), tuple(tensor.shape[1:])
            if fuse and not (_DECODER.search(name) or _RESTORE.search(name)):
                kept.append(_Kept(name, shape, f"enc{fuse[1]}", f"dec{fuse[1]}"))
            elif restore and not _RESTORE.search(name):
                shared.setdefault(name, (shape, set()))[1].add(int(restore[1]))
            elif _SHARE.search(call.name) and not _SHARE.search(name):
                kept.append(_Kept(name, shape, f"enc{_KEEP.search(name)[1]}", "mid", taken=False))
    kept += [_Kept(name, shape, "mid", f"dec{min(readers)}") for name, (shape, readers) in shared.items()]
    return stages, kept


def _of_modules(calls):
    """The skips inside U-Net modules."""
    source = {id(output): call for call in calls for output in call.outputs}
    stages, kept = {}, []  # a dict keeps the order
    for call in calls:
        depth = next((i for i, part in enumerate(call.within) if isinstance(part, UNetModule)), None)
        if depth is None:
            continue
        parts = [part.name for part in (*call.within, call.operation)]
        module, part = "_".join(parts[: depth + 1]), parts[depth + 1]
        if part.startswith(("encoder", "decoder")):
            stages[f"{module}_{part}"] = None
        if part == "fuse":
            skip = call.inputs[1]  # the first is the decoder's
            kept.append(_Kept(source[id(skip)].name, tuple(skip.shape[1:]), f"{module}_encoder1", f"{module}_decoder1"))
    return list(stages), kept
