# SPDX-License-Identifier: Apache-2.0
"""Names of types that many signatures have."""

import os
from typing import Any

Tensor = Any  # an array or tensor of any backend, symbolic ones included
Shape = tuple[int | None, ...]  # None for an axis of any length
PathLike = str | os.PathLike[str]
FileLike = bytes | PathLike  # the bytes of a file, or its path
