"""A program as a device runs it, put together by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_unetmm.program.buffer import Buffer, Kind
from keras_unetmm.program.parse import parsed
from keras_unetmm.program.program import Program
from keras_unetmm.program.region import Region
from keras_unetmm.program.step import MapFormat, Port, Step
from keras_unetmm.program.validate import validate_program

BYTES, COARSE = MapFormat("int8", 3, 1 / 255, -128, 1.0), MapFormat("int8", 2, 0.5, 0, 2.0)
HALO, OWN = Region((-1, 5), (-1, 5)), Region((0, 4), (0, 4))


def small():
    """A map of half the size that a head makes on tiles of 4x4 pixels, and that a tail reads twice."""
    half = Port("half", COARSE, Region((0, 2), (0, 2)))
    head = Step(
        "head", "0" * 64, arena("head", 0, 64), 100, 2, 1000, 50, (4, 4), (2, 2), (Port("image", BYTES, HALO),), (half,)
    )
    wide = replace(half, region=Region((-1, 3), (-1, 3)))
    tail = Step(
        "tail", "1" * 64, arena("tail", 1, 48), 10, 3, 500, 20, (4, 4), (2, 2), (wide,), (Port("output", BYTES, OWN),)
    )
    kept = Buffer("half", Kind.WHOLE, 0, 1, 32, carried=True, offset=64, shape=(4, 4, 2))
    return Program(
        files={},
        steps=(head, tail),
        carried=(kept,),
        input=BYTES,
        output=BYTES,
        size=(7, 8),
        padded_size=(8, 8),
        ram_bytes=96,
        ram_bound=96,
        levels=1,
        bottleneck="whole",
        skips="keep",
        recomputed=(),
        border="once",
        halo=1,
        kernels="any",
        untiled_macs=200,
        network=None,
        version="1",
    )


def arena(name, number, size):
    return Buffer(name, Kind.TILE, number, number, size)


def test_figures_follow_from_steps():
    program = small()
    assert [step.runs for step in program.steps] == [4, 4]
    assert (program.macs, program.macs_ratio) == (4 * 50 + 4 * 20, 1.4)
    assert (program.flash_bytes, program.ram_bytes_with_tails) == (1500, 96 + 110)
    assert [buffer.owner for buffer in program.buffers] == ["head", "tail", "half"]
    assert program.steps[0].corners == [[(0, 0), (0, 4)], [(4, 0), (4, 4)]]


def test_what_is_written_is_read():
    program = small()
    again = parsed(program.description)
    assert again == program
    assert again.description == program.description


def test_a_port_is_placed_by_its_maps_scale():
    assert small().steps[1].inputs[0].placed((4, 0)) == Region((1, 5), (-1, 3))
    with pytest.raises(ValueError, match="half must be read or made tile by tile"):
        Port("half", COARSE).placed((0, 0))


def test_a_map_is_read_from_the_copy_that_goes_to_the_step():
    program = small()
    kept = program.carried[0]
    near, far = replace(kept, last=1, offset=0), replace(kept, last=2, offset=32)
    both = replace(program, carried=(far, near))
    assert both.reads(1, "half") is near
    assert both.reads(2, "half") is far
    assert both.writes(0, "half") == [far, near]
    assert both.writes(1, "half") == []


def test_what_does_not_fit_together_is_named():
    program = small()
    head, tail = program.steps
    kept = program.carried[0]
    for change, message in (
        ({"ram_bytes": 95}, "carried 'half' ends behind the arena of 95 bytes"),
        ({"ram_bytes": 63, "carried": ()}, "parts.head ends behind the arena of 63 bytes"),
        ({"carried": (replace(kept, last=0),)}, "carried 'half' goes to a part that runs before it is made"),
        ({"carried": ()}, "is no map that is carried from there"),
        ({"carried": (replace(kept, shape=(2, 8, 2)),)}, r"must be carried as \[4, 4, 2\], 32 bytes"),
        ({"carried": (replace(kept, bytes=31),)}, r"must be carried as \[4, 4, 2\], 32 bytes"),
        ({"padded_size": (6, 8)}, "padded_size must be the size, padded"),
        ({"steps": (replace(head, grid=(2, 1)), tail)}, r"parts.head.grid must be \[2, 2\]. Received: \[2, 1\]"),
        ({"steps": (replace(head, inputs=(Port("image", BYTES),)), tail)}, "parts.head must run on tiles, or once"),
        ({"output": COARSE}, "'output', must be that of the program"),
        ({"steps": (replace(head, outputs=(Port("image", BYTES, OWN),)), tail)}, "is read where it is made, or made where"),
    ):
        with pytest.raises(ValueError, match=message):
            validate_program(replace(program, **change))
    validate_program(program)


SPANS = st.tuples(st.integers(-9, 9), st.integers(0, 9)).map(lambda span: (span[0], span[0] + span[1]))
REGIONS = st.builds(Region, SPANS, SPANS)


@given(a=REGIONS, b=REGIONS, row=st.integers(-9, 9), column=st.integers(-9, 9))
def test_regions(a, b, row, column):
    both = a.hull(b)
    for low, high, (first, last), (other, end) in zip((both[0][0], both[1][0]), (both[0][1], both[1][1]), a, b, strict=True):
        assert (low, high) == (min(first, other), max(last, end))
    moved = a.at(row, column)
    assert moved.shape == a.shape
    assert (moved.rows[0], moved.columns[0]) == (a.rows[0] + row, a.columns[0] + column)
    assert a.area == len({(r, c) for r in range(*a.rows) for c in range(*a.columns)})


@given(a=SPANS, b=SPANS)
def test_buffers_meet_in_the_steps_that_both_need(a, b):
    one, other = (Buffer(None, None, first, last, 1) for first, last in (a, b))
    assert one.lives_with(other) == bool(one.steps & other.steps) == other.lives_with(one)
