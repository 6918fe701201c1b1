# SPDX-License-Identifier: Apache-2.0
"""Independent check of an offline memory plan for TFLM, which itself accepts every offset, overlaps included.

It shares no code with the planner. Everything it needs it reads from the bytes of the .tflite file.
"""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.planner.verify.graphs import PlanRefused, read
from keras_unetmm.planner.verify.lives import mark
from keras_unetmm.planner.verify.offsets import check_offsets, offsets
from keras_unetmm.planner.verify.overlaps import check_overlaps
from keras_unetmm.planner.verify.shapes import check_shapes

__all__ = ["KERNELS", "PlanRefused", "verify"]

KERNELS = ("any", "reference", "cmsis-nn", "cmsis-nn-helium", "none")


def verify(content: bytes, kernels: str = "any") -> None:
    """Verifies the offline memory plan in a .tflite file for TFLM.

    The plan must name an offset for every tensor that the operators touch and for none that TFLM keeps elsewhere. Two
    tensors may share memory if their lives, counted as TFLM does, do not meet. They may share it at the operator that
    reads one and writes the other only where a simulation of the kernel's order proves that nothing is written before
    its last reading, and the input is not needed any more; or where a reshape, split or concatenation copies bytes onto
    themselves.

    Inputs of the graph live until their last use, as with TFLM's own planner, and may be written over: they must be
    set again before every run. Scratch is not in a plan; TFLM places it around the tensors' lives. Operators are taken to
    read nothing but their inputs and to write nothing but their outputs and variables, so `ethos-u` is refused.

    Args:
        content: bytes of the .tflite file.
        kernels: `"reference"`, TFLM's own kernels; `"cmsis-nn"`, those of Arm's CMSIS-NN, whose 1x1 convolutions, wide
            depthwise convolutions and convolutions of other types than int8 and float32 do not run in raster order;
            `"cmsis-nn-helium"`, the same with other scratch; `"any"`, safe for the first two; `"none"`, kernels of which
            nothing is known: no two tensors may share memory while both live.

    Raises:
        PlanRefused: if the file has no plan, or one that is wrong or unsafe, or is damaged.
        ValueError: for unknown kernels.
    """
    if kernels not in KERNELS:
        raise ValueError(f"kernels must be one of {', '.join(map(repr, KERNELS))}. Received: {kernels!r}.")
    try:
        if content[4:8] != b"TFL3":
            raise PlanRefused("content must be a .tflite file, whose bytes 4 to 7 are b'TFL3'.")
        model = schema.Model.GetRootAs(content)
        graphs = read(model)
        for tensor, offset in zip(
            (tensor for graph in graphs for tensor in graph.tensors), offsets(model, graphs), strict=True
        ):
            tensor.offset = offset
        check_shapes(graphs)
        scopes = mark(graphs)
        check_offsets(graphs)
        check_overlaps(graphs, scopes, kernels)
    except PlanRefused:
        raise
    except Exception as error:  # whatever it is, nothing is verified
        raise PlanRefused(f"file is cut short or damaged ({type(error).__name__}: {error}).") from error
