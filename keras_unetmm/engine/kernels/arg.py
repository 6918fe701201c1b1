# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX and ARG_MIN along any axis."""

import math

from keras_unetmm.engine.kernels.kernel import All, Kernel, NoKernelError, Parameters, Same, raster
from keras_unetmm.engine.kernels.maps import validate_types, values


def kernel(graph, operator, tables=None):
    """Returns the `Kernel`: along the channels pixel by pixel, else from the whole map.

    Along the channels the output has no axis left for them, so its walk is the input's, one value a pixel.
    """
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source,), ("INT8",))
    if output.type != "INT32":
        raise NoKernelError(f"{operator.name} to {output.type} has no kernel.", "Ask for int32.")
    axis = int(values(graph.tensors[operator.inputs[1]]).reshape(-1)[0]) % len(source.shape)
    channels = axis == len(source.shape) - 1
    inner = math.prod(source.shape[axis + 1 :])
    rows, width, image_rows, depth = raster(source.shape)
    fields = {
        "channels": source.shape[axis],
        "inner": inner,
        "output_channels": raster(output.shape)[3],
        "input_channels": depth,
    }
    function = "unetmm_arg_max" if operator.name == "ARG_MAX" else "unetmm_arg_min"
    return Kernel(
        function=f"{function}_channels" if channels else f"{function}_all",
        source="unetmm_arg.c",
        header="unetmm_arg.h",
        parameters=Parameters("unetmm_arg", fields),
        inputs=((operator.inputs[0], Same() if channels else All()),),
        output=operator.outputs[0],
        walk=(rows, width, image_rows) if channels else None,
        macs=depth if channels else source.shape[axis] * raster(output.shape)[3],
    )
