"""Frames for tests: random ones, and what noise makes of them."""

from keras_unetmm.firmware.device.frames import Frame


def some(rng, count=0):
    size = count or rng.choice([0, 1, 2, 250, 253, 254, 255, 256, 508, 509, 528, rng.randrange(528)])
    kind = rng.randrange(3)
    body = (
        bytes(size)
        if kind == 0
        else rng.randbytes(size)
        if kind == 1
        else bytes(rng.choice([0, 1, 255]) for _ in range(size))
    )
    return Frame(rng.randrange(256), rng.randrange(256), body)


def damaged(rng, wire):
    """A frame's bytes with something wrong; it may fall apart into several, or be whole by chance where only zeros go."""
    kind = rng.randrange(5)
    data = bytearray(wire)
    if kind == 0:
        return wire[: rng.randrange(1, len(wire))]
    if kind == 1:
        return rng.randbytes(rng.randrange(1, 900))
    if kind == 2:
        data[rng.randrange(1, len(data) - 1)] ^= 1 << rng.randrange(8)
    elif kind == 3:
        del data[rng.randrange(1, len(data) - 1)]
    else:
        data.insert(rng.randrange(1, len(data) - 1), rng.randrange(256))
    return bytes(data)
