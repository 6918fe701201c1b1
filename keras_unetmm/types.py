# SPDX-License-Identifier: Apache-2.0
"""Names of types that many signatures have."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Tensor = Any  # an array or tensor of any backend, symbolic ones included
Shape = tuple[int | None, ...]  # None for an axis of any length
Json = Any  # a value as json reads and writes it
JsonObject = dict[str, Any]  # and an object of such values
StateDict = Mapping[str, Any]  # tensors or arrays of a checkpoint by their names, on some level of it
Size = Sequence[int] | None  # pixels or voxels along each axis; None for what is there already
PerChannel = float | Sequence[float] | None  # one number for all channels, or one each
Normalization = tuple[PerChannel, PerChannel]  # mean and deviation, `(None, None)` for neither
InputShape = Shape | list[Shape] | None  # of one input, or of each; None for the model's own
PathLike = str | os.PathLike[str]
FileLike = bytes | PathLike  # the bytes of a file, or its path
Calibration = PathLike | Iterable[Any] | None  # a folder, or arrays; for several inputs lists or dicts of arrays
