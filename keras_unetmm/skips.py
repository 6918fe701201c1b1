# SPDX-License-Identifier: Apache-2.0
"""Skip connections as interchangeable objects: what an encoder keeps, shares and gives back to the decoder.

A network calls `keep` after every encoder stage, `share` once before the bottleneck and `restore` before every
decoder stage; how it fuses what it receives is its own affair. Levels count from 0 at full resolution. One file although it
is long: every kind of skip, one beside the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keras_unetmm.layers.iem import HEADERS, IEM
from keras_unetmm.layers.msiam import Aggregation, StageReduction, target_level
from keras_unetmm.layers.normalization import NORMS
from keras_unetmm.layers.select import select_activation, select_initializer, select_sparsity
from keras_unetmm.layers.select_attend_transfer import gate
from keras_unetmm.types import Tensor

# of channels, reductions, a level and levels: the nearest reductions that fit, or None
Usable = Callable[[Sequence[int], Sequence[int], int | None, Sequence[int]], tuple[int, ...] | None]


@dataclass(frozen=True)
class SkipConnections:
    """The interface, and what most kinds share.

    Attributes:
        input_skip: bool, whether the network adds a 3x3 convolution of its input in the last decoder stage. It takes no
            skip memory where the input is kept anyway, as for a global residual (not in the papers).

    Examples:
        >>> isinstance(skips.get("sat"), skips.SkipConnections)
        True
    """

    input_skip = False

    def with_defaults(self, **values: Any) -> "SkipConnections":
        """Returns the skips with values of the network, such as its norm, for what they leave open."""
        return self

    def refitted(self, channels: Sequence[int], usable: Usable) -> "SkipConnections":
        """Returns the skips for encoder maps of so many channels, finest first, where those that were given do not fit.

        Args:
            channels: list of int.
            usable: `keras_unetmm.models.reductions.usable_reductions`.

        Raises:
            ReductionsError: a `ValueError` that names what fits.
        """
        return self

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        """Returns what stays alive of the encoder map of `level`, or None."""
        raise TypeError(f"{type(self).__name__} must define keep().")

    def share(self, kept: Sequence[Tensor | None]) -> Tensor | Sequence[Tensor | None]:
        """Returns what the decoder shall draw from, given what was kept of every level, finest first."""
        return kept

    def restore(self, shared: Tensor | Sequence[Tensor | None], level: int, channels: int) -> Tensor | None:
        """Returns the map with `channels` channels that decoder stage `level` receives, or None."""
        return shared[level]


@dataclass(frozen=True)
class Full(SkipConnections):
    """Every encoder map, whole: the skips of the published networks.

    Examples:
        >>> skips.Full().keep(keras.Input((16, 16, 8)), level=0, levels=2).shape
        (None, 16, 16, 8)
    """

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        return feature


@dataclass(frozen=True)
class NoSkip(SkipConnections):
    """None at all: Model 0 in Table 1 of UNet-- (arXiv 2412.18276).

    Args:
        input_skip: bool, see `SkipConnections`.

    Examples:
        >>> skips.NoSkip().keep(keras.Input((16, 16, 8)), level=0, levels=2) is None
        True
    """

    input_skip: bool = False

    def __post_init__(self):
        _validate_flag(self.input_skip)

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        return None


@dataclass(frozen=True)
class Only(SkipConnections):
    """The whole encoder maps of one level, Models 1 to 4 in Table 1 of UNet-- (arXiv 2412.18276), or of some levels.

    Args:
        level: int, 0 is full resolution, or a tuple of them.

    Raises:
        ValueError: when the network has no such level.

    Examples:
        >>> kept = skips.Only(1)
        >>> [kept.keep(level, level, 3) for level in range(3)]
        [None, 1, None]
    """

    level: int | tuple

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        kept = self.level if isinstance(self.level, tuple) else (self.level,)
        for each in kept:
            target_level(each, levels)
        return feature if level in kept else None


@dataclass(frozen=True)
class _Selecting(SkipConnections):
    """What selects channels: where the weights start, what clips them and what each costs."""

    initializer: object = "glorot_uniform"
    activation: str = "truncated_relu"
    sparsity: float = 0.0

    def __post_init__(self):
        select_initializer(self.initializer)
        select_activation(self.activation)
        select_sparsity(self.sparsity)

    def _gate(self, kind, level):
        return gate(kind, self.initializer, self.activation, self.sparsity, name=f"skip{level}_keep")


@dataclass(frozen=True)
class SAT(_Selecting):
    """Select-Attend-Transfer gates (arXiv 1804.05181): one attention map a level, whatever its channels.

    Args:
        initializer: where the weights that select channels start, see `keras_unetmm.layers.Select`. Default: Glorot uniform,
            as the paper has it: about half of the channels are off from the start.
        activation: `"truncated_relu"`, or what the paper found worse, `"hard_sigmoid"` or `"sigmoid"`, see `Select`.
        sparsity: float, what a channel that is on adds to the loss, times its weight; the paper has 0.

    Raises:
        ValueError: for an unknown initializer or activation, or a sparsity below 0.

    Examples:
        >>> skips.SAT(sparsity=1e-4).keep(keras.Input((16, 16, 8)), level=0, levels=2).shape
        (None, 16, 16, 1)
    """

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        return self._gate("sat", level)(feature)


@dataclass(frozen=True)
class AT(SkipConnections):
    """Attend and transfer (arXiv 1804.05181): SAT without selecting channels.

    Examples:
        >>> skips.AT().keep(keras.Input((16, 16, 8)), level=0, levels=2).shape
        (None, 16, 16, 1)
    """

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        return gate("at", name=f"skip{level}_keep")(feature)


@dataclass(frozen=True)
class ST(_Selecting):
    """Select and transfer (arXiv 1804.05181): every channel weighted, none summed up.

    Args:
        initializer, activation, sparsity: as of `SAT`.

    Raises:
        ValueError: as of `SAT`.

    Examples:
        >>> skips.ST().keep(keras.Input((16, 16, 8)), level=0, levels=2).shape
        (None, 16, 16, 8)
    """

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        return self._gate("st", level)(feature)


class ReductionsError(ValueError):
    """Channels of the encoder that do not divide by the reductions of UNet--, or another number of levels."""


@dataclass(frozen=True)
class UNetMinusMinus(SkipConnections):
    """MSIAM and IEM of UNet-- (arXiv 2412.18276): one small map E' is all that stays.

    Args:
        reductions: tuple of int, one a level, finest first: by how much MSIAM divides the channels.
        level: int, whose resolution E' has; None is the lowest (figure 3a, the paper's choice), 0 the highest (3c).
        header: `"plain"` or `"pointwise"`, see `keras_unetmm.layers.IEM`; None is what the network's row has: pointwise
            in the published rows of NAFNet and KBNet, whose printed counts it meets, else plain.
        norm: `"layer"` or `"batch"`, of the IEM's ConvNeXt V2 block; None is what the network's own blocks have.
        input_skip: bool, see `SkipConnections`.
        local_levels: int, of how many levels, finest first, the IEM has no response normalization, which takes norms over
            the whole map, so that they can run tile by tile. None is as many as are local in the network itself.
        adapts: bool, whether reductions that do not fit the network become the nearest that do, as those of
            `skips="unet--"` do: the paper's 16, and 8 at the coarsest level. Else an error names these.

    Raises:
        ReductionsError: a `ValueError`, when the network has another number of levels than there are reductions, or channels
            that do not divide; it names reductions that fit.
        ValueError: for wrong arguments, or a network on volumes.

    Examples:
        >>> connections = skips.UNetMinusMinus((8, 8))
        >>> maps = [keras.Input((32, 32, 16)), keras.Input((16, 16, 32))]
        >>> kept = [connections.keep(x, level, levels=2) for level, x in enumerate(maps)]
        >>> connections.restore(connections.share(kept), level=0, channels=16).shape
        (None, 32, 32, 16)
    """

    reductions: Sequence[int] = (16, 16, 16, 8)
    level: int | None = None
    header: str | None = None
    norm: str | None = None
    input_skip: bool = False
    local_levels: int | None = None
    adapts: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self):
        _validate_flag(self.input_skip)
        whole = isinstance(self.reductions, (tuple, list)) and all(type(r) is int and r > 0 for r in self.reductions)
        if not whole or not self.reductions:
            raise ValueError(
                "reductions must be a tuple of positive integers, one a level, such as (16, 16, 16, 8). "
                f"Received: {self.reductions!r}."
            )
        object.__setattr__(self, "reductions", tuple(self.reductions))
        if self.level is not None and type(self.level) is not int:
            raise ValueError(f"level must be an integer, 0 for full resolution, or None. Received: {self.level!r}.")
        if self.local_levels is not None and (type(self.local_levels) is not int or self.local_levels < 0):
            raise ValueError(f"local_levels must be a number of levels, or None. Received: {self.local_levels!r}.")
        for name, choices in (("header", (*HEADERS, None)), ("norm", (*NORMS, None))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, choices))}. Received: {getattr(self, name)!r}."
                )

    def with_defaults(self, **values: Any) -> "UNetMinusMinus":
        return replace(self, **{name: value for name, value in values.items() if getattr(self, name) is None})

    def refitted(self, channels: Sequence[int], usable: Usable) -> "UNetMinusMinus":
        return self.refitted_at(range(len(channels)), channels, usable)

    def refitted_at(self, levels: Sequence[int], channels: Sequence[int], usable: Usable) -> "UNetMinusMinus":
        """Returns the skips for encoder maps of those levels; see `refitted`."""
        right = len(self.reductions) == len(channels)
        wanted = self.reductions if right and not self.adapts else (16,) * (len(channels) - 1) + (8,)
        found = usable(channels, wanted, self.level, levels)
        if self.adapts and found:
            return replace(self, reductions=found)
        advice = f"The nearest that fit are reductions={found}." if found else "None fit: take another level, or width."
        raise ReductionsError(
            f"reductions must be one for each of the network's {len(channels)} levels and leave channels that pixel "
            f"shuffles can divide. Received: reductions={self.reductions} for encoder maps of {tuple(channels)} channels. "
            f"{advice}"
        )

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        if levels != len(self.reductions):
            raise ReductionsError(
                f"UNetMinusMinus needs one reduction for each of the network's {levels} levels. "
                f"Received: reductions={self.reductions}. Pass {levels} of them, finest level first."
            )
        return self.reduced(feature, level, self.reductions[level], target_level(self.level, levels))

    def reduced(self, feature: Tensor, level: int, reduction: int, target: int) -> Tensor:
        """Returns the map of a level with fewer channels, in the resolution of the target level."""
        if len(feature.shape) != 4:
            raise ValueError(
                "UNetMinusMinus shuffles pixels, which is for maps of two spatial dimensions. "
                f"Received: a map of shape {tuple(feature.shape)}. Use skips='sat' or 'full' for volumes."
            )
        try:
            return StageReduction(reduction, level - target, name=f"skip{level}_keep")(feature)
        except ValueError as error:
            raise ReductionsError(str(error)) from error

    def share(self, kept: Sequence[Tensor | None]) -> Tensor | Sequence[Tensor | None]:
        return self.shared(kept, target_level(self.level, len(self.reductions)))

    def shared(self, kept: Sequence[Tensor], ups: int) -> Tensor:
        """Returns E' of the maps that were kept; IEM brings it up so many levels."""
        channels = sum(x.shape[-1] for x in kept)
        if channels % 4 ** max(ups, 0):
            raise ReductionsError(f"E' must have a multiple of {4**ups} channels. Received: {channels}.")
        return Aggregation(name="skips_share")(kept)

    def restore(self, shared: Tensor | Sequence[Tensor | None], level: int, channels: int) -> Tensor | None:
        return self.enhanced(shared, level, channels, target_level(self.level, len(self.reductions)))

    def enhanced(self, shared: Tensor, level: int, channels: int, target: int) -> Tensor:
        """Returns the map that a decoder stage receives of E', which has the resolution of the target level."""
        return IEM(
            channels,
            target - level,
            header=self.header or "plain",
            norm=self.norm or "layer",
            response_normalization=level >= (self.local_levels or 0),
            name=f"skip{level}_restore",
        )(shared)


