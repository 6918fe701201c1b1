"""Skip connections as interchangeable objects: what an encoder keeps, shares and gives back to the decoder.

A network calls `keep` after every encoder stage, `share` once before the bottleneck and `restore` before every
decoder stage; how it fuses what it receives is its own affair. Levels count from 0 at full resolution.
"""

from dataclasses import dataclass

from keras_unetmm.layers.iem import HEADERS, IEM
from keras_unetmm.layers.msiam import Aggregation, StageReduction, target_level
from keras_unetmm.layers.normalization import NORMS
from keras_unetmm.layers.select import select_initializer
from keras_unetmm.layers.select_attend_transfer import gate


@dataclass(frozen=True)
class SkipConnections:
    """The interface, and what most kinds share.

    Attributes:
        input_skip: bool, whether the network adds a 3x3 convolution of its input in the last decoder stage. It takes no
            skip memory where the input is kept anyway, as for a global residual (not in the papers).
    """

    input_skip = False

    def keep(self, feature, level, levels):
        """Returns what stays alive of the encoder map of `level`, or None."""
        raise TypeError(f"{type(self).__name__} must define keep().")

    def share(self, kept):
        """Returns what the decoder shall draw from, given what was kept of every level, finest first."""
        return kept

    def restore(self, shared, level, channels):
        """Returns the map with `channels` channels that decoder stage `level` receives, or None."""
        return shared[level]


@dataclass(frozen=True)
class Full(SkipConnections):
    """Every encoder map, whole: the skips of the published networks."""

    def keep(self, feature, level, levels):
        return feature


@dataclass(frozen=True)
class NoSkip(SkipConnections):
    """None at all: Model 0 in Table 1 of UNet-- (arXiv 2412.18276).

    Args:
        input_skip: bool, see `SkipConnections`.
    """

    input_skip: bool = False

    def __post_init__(self):
        _validate_flag(self.input_skip)

    def keep(self, feature, level, levels):
        return None


@dataclass(frozen=True)
class Only(SkipConnections):
    """The whole encoder maps of one level, Models 1 to 4 in Table 1 of UNet-- (arXiv 2412.18276), or of some levels.

    Args:
        level: int, 0 is full resolution, or a tuple of them.

    Raises:
        ValueError: when the network has no such level.
    """

    level: int | tuple

    def keep(self, feature, level, levels):
        kept = self.level if isinstance(self.level, tuple) else (self.level,)
        for each in kept:
            target_level(each, levels)
        return feature if level in kept else None


@dataclass(frozen=True)
class SAT(SkipConnections):
    """Select-Attend-Transfer gates (arXiv 1804.05181): one attention map a level, whatever its channels.

    Args:
        initializer: where the weights that select channels start, see `keras_unetmm.layers.Select`. Default: Glorot uniform,
            as the paper has it: about half of the channels are off from the start.

    Raises:
        ValueError: for an unknown initializer.

    Example:
        model = keras_unetmm.models.UNet(skips=SAT(initializer=0.5))
    """

    initializer: object = "glorot_uniform"

    def __post_init__(self):
        select_initializer(self.initializer)

    def keep(self, feature, level, levels):
        return gate("sat", self.initializer, name=f"skip{level}_keep")(feature)


@dataclass(frozen=True)
class AT(SkipConnections):
    """Attend and transfer (arXiv 1804.05181): SAT without selecting channels."""

    def keep(self, feature, level, levels):
        return gate("at", name=f"skip{level}_keep")(feature)


@dataclass(frozen=True)
class ST(SkipConnections):
    """Select and transfer (arXiv 1804.05181): every channel weighted, none summed up.

    Args:
        initializer: as of `SAT`.

    Raises:
        ValueError: for an unknown initializer.
    """

    initializer: object = "glorot_uniform"

    def __post_init__(self):
        select_initializer(self.initializer)

    def keep(self, feature, level, levels):
        return gate("st", self.initializer, name=f"skip{level}_keep")(feature)


