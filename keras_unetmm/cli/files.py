"""Files that a command writes."""

from pathlib import Path

from keras_unetmm.replacing import replacing


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    with replacing(path) as temporary:
        Path(temporary).write_bytes(content)
