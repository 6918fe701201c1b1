"""Files that are whole or not there."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def replacing(path):
    """Yields a temporary path beside `path` that replaces it when all went well, so no partial file is ever left."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
