# SPDX-License-Identifier: Apache-2.0
"""Files that a command writes."""

from pathlib import Path

from keras_unetmm.atomic_write import atomic_write


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
        OSError: with what to do, if it cannot be written, such as on a full disk.
    """
    try:
        with atomic_write(path) as temporary:
            Path(temporary).write_bytes(content)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{path} cannot be written: {reason}. Free space, or choose a folder on another disk.") from error


def allow_large_pictures() -> None:
    """Lets Pillow open pictures of more than 90 million pixels without a warning or error: a user's own are no attack."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