@dataclass(frozen=True)
class Mixed(SkipConnections):
    """Another kind of skip at each level: `skips=("sat", "full", "unet--")`. Those of UNet-- share one map E'.

    Args:
        kinds: tuple of names or objects of this module, one a level of the network, finest first. Those of UNet-- are
            equal; their reductions are one a level of theirs, their `level` is one of the network's, None the coarsest of
            theirs.

    Raises:
        ValueError: for an unknown kind, a mix of other mixes, UNet-- of two kinds, or another number of levels.

    Examples:
        >>> skips.Mixed(("sat", "full")).kinds[1]
        Full()
    """

    kinds: tuple

    def __post_init__(self):
        if not isinstance(self.kinds, (tuple, list)) or not self.kinds:
            raise ValueError(f"kinds must be a tuple of skips, one a level, finest first. Received: {self.kinds!r}.")
        object.__setattr__(self, "kinds", tuple(get(kind) for kind in self.kinds))
        if any(isinstance(kind, Mixed) for kind in self.kinds):
            raise ValueError("kinds must be names or objects of single kinds. Received: a mix within a mix.")
        joined = [self.kinds[level] for level in self._joined()]
        if any(kind != joined[0] for kind in joined):
            raise ValueError(f"kinds must have one kind of UNetMinusMinus, whose map E' they share. Received: {joined}.")

    @property
    def input_skip(self):
        return any(kind.input_skip for kind in self.kinds)

    def with_defaults(self, **values: Any) -> "Mixed":
        return Mixed(tuple(kind.with_defaults(**values) for kind in self.kinds))

    def refitted(self, channels: Sequence[int], usable: Usable) -> "Mixed":
        levels = self._joined()
        new = self.kinds[levels[0]].refitted_at(levels, [channels[level] for level in levels], usable)
        return Mixed(tuple(new if level in levels else kind for level, kind in enumerate(self.kinds)))

    def keep(self, feature: Tensor, level: int, levels: int) -> Tensor | None:
        if levels != len(self.kinds):
            raise ValueError(
                f"skips must be one kind for each of the network's {levels} levels, finest first. "
                f"Received: {len(self.kinds)} of them."
            )
        kind, joined = self.kinds[level], self._joined()
        if level not in joined:
            return kind.keep(feature, level, levels)
        if len(kind.reductions) != len(joined):
            raise ReductionsError(
                f"UNetMinusMinus needs one reduction for each of its {len(joined)} levels in the mix. "
                f"Received: reductions={kind.reductions}."
            )
        return kind.reduced(feature, level, kind.reductions[joined.index(level)], self._target(levels))

    def share(self, kept: Sequence[Tensor | None]) -> Tensor | Sequence[Tensor | None]:
        joined, shared = self._joined(), list(kept)
        if joined:
            ups = self._target(len(kept)) - joined[0]
            small = self.kinds[joined[0]].shared([kept[level] for level in joined], ups)
            for level in joined:
                shared[level] = small
        return shared

    def restore(self, shared: Tensor | Sequence[Tensor | None], level: int, channels: int) -> Tensor | None:
        kind = self.kinds[level]
        if level in self._joined():
            return kind.enhanced(shared[level], level, channels, self._target(len(self.kinds)))
        return shared[level]

    def _joined(self):
        """The levels whose maps are joined in E', finest first."""
        return [level for level, kind in enumerate(self.kinds) if isinstance(kind, UNetMinusMinus)]

    def _target(self, levels):
        level = self.kinds[self._joined()[0]].level
        return self._joined()[-1] if level is None else target_level(level, levels)


