"""Frames of the device protocol: any bytes come back; what is damaged is left out and the next frame is found."""

import random

import pytest
from firmware.wire import damaged, some

from keras_unetmm.firmware.device import frames
from keras_unetmm.firmware.device.frames import Decoder, Frame, encoded


def test_any_payload_comes_back_in_any_pieces():
    rng = random.Random(0)
    for _ in range(300):
        sent = [some(rng) for _ in range(3)]
        wire = b"".join(map(encoded, sent))
        assert wire.count(b"\0") == 6
        decoder, found = Decoder(), []
        while wire:
            size = rng.randrange(1, 700)
            found += decoder.feed(wire[:size])
            wire = wire[size:]
        assert found == sent
        assert decoder.damaged == 0


def test_every_good_frame_behind_a_damaged_one_is_found():
    rng = random.Random(1)
    decoder, bad = Decoder(), 0
    for i in range(2000):
        wrong, good = damaged(rng, encoded(some(rng))), Frame(frames.PING, i % 256, i.to_bytes(4, "little"))
        found = decoder.feed(wrong + encoded(good))
        assert found[-1] == good
        bad += len(found) == 1
    assert bad > 1990
    assert decoder.damaged > 1500


def test_a_port_that_never_stops_does_not_fill_the_memory():
    decoder = Decoder()
    for _ in range(1000):
        assert decoder.feed(b"x" * 4096) == []
    assert len(decoder.seen()) == 64
    assert len(decoder._open) < 10_000


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 507, 508, 509])
def test_blocks_of_the_longest_kind(size):
    body = b"\1" * size
    assert frames.unstuffed(frames.stuffed(body)) == body
    assert frames.unstuffed(frames.stuffed(body + b"\0")) == body + b"\0"
    assert b"\0" not in frames.stuffed(b"\0" + body)
