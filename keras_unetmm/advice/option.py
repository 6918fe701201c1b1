# SPDX-License-Identifier: Apache-2.0
"""One way to need less memory, as a person reads it and as JSON holds it."""

from dataclasses import asdict, dataclass

from keras_unetmm.planner.plan import Plan

MEASURED, BOUNDED, ESTIMATED = "measured", "bounded", "estimated"
KINDS = {
    "kernels": "another library of kernels",
    "engine": "the engine, without an interpreter",
    "tiles": "tile by tile",
    "peak": "less at the peak",
    "size": "a smaller input",
    "int8": "8 bits",
    "skips": "light skips",
}


@dataclass(frozen=True)
class Option:
    """One way to need less.

    Attributes:
        kind: str, one of `KINDS`.
        bytes: int, what is needed then; None where that cannot be said, and `said` says why.
        how: `"measured"`, planned to the byte for this network; `"bounded"`, no less than that is needed; `"estimated"`.
        said: str, what is done, in a sentence.
        command: str, the command that does it; empty where a person must change the network.
        fits: bool, whether it fits; None without bytes or without an arena.
    """

    kind: str
    bytes: int | None
    how: str
    said: str
    command: str = ""
    fits: bool | None = None

    def as_json(self) -> dict[str, object]:
        """Returns a dict that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Asked:
    """A file that needs less, and what is known of it.

    Attributes:
        content: bytes of the .tflite file.
        name: str, how commands call it.
        found: its `keras_unetmm.planner.plan.Plan`.
        kernels: str, the library of kernels that it is planned for.
        arena: int, bytes that there are; None if nobody said.
        tail: int, bytes that TFLM takes beside the head.
        search: float, CPU seconds of each of the planner's searches.
        runs: bool, whether TFLM runs the planned file.
    """

    content: bytes
    name: str
    found: Plan
    kernels: str
    arena: int | None
    tail: int
    search: float
    runs: bool = True
