# SPDX-License-Identifier: Apache-2.0
"""What a board is: its core, its memories, and the files of C that it takes."""

from dataclasses import dataclass

KINDS = ("flash", "ram")
PARTS = ("code", "weights", "data", "fast", "carried")


class BoardError(ValueError):
    """A board is unknown, its compiler or emulator is missing, or the network does not build for it."""


@dataclass(frozen=True)
class Region:
    """A memory of a board.

    Attributes:
        name: str, as the linker's script and `--place` call it.
        origin, bytes: int.
        kind: `"flash"` or `"ram"`.
        external: bool, whether it lies outside the chip and has to be started by the user's `board_memory_init`.
    """

    name: str
    origin: int
    bytes: int
    kind: str = "ram"
    external: bool = False


@dataclass(frozen=True)
class Emulator:
    """How QEMU runs a board.

    Attributes:
        command: str.
        arguments: tuple of str.
    """

    command: str
    arguments: tuple


@dataclass(frozen=True)
class Board:
    """A board that a project can be written for.

    Attributes:
        name: str, as `--board` takes it.
        title: str, for people.
        core: str.
        prefix: str, that of its compiler's commands; empty for this computer's.
        flags: tuple of str, for the compiler.
        link: tuple of str, for the linker.
        regions: tuple of `Region`; empty for this computer.
        places: dict from each of `PARTS` to the tuple of regions that are tried for it, the best first.
        sources: tuple of names of files in `keras_unetmm/firmware/c`.
        config: dict of the macros of `board_config.h`.
        ticks: `"instructions"`, `"cycles"` or `"nanoseconds"`.
        tick_factor: `(factor, divisor)` from cycles to ticks.
        port: str, where its port is, for people.
        flash: name of a way in `keras_unetmm.firmware.flash`, with its chip; or None.
        emulator: `Emulator`, or None.
        notes: tuple of str, of what to know.
        package: bool, whether it is a package for a framework, which builds it.
    """

    name: str
    title: str
    core: str
    prefix: str
    flags: tuple
    link: tuple
    regions: tuple
    places: dict
    sources: tuple
    config: dict
    ticks: str
    port: str
    tick_factor: tuple = (1, 1)
    flash: tuple | None = None
    emulator: Emulator | None = None
    notes: tuple = ()
    package: bool = False

    @property
    def compiler(self):
        """The command of its compiler, or None for this computer's."""
        return f"{self.prefix}gcc" if self.prefix else None

    @property
    def runs_here(self):
        """Whether this computer can run it: emulated, or itself."""
        return not self.package and (self.emulator is not None or not self.prefix)

    def region(self, name):
        """Returns the `Region` of a name.

        Raises:
            BoardError: if it has none.
        """
        for region in self.regions:
            if region.name.lower() == name.lower():
                return region
        names = ", ".join(region.name for region in self.regions) or "none"
        raise BoardError(f"--place must name memories of {self.name}: {names}. Received: {name!r}.")
