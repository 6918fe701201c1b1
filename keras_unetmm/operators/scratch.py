"""Scratch that TFLM's reference kernels ask for while an operator runs, which the arena holds beside its tensors."""

import math

from flatbuffers import flexbuffers

_MOST = 2**20  # that an option of a custom operator may say
_INT32, _POINTER = 4, 8  # bytes; the interpreter that measures has 64-bit pointers


def scratch(graph, operator):
    """Returns the sizes in bytes, not aligned, of an operator's scratch buffers, in the order in which it asks for them."""

    def tensor(slot):
        index = operator.inputs[slot] if slot < len(operator.inputs) else -1
        return graph.tensors[index] if index >= 0 else None

    match operator.name:
        case "MEAN" | "SUM":
            return (*_accumulators(graph, operator, tensor(0)), *_axes(tensor))
        case "REDUCE_MAX" | "REDUCE_MIN" | "REDUCE_ALL":
            return _axes(tensor)
        case "TRANSPOSE_CONV":
            return _transpose_convolution(graph.tensors[operator.outputs[0]], tensor(2), tensor(3))
        case "CONV_2D" | "DEPTHWISE_CONV_2D" | "FULLY_CONNECTED":
            weights = tensor(1)
            return (math.prod(weights.shape),) if weights.type == "INT4" else ()
        case "MIRROR_PAD":
            return (_INT32 * len(tensor(0).shape),) * 2
        case "ADD_N":
            return (_POINTER * len(operator.inputs),)
        case "SVDF":
            return _svdf(operator.options, tensor(0), tensor(1))
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            batch = tensor(0).shape[1 if operator.options.TimeMajor() else 0]
            return (batch * tensor(18).shape[1] * tensor(19).element_bytes,) * 4
        case "TFLite_Detection_PostProcess":
            return _detection(operator.options, tensor(0), tensor(1))
        case "SignalRfft":
            return (_option(operator.options, "fft_length") * tensor(0).element_bytes,)
    return ()


def _accumulators(graph, operator, source):
    if source.type not in ("INT8", "INT16"):
        return ()
    return (_INT32 * math.prod(graph.tensors[operator.outputs[0]].shape),)


def _axes(tensor):
    return (_INT32 * len(tensor(0).shape), _INT32 * math.prod(tensor(1).shape))


def _transpose_convolution(output, source, bias):
    if source.type == "INT8":
        return (4 * math.prod(output.shape),)
    if source.type == "INT16":
        converted = (8 * math.prod(bias.shape),) if bias is not None and bias.type == "INT16" else ()
        return (8 * math.prod(output.shape), *converted)
    return ()


def _svdf(options, source, weights):
    filters = weights.shape[0]
    per_batch = (filters, filters // options.Rank()) if source.type == "INT8" else (filters,)
    return tuple(_INT32 * source.shape[0] * count for count in per_batch)


def _detection(options, boxes, scores):
    count, most, classes = boxes.shape[1], _option(options, "max_detections"), _option(options, "num_classes")
    numbers = (4 * count, math.prod(scores.shape[1:]), count, count, most * count, most * count, count, most * count)
    return (count, *(4 * number for number in (*numbers, max(classes, most) * count, min(count, most) * count)))


def _option(content, name):
    """One number of a custom operator's options. Nothing else in them is unpacked: they may contain themselves."""
    value = flexbuffers.GetRoot(content).AsMap[name].AsInt
    if not 0 <= value <= _MOST:
        raise ValueError(f"{name} must lie between 0 and {_MOST:,}. Received: {value}")
    return value
