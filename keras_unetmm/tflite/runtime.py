"""Running a .tflite file on the interpreters that devices use, and measuring what they take; the only importer of them."""

import re
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime as tflm

from keras_unetmm.tflite.graph import TFLiteFileError, load
from keras_unetmm.tflite.quiet import captured

RUNTIMES = ("tflm", "litert", "litert-reference")
_ARENAS = (2**24, 2**28, 2**31 - 1)  # bytes, tried in turn where the caller sets no limit


class RunError(ValueError):
    """An interpreter cannot run the file."""


class TFLMError(RunError):
    """TFLM cannot run the file, or not in the arena given."""


@dataclass(frozen=True)
class Arena:
    """What TFLM's recording allocator measured, in bytes.

    Attributes:
        head: int, the buffers that share memory over time: tensors and scratch.
        tail: int, what stays: one struct a node and tensor, multipliers of every channel. This interpreter has 64-bit
            pointers; on a 32-bit microcontroller the tail is smaller, the head the same.
        total: int, head plus tail.
    """

    head: int
    tail: int
    total: int


@dataclass(frozen=True)
class Run:
    """What `run` returns.

    Attributes:
        outputs: tuple of arrays, one an output of the file, in the file's own types, `(N, ...)`.
        values: tuple of float32 arrays, the real numbers that they stand for.
        arena: `Arena` for runtime `"tflm"`, else None.
    """

    outputs: tuple
    values: tuple
    arena: Arena | None


