"""Pictures as cameras store them, with an EXIF orientation that says how to turn them back."""

import struct
import zlib

import numpy as np


def stored_as(pixels, turn):
    """The array that an EXIF orientation, 1 to 8, turns back into `pixels`."""
    undo = {
        1: pixels,
        2: np.fliplr(pixels),
        3: np.rot90(pixels, 2),
        4: np.flipud(pixels),
        5: np.swapaxes(pixels, 0, 1),
        6: np.rot90(pixels, 1),  # shown turned clockwise by 90 degrees
        7: np.rot90(np.swapaxes(pixels, 0, 1), 2),
        8: np.rot90(pixels, -1),
    }
    return np.ascontiguousarray(undo[turn])


def with_orientation(png, turn):
    """The bytes of a PNG with an eXIf chunk before its pixels."""
    exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    start = png.index(b"IDAT") - 4
    return png[:start] + chunk + png[start:]
