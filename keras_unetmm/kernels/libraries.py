# SPDX-License-Identifier: Apache-2.0
"""The libraries that a plan can be made for, by name."""

from keras_unetmm.kernels.cmsis_nn import CMSIS_NN, CMSIS_NN_HELIUM
from keras_unetmm.kernels.library import KernelLibrary
from keras_unetmm.kernels.tflm_reference import REFERENCE

ANY = KernelLibrary(
    "any", "safe for the reference kernels and for CMSIS-NN on cores without Helium", REFERENCE.orders | CMSIS_NN.orders
)
NONE = KernelLibrary("none", "nothing overlaps: for kernels that nobody has looked at, such as ESP-NN", frozenset())
LIBRARIES = {library.name: library for library in (ANY, REFERENCE, CMSIS_NN, CMSIS_NN_HELIUM, NONE)}


def library_of(kernels: str) -> KernelLibrary:
    """Returns the `KernelLibrary` of that name.

    Raises:
        ValueError: for an unknown library of kernels.
    """
    if not isinstance(kernels, str) or kernels not in LIBRARIES:
        raise ValueError(f"kernels must be one of {', '.join(map(repr, LIBRARIES))}. Received: {kernels!r}.")
    return LIBRARIES[kernels]