def run(file, x, runtime="tflm", arena_bytes=None):
    """Runs a .tflite file.

    Args:
        file: path or bytes.
        x: array, or a list of one for each input of the file. Floats are quantised as the file says; arrays of the
            input's own type go in as they are. `(H, W, C)`, or `(N, H, W, C)` to run N images one after the other.
        runtime: `"tflm"`, TensorFlow Lite for Microcontrollers with reference kernels; `"litert"`, LiteRT as on a
            phone or PC; `"litert-reference"`, LiteRT with the kernels that TFLM's come from.
        arena_bytes: int, the arena that TFLM is given; by default as much as it wants.

    Returns:
        A `Run`.

    Raises:
        ValueError: for an unknown runtime or an input that does not fit.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        RunError: if LiteRT cannot run the file; a `TFLMError` if TFLM lacks an operator or the arena is too small.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(map(repr, RUNTIMES))}. Received: {runtime!r}.")
    content = _verified(file)
    if runtime == "tflm":
        interpreter, arena = _allocated(content, arena_bytes)
        device = _TFLM(interpreter, content)
    else:
        device, arena = _prepared(content, runtime), None

    inputs = _batches(x, device.inputs)
    count = len(inputs[0])
    with captured() as text:
        try:
            steps = [device.invoke([batch[i] for batch in inputs]) for i in range(count)]
        except RuntimeError as error:
            raise RunError(f"{runtime} failed while it ran the file: {error} {_reason(text())}") from error
    outputs = tuple(np.concatenate(parts) for parts in zip(*steps, strict=True))
    values = tuple(_dequantised(output, details) for output, details in zip(outputs, device.outputs, strict=True))
    return Run(outputs, values, arena)


def measure(file, arena_bytes=None):
    """Returns the `Arena` that TFLM takes for a file, without running it.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        TFLMError: if TFLM lacks an operator of the file or the arena is too small.
    """
    return _allocated(_verified(file), arena_bytes)[1]


def _verified(file):
    """The file's bytes, once LiteRT's verifier has found every offset in them to be sound: TFLM checks none."""
    content = load(file)
    with captured() as text:
        try:
            Interpreter(model_content=content)
        except (ValueError, RuntimeError) as error:
            if "Didn't find op" in str(error):
                return content  # sound, only newer than this LiteRT
            raise TFLiteFileError(
                f"file is cut short or damaged: LiteRT refuses its {len(content)} bytes ({error} {_reason(text())}). "
                "Copy or convert it again."
            ) from error
    return content


def _allocated(content, arena_bytes):
    """A TFLM interpreter that has its arena, and the measured use of it."""
    if arena_bytes is not None and not 0 < arena_bytes <= _ARENAS[-1]:
        raise ValueError(f"arena_bytes must be a number of bytes from 1 to {_ARENAS[-1]:,}. Received: {arena_bytes:,}.")
    for size in (arena_bytes,) if arena_bytes is not None else _ARENAS:
        with captured() as text:
            try:
                interpreter = tflm.Interpreter.from_bytes(content, arena_size=size)
                interpreter.print_allocations()
                return interpreter, _parsed(text())
            except RuntimeError as error:
                said = text()
                missing = re.search(r"Didn't find op for builtin opcode '(\w+)'", said)
                if missing:
                    raise TFLMError(
                        f"TFLM has no operator {missing[1]}. Replace the layer that makes it, or convert the Keras model "
                        "with `unetmm convert`, which exchanges the layers that it knows to fail."
                    ) from error
                if not re.search(r"[Ff]ailed to (re)?(size|allocate).*(memory|buffer|tail|head|temp|resize)|[Aa]rena", said):
                    raise TFLMError(f"TFLM cannot prepare the file: {error}. {_reason(said)}") from error
    if arena_bytes is None:
        raise TFLMError(f"TFLM cannot allocate the file in an arena of {_ARENAS[-1]:,} bytes. Choose a smaller input size.")
    needed = _allocated(content, None)[1].total
    raise TFLMError(
        f"arena_bytes={arena_bytes:,} is too small for this file: on this machine it takes {needed:,} bytes, and some "
        "more while it is planned. Choose a smaller input size or a narrower network, or give it a larger arena."
    )


def _prepared(content, runtime):
    """LiteRT with the file, or a `RunError`."""
    try:
        return _LiteRT(content, reference=runtime == "litert-reference")
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{runtime} cannot prepare the file: {error}") from error


def _parsed(text):
    found = {part: re.search(rf"Arena allocation {part} (\d+) bytes", text) for part in ("head", "tail", "total")}
    if None in found.values():
        raise TFLMError(f"TFLM's allocator did not report its figures. It wrote: {_reason(text)}")
    return Arena(**{part: int(match[1]) for part, match in found.items()})


class _TFLM:
    """One interface to both interpreters: details of inputs and outputs, and `invoke`."""

    def __init__(self, interpreter, content):
        shapes = _LiteRT(content, reference=True, allocate=False)
        self.interpreter = interpreter
        self.inputs, self.outputs = shapes.inputs, shapes.outputs

    def invoke(self, inputs):
        for i, x in enumerate(inputs):
            self.interpreter.set_input(x, i)
        self.interpreter.invoke()
        return [np.array(self.interpreter.get_output(i)) for i in range(len(self.outputs))]


class _LiteRT:
    def __init__(self, content, reference, allocate=True):
        resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
        content = _for_reference_kernels(content) if reference else content
        with captured():
            self.interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
            if allocate:
                self.interpreter.allocate_tensors()
        self.inputs, self.outputs = self.interpreter.get_input_details(), self.interpreter.get_output_details()

    def invoke(self, inputs):
        for details, x in zip(self.inputs, inputs, strict=True):
            self.interpreter.set_tensor(details["index"], x)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(details["index"]) for details in self.outputs]


def _for_reference_kernels(content):
    """A copy whose DEPTH_TO_SPACE says version 1: LiteRT registers its int8 reference kernel for no later one."""
    changed = bytearray(content)
    model = schema.Model.GetRootAs(changed)
    for i in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(i)
        if code.BuiltinCode() == schema.BuiltinOperator.DEPTH_TO_SPACE and code.Version() == 2:
            position = code._tab.Pos + code._tab.Offset(8)  # the third field of the table, `version`
            changed[position : position + 4] = (1).to_bytes(4, "little")
    return bytes(changed)


def _batches(x, inputs):
    """The arrays of every input, each of `(N, *the input's shape)` and in the input's own type."""
    arrays = list(x) if isinstance(x, (list, tuple)) else [x]
    if len(arrays) != len(inputs):
        raise ValueError(f"x must hold one array for each of the file's {len(inputs)} inputs. Received: {len(arrays)}.")
    batches = [_quantised(np.asarray(array), details) for array, details in zip(arrays, inputs, strict=True)]
    if len({len(batch) for batch in batches}) != 1:
        raise ValueError(f"all inputs must hold the same number of images. Received: {[len(b) for b in batches]}.")
    return batches


def _quantised(x, details):
    shape, wanted = tuple(int(size) for size in details["shape"]), details["dtype"]
    inner = shape[1:] if shape[:1] == (1,) else shape
    several = shape[:1] == (1,) and x.shape[1:] == inner and len(x) > 0
    if x.shape not in (shape, inner) and not several:
        raise ValueError(f"x must have the shape {inner} of the file's input, or (N, *{inner}). Received: {x.shape}.")
    if x.dtype != wanted:
        if x.dtype.kind != "f" or not np.isfinite(x).all():
            raise ValueError(f"x must hold finite floats or {np.dtype(wanted)}. Received: {x.dtype}. Scale bytes by 1/255.")
        scale, zero_point = details["quantization"]
        if scale:
            limits = np.iinfo(wanted)
            x = np.clip(np.round(x / scale) + zero_point, limits.min, limits.max)
    return x.astype(wanted).reshape(-1, *shape)


def _dequantised(output, details):
    scale, zero_point = details["quantization"]
    return (output.astype("float32") - zero_point) * np.float32(scale) if scale else output.astype("float32")


def _reason(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-3:])
