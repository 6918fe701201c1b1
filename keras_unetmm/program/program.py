"""The program that the tiler writes and the runtime runs: its files, and what a device must do with them."""

import hashlib
import json
from dataclasses import dataclass

FORMAT = 1


@dataclass(frozen=True)
class Program:
    """What `unetmm tile` writes.

    Attributes:
        files: dict from file names to bytes: `head.tflite`, `body.tflite` and `tail.tflite`, and with a bottleneck that is
            tiled around what sees the whole map `body_head.tflite`, `body_tail.tflite`, or one of the two.
        description: dict, the content of `program.json`.
    """

    files: dict
    description: dict


def digest(description):
    """Returns the SHA-256 of a description, itself apart."""
    said = {key: value for key, value in description.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