def _validate_flag(input_skip):
    if type(input_skip) is not bool:
        raise ValueError(f"input_skip must be True or False. Received: {input_skip!r}.")


Skips = str | SkipConnections | Sequence[str | SkipConnections]  # as `get` takes them
NAMES = {"full": Full, "none": NoSkip, "unet--": UNetMinusMinus, "sat": SAT, "at": AT, "st": ST}


def get(identifier: Skips) -> SkipConnections:
    """Returns skip connections by name (a key of `NAMES`, such as `"full"` or `"sat"`), or the object itself.

    Args:
        identifier: str, an object of this module, or a tuple of these, one a level, finest first: see `Mixed`.

    Raises:
        ValueError: for any other name or object.

    Examples:
        >>> skips.get("none")
        NoSkip(input_skip=False)
    """
    if isinstance(identifier, SkipConnections):
        return identifier
    if isinstance(identifier, str) and identifier in NAMES:
        return UNetMinusMinus(adapts=True) if identifier == "unet--" else NAMES[identifier]()
    if isinstance(identifier, (tuple, list)) and identifier:
        return Mixed(tuple(identifier))
    raise ValueError(
        f"skips must be one of {', '.join(map(repr, NAMES))} or an object such as keras_unetmm.skips.Only(level=0), or a "
        f"tuple of these, one a level. Received: {identifier!r}."
    )


def gate_arguments(skips: Skips, allowed: Sequence[str], message: str) -> tuple[str, dict[str, object]]:
    """Returns what a layer with a connection inside itself takes: the name of these skips, and the arguments of its gates.

    Args:
        skips: as for `get`.
        allowed: tuple of names that the layer takes.
        message: str, how the error begins.

    Raises:
        ValueError: for skips that are not of an allowed kind.

    Examples:
        >>> skips.gate_arguments("sat", ("full", "sat"), "gates")[0]
        'sat'
    """
    given = get(skips) if isinstance(skips, str) and skips in NAMES else skips
    name = next((name for name, kind in NAMES.items() if type(given) is kind), None)
    plain = isinstance(given, (SAT, ST)) or given == (NAMES[name]() if name else None)
    if name is None or name not in allowed or not plain:
        raise ValueError(f"{message} must be one of {', '.join(map(repr, allowed))}. Received: {skips!r}.")
    chosen = given if isinstance(given, _Selecting) else SAT()
    return name, {f"gate_{own}": getattr(chosen, own) for own in ("initializer", "activation", "sparsity")}
