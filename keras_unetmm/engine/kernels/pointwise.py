# SPDX-License-Identifier: Apache-2.0
"""1x1 convolutions whose output is shuffled from depth to space: made row by row, so that no row waits for the next."""

from dataclasses import replace

from keras_unetmm.engine.kernels.kernel import Axis, Parameters, Same, Window

_FUNCTION = "unetmm_pointwise_int8"


def fits(kernel, block):
    """Returns whether a kernel is a 1x1 convolution that can be made in `block` parts."""
    return kernel.function == _FUNCTION and kernel.parameters.fields["outputs"] % (block * block) == 0


def by_rows(kernel, block):
    """Returns the `Kernel` that walks over `block` rows for each row of its input, each with as large a part of the outputs.

    Args:
        kernel: `Kernel` of a 1x1 convolution for which `fits` holds.
        block: int, rows of the shuffled map for one row of the input.
    """
    fields = kernel.parameters.fields
    parts = {**fields, "outputs": fields["outputs"] // block, "phases": block}
    ((source, access),) = kernel.inputs
    if not isinstance(access, Same):
        raise ValueError("kernel must read the same place, as a 1x1 convolution without stride does.")
    rows = Window(Axis(over=block), Axis(), taps=1)
    return replace(
        kernel, parameters=Parameters(kernel.parameters.struct, parts), inputs=((source, rows),), macs=kernel.macs // block
    )