@dataclass(frozen=True)
class UNetMinusMinus(SkipConnections):
    """MSIAM and IEM of UNet-- (arXiv 2412.18276): one small map E' is all that stays.

    Args:
        reductions: tuple of int, one a level, finest first: by how much MSIAM divides the channels.
        level: int, whose resolution E' has; None is the lowest (figure 3a, the paper's choice), 0 the highest (3c).
        header: `"plain"` or `"pointwise"`, see `keras_unetmm.layers.IEM`.
        norm: `"layer"` or `"batch"`, of the IEM's ConvNeXt V2 block; None is what the network's own blocks have.
        input_skip: bool, see `SkipConnections`.
        local_levels: int, of how many levels, finest first, the IEM has no response normalization, which takes norms over
            the whole map, so that they can run tile by tile. None is as many as are local in the network itself.

    Raises:
        ValueError: when the network has another number of levels than there are reductions, or channels that
            do not divide.
    """

    reductions: tuple = (16, 16, 16, 8)
    level: int | None = None
    header: str = "plain"
    norm: str | None = None
    input_skip: bool = False
    local_levels: int | None = None

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
        for name, choices in (("header", HEADERS), ("norm", (*NORMS, None))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, choices))}. Received: {getattr(self, name)!r}."
                )

    def keep(self, feature, level, levels):
        if levels != len(self.reductions):
            raise ValueError(
                f"UNetMinusMinus needs one reduction for each of the network's {levels} levels. "
                f"Received: reductions={self.reductions}. Pass {levels} of them, finest level first."
            )
        if len(feature.shape) != 4:
            raise ValueError(
                "UNetMinusMinus shuffles pixels, which is for maps of two spatial dimensions. "
                f"Received: a map of shape {tuple(feature.shape)}. Use skips='sat' or 'full' for volumes."
            )
        up = level - target_level(self.level, levels)
        return StageReduction(self.reductions[level], up, name=f"skip{level}_keep")(feature)

    def share(self, kept):
        return Aggregation(name="skips_share")(kept)

    def restore(self, shared, level, channels):
        up = target_level(self.level, len(self.reductions)) - level
        return IEM(
            channels,
            up,
            header=self.header,
            norm=self.norm or "layer",
            response_normalization=level >= (self.local_levels or 0),
            name=f"skip{level}_restore",
        )(shared)


def _validate_flag(input_skip):
    if type(input_skip) is not bool:
        raise ValueError(f"input_skip must be True or False. Received: {input_skip!r}.")


NAMES = {"full": Full, "none": NoSkip, "unet--": UNetMinusMinus, "sat": SAT, "at": AT, "st": ST}


def get(identifier):
    """Returns skip connections by name (a key of `NAMES`, such as `"full"` or `"sat"`), or the object itself.

    Raises:
        ValueError: for any other name or object.
    """
    if isinstance(identifier, SkipConnections):
        return identifier
    if isinstance(identifier, str) and identifier in NAMES:
        return NAMES[identifier]()
    raise ValueError(
        f"skips must be one of {', '.join(map(repr, NAMES))} or an object such as keras_unetmm.skips.Only(level=0). "
        f"Received: {identifier!r}."
    )


def gate_arguments(skips, allowed, message):
    """Returns what a layer with a connection inside itself takes: the name of these skips, and their initializer.

    Args:
        skips: as for `get`.
        allowed: tuple of names that the layer takes.
        message: str, how the error begins.

    Raises:
        ValueError: for skips that are not of an allowed kind.
    """
    given = NAMES[skips]() if isinstance(skips, str) and skips in NAMES else skips
    name = next((name for name, kind in NAMES.items() if type(given) is kind), None)
    plain = isinstance(given, (SAT, ST)) or given == (NAMES[name]() if name else None)
    if name not in allowed or not plain:
        raise ValueError(f"{message} must be one of {', '.join(map(repr, allowed))}. Received: {skips!r}.")
    return name, getattr(given, "initializer", "glorot_uniform")
