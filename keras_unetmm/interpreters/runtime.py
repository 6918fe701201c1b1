# SPDX-License-Identifier: Apache-2.0
"""Running a .tflite file on the interpreters that devices use, and measuring what they take.

The interpreters live in a process of their own, `keras_unetmm.interpreters.process`: a damaged file can crash or hang
nothing else. One file although it is long: what it asks of that process, and how it copes with its death, belong together.
"""

import atexit
import contextlib
import functools
import importlib.util
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass

import numpy as np

from keras_unetmm.interpreters import wire
from keras_unetmm.interpreters.blame import first_operator
from keras_unetmm.operators.registry import macs
from keras_unetmm.tflite_file.graph import TFLiteFileError, load, read

RUNTIMES = ("tflm", "litert", "litert-reference")
TITLES = {"tflm": "TFLM", "litert": "LiteRT", "litert-reference": "LiteRT's reference kernels"}
_START_SECONDS = 60  # for a process with the interpreters
_PREPARE_SECONDS = 30  # for a file to be verified, prepared and measured; beside other work, too
_RUN_SECONDS = 30  # for one image, and a second more for as many multiply-accumulates as follow
_MACS_PER_SECOND = 2_000_000  # a hundredth of what the slowest kernels do
_MOST_SECONDS = 3600
LARGEST_ARENA = 2**29  # bytes that TFLM is given at most
_MEMORY = int(0.85 * 2**30)  # bytes that it may take: its largest arena, and the rest for the file
_LITERT_MEMORY = 3 * 2**30  # bytes that LiteRT may take, which keeps the maps of large networks of floats for `trace`


class RunError(ValueError):
    """An interpreter cannot run the file.

    Attributes:
        signal: int, that ended the interpreter's process, or None.
        operator: the position and the name of the operator at which it aborts, or None where that is not known.
    """

    signal: int | None = None
    operator: tuple[int, str] | None = None


class MissingRuntimeError(RunError, ImportError):
    """The interpreter is not installed."""


class TFLMError(RunError):
    """TFLM cannot run the file, or not in the arena given."""


# what the process may answer with instead of an answer
ERRORS = {"ValueError": ValueError, "RunError": RunError, "TFLMError": TFLMError, "TFLiteFileError": TFLiteFileError}


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
        RunError: if the file cannot be run, or no interpreter be started; a `TFLMError` if TFLM lacks an operator, the
            arena is too small, or TFLM crashes or hangs.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(map(repr, RUNTIMES))}. Received: {runtime!r}.")
    content = load(file)
    child = _children["tflm" if runtime == "tflm" else "litert"]
    validate_installed(runtime)
    image, steps = [], []
    with child.lock, _naming_what_aborts(child, content, image, runtime, arena_bytes):
        inputs, outputs, arena = child.prepare(content, runtime=runtime, arena_bytes=arena_bytes)
        stacks = batches(x, inputs)
        seconds = _run_seconds(content)
        for i in range(len(stacks[0]) if stacks else 1):  # a file without inputs runs once
            image[:] = [stack[i] for stack in stacks]
            steps.append(child.invoke(seconds, image, len(outputs), runtime=runtime))
    arrays = tuple(np.concatenate([np.atleast_1d(part) for part in parts]) for parts in zip(*steps, strict=True))
    values = tuple(dequantised(array, details) for array, details in zip(arrays, outputs, strict=True))
    return Run(arrays, values, arena)


def run_on_edge_tpu(file, inputs, library):
    """Runs a .tflite file through the delegate of a Coral Edge TPU, or on the processor where that cannot be loaded.

    Args:
        file: path or bytes.
        inputs: list of numpy arrays, of the file's own types and shapes.
        library: str, the delegate's shared library.

    Returns:
        tuple of a str, why the processor ran it, empty on the Edge TPU; the seconds of one image; the list of outputs.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        RunError: if it cannot be run.
    """
    content, child = load(file), _children["litert"]
    validate_installed("litert")
    with child.lock:
        return child.edge_tpu(_PREPARE_SECONDS + 2 * _run_seconds(content), [content, *inputs], library)


def measure(file, arena_bytes=None):
    """Returns the `Arena` that TFLM takes for a file, without running it.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        TFLMError: if TFLM lacks an operator of the file, the arena is too small, or TFLM crashes or hangs.
    """
    return prepare(file, "tflm", arena_bytes)


def prepare(file, runtime="tflm", arena_bytes=None):
    """Lets an interpreter prepare a file, without running it.

    Args:
        file, runtime, arena_bytes: as for `run`.

    Returns:
        The `Arena` that TFLM takes; None for LiteRT.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        RunError: if the interpreter cannot prepare it; a `TFLMError` if TFLM cannot.
    """
    content, child = load(file), _children["tflm" if runtime == "tflm" else "litert"]
    validate_installed(runtime)
    with child.lock, _naming_what_aborts(child, content, [], runtime, arena_bytes):
        return child.prepare(content, runtime=runtime, arena_bytes=arena_bytes)[2]


@contextlib.contextmanager
def _naming_what_aborts(child, content, image, runtime, arena_bytes):
    """Adds to the error of an interpreter that aborts the operator at which it does, found on the file's beginnings."""

    def aborts(beginning):
        return child.aborts(_run_seconds(content), [beginning, *image], runtime=runtime, arena_bytes=arena_bytes)

    try:
        yield
    except RunError as error:
        found = None if error.signal is None else first_operator(content, aborts)
        if found is None:
            raise
        named = type(error)(f"{error} It aborts at operator {found[0]}, {found[1]}.")
        named.signal, named.operator = error.signal, found
        raise named from error


def validate_installed(runtime):
    """Raises a `MissingRuntimeError`, with the command that brings it, if an interpreter is not installed."""
    module, package = ("tflite_micro", "tflite-micro") if runtime == "tflm" else ("ai_edge_litert", "ai-edge-litert")
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        elsewhere = " There are wheels for Linux on x86-64 only. Elsewhere use the runtime litert-reference."
        only = elsewhere if runtime == "tflm" else ""
        raise MissingRuntimeError(
            f"{runtime} runs files by {package}, which is not installed. Run pip install {package}.{only}"
        )


def reference_runtime():
    """Returns what gives a device's bytes here: `"tflm"`, or `"litert-reference"` where TFLM is not installed.

    LiteRT's reference kernels are those that TFLM's come from, but LiteRT places tensors itself: a plan's places are not
    tried on it.
    """
    try:
        validate_installed("tflm")
    except MissingRuntimeError:
        return "litert-reference"
    return "tflm"


def trace(file, inputs, wanted=None):
    """Runs a .tflite file on LiteRT's reference kernels and gives what its operators made, one input after the other.

    Works for files of floats as well. Nothing is kept: the next input is taken, and run, when its turn comes.

    Args:
        file: path or bytes.
        inputs: iterable of what `run` takes as `x` for one image, without or with a batch of 1.
        wanted: iterable of int, indices of tensors of the first graph; by default all that its operators compute.

    Returns:
        an iterator over dicts, one an input: array by tensor index, in the tensor's own type.

    Raises:
        ValueError: for an index of no tensor that is computed, or an input that does not fit.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        RunError: if the file cannot be run.
    """
    content = load(file)
    graph = read(content).main
    computed = sorted({i for op in graph.operators for i in op.outputs if i >= 0 and graph.tensors[i].element_bytes})
    wanted = computed if wanted is None else [int(index) for index in wanted]
    if not set(wanted) <= {*computed, *graph.inputs}:
        unknown = sorted(set(wanted) - {*computed, *graph.inputs})
        raise ValueError(
            f"wanted must hold indices of tensors that operators compute, or of inputs. Received: {unknown}. Take them from "
            "keras_unetmm.tflite_file.graph.read(file).main."
        )
    return _traced(_children["litert"], content, inputs, wanted)


def _traced(child, content, inputs, wanted):
    seconds, runtime = _run_seconds(content), "litert-reference"
    for x in inputs:
        with child.lock:  # not while the caller has its turn, who may run another file
            if child.prepared is None or child.prepared[0] != content:
                details = child.prepare(content, runtime=runtime, arena_bytes=None, preserved=True)[0]
                child.prepared = content, details
            stacks = batches(x, child.prepared[1])
            if stacks and len(stacks[0]) != 1:
                raise ValueError(f"inputs must hold one image each. Received: {len(stacks[0])} at once. Give one by one.")
            arrays = child.invoke(seconds, [stack[0] for stack in stacks], len(wanted), runtime=runtime, wanted=wanted)
        yield dict(zip(wanted, arrays, strict=True))


class _Child:
    """A process that runs interpreters: started when first asked, and again after it died."""

    def __init__(self, name, error, memory):
        self.name, self.error, self.memory = name, error, memory
        self.lock = threading.Lock()  # to be held from a file's preparation to its last image
        self.process = self.log = None
        self.prepared = None  # what `trace` asked for and the details of its inputs, until another file is prepared

    def prepare(self, content, **arguments):
        """Returns the details of a file's inputs and outputs and its `Arena`, or raises what became of the process."""
        self._ready()
        answer, _ = self._exchange(_PREPARE_SECONDS, "prepare", [content], arguments)
        try:
            arena = answer["arena"] and Arena(*(_whole(answer["arena"][part]) for part in ("head", "tail", "total")))
            return [_detail(d) for d in answer["inputs"]], [_detail(d) for d in answer["outputs"]], arena
        except (KeyError, TypeError, ValueError) as error:
            self.end()
            raise self.error(f"{self.name} answered what makes no sense: {error}. The file is damaged.") from error

    def invoke(self, seconds, arrays, count, **arguments):
        """Returns that many arrays that the file prepared before makes, or raises what became of the process."""
        _, made = self._exchange(seconds, "invoke", arrays, arguments)
        if len(made) != count:
            self.end()
            raise self.error(f"{self.name} gave {len(made)} arrays instead of {count}. The file is damaged.")
        return made

    def edge_tpu(self, seconds, arrays, library):
        """Returns a word and the seconds of a run, and its outputs, or raises what became of the process."""
        self._ready()
        answer, made = self._exchange(seconds, "edge_tpu", arrays, {"library": library})
        return str(answer["word"]), float(answer["seconds"]), made

    def aborts(self, seconds, arrays, **arguments):
        """Whether a copy of the process dies of a file, the first of the arrays, prepared and run on the others, if any."""
        self._ready()
        return self._exchange(_PREPARE_SECONDS + seconds, "copy", arrays, {"seconds": seconds, **arguments})[0]["aborted"]

    def _ready(self):
        self.prepared = None
        if self.process is None or self.process.poll() is not None:
            self.end()
            self._start()

    def _start(self):
        path = [str(entry) for entry in sys.path]
        code = f"import sys; sys.path[:] = {path}; from keras_unetmm.interpreters.process import serve; serve({self.memory})"
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # numpy's; each thread takes memory and time to start
        )
        self._exchange(_START_SECONDS)

    def _exchange(self, seconds, name=None, arrays=(), arguments=None):
        """Sends a request, unless its name is None, and returns the answer: a dict and the arrays."""
        process, hung = self.process, threading.Event()

        def kill():
            hung.set()
            process.kill()

        timer = threading.Timer(seconds, kill)  # a wait of ours would not end a write that blocks
        timer.daemon = True
        try:
            timer.start()
            try:
                if name is not None:
                    wire.send(process.stdin, {"seconds": seconds, "name": name, "arguments": arguments}, arrays)
                answer, made = wire.receive(process.stdout)
                spent, error, said = answer["spent"], ERRORS.get(answer.get("error")), str(answer.get("said"))
            except Exception as error:  # the end of the pipe, or what a process wrote that was out of its mind
                process.kill()
                raise self._failure(process.wait(), seconds, name, hung.is_set()) from error
            finally:
                timer.cancel()
                timer.join()
            if hung.is_set():
                raise self._failure(process.wait(), seconds, name, True)
        except BaseException:  # control-C too: the answer that is under way would be taken for the next one
            self.end()
            raise
        if error is not None:
            if spent:
                self.end()
            raise error(said)
        return answer, made

    def _failure(self, status, seconds, name, hung):
        said = reason(written(self.log.fileno()))
        if name is None:
            return RunError(
                f"The interpreters cannot be started: {'no answer' if hung else said or f'status {status}'}. Install "
                "keras-unetmm again, with what it depends on."
            )
        done = {"prepare": "prepared", "invoke": "run", "copy": "tried"}[name]
        if hung:
            return self.error(
                f"{self.name} hung: it had not {done} the file after {seconds:,.0f} seconds. The file is damaged or far "
                "too large. Convert it again, or with a smaller input size."
            )
        how = f"signal {-status}" if status < 0 else f"status {status}"
        if status < 0 and -status != signal.SIGKILL:
            crash = self.error(
                f"{self.name} crashed ({how}) before it had {done} the file: it aborts on scales, sizes or options that its "
                f"kernels do not take, as untrained and damaged networks have. Train and convert it again. {said}".strip()
            )
            crash.signal = -status
            return crash
        return self.error(
            f"{self.name} crashed ({how}) before it had {done} the file: the file is damaged, or it needs more memory "
            f"than there is. Convert it again. {said}".strip()
        )

    def end(self):
        """Ends the process, if there is one."""
        process, self.process = self.process, None
        self.prepared = None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, self.log):
            with contextlib.suppress(OSError):  # what was not sent yet
                stream.close()

    def forget(self):
        """Leaves the process to the parent of a fork."""
        self.lock = threading.Lock()
        process, self.process = self.process, None
        self.prepared = None
        if process is not None:
            process.returncode = 0  # not ours to wait for
            process.stdin.raw.close()  # without sending what the parent was about to send
            process.stdout.raw.close()
            self.log.close()


_children = {"tflm": _Child("TFLM", TFLMError, _MEMORY), "litert": _Child("LiteRT", RunError, _LITERT_MEMORY)}
for _child in _children.values():
    atexit.register(_child.end)
    os.register_at_fork(after_in_child=_child.forget)


@functools.lru_cache(maxsize=4)
def _run_seconds(content):
    """Seconds after which a run on one image is taken to hang."""
    try:
        count = macs(read(content).main)
    except Exception:  # of shapes that make no sense; the interpreter says what it thinks of them
        count = 0
    return min(_RUN_SECONDS + count / _MACS_PER_SECOND, _MOST_SECONDS)


def _whole(number):
    if type(number) is not int or number < 0:
        raise ValueError(f"{number!r} instead of a number of bytes")
    return number


def _detail(said):
    """What a process says of one input or output, checked: its shape, type, scale and zero point."""
    shape, (scale, zero_point) = tuple(map(_whole, said["shape"])), said["quantization"]
    if said["dtype"] not in wire.TYPES or math.prod(shape) > wire.MOST_BYTES:
        raise ValueError(f"an input or output of {said['dtype']!r} and the shape {shape}")
    return {"shape": shape, "dtype": np.dtype(said["dtype"]), "quantization": (float(scale), int(zero_point))}


def batches(x, inputs):
    """Returns the arrays of every input, each of `(N, *the input's shape)` and in the input's own type.

    Args:
        x: as for `run`.
        inputs: list of dicts of `shape`, `dtype` and `quantization`, a scale and a zero point.

    Raises:
        ValueError: if `x` does not fit.
    """
    arrays = list(x) if isinstance(x, (list, tuple)) else [x]
    if len(arrays) != len(inputs):
        raise ValueError(f"x must hold one array for each of the file's {len(inputs)} inputs. Received: {len(arrays)}.")
    stacks = [_quantised(np.asarray(array), details) for array, details in zip(arrays, inputs, strict=True)]
    if len({len(stack) for stack in stacks}) > 1:
        raise ValueError(f"all inputs must hold the same number of images. Received: {[len(stack) for stack in stacks]}.")
    return stacks


@np.errstate(over="ignore", invalid="ignore")  # a damaged scale may be anything
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
    return x.astype(wanted).reshape(len(x) if several else 1, *shape)


@np.errstate(over="ignore", invalid="ignore")
def dequantised(output, details):
    """Returns the real numbers that an output stands for, float32; `details` as for `batches`."""
    scale, zero_point = details["quantization"]
    return (output.astype("float32") - zero_point) * np.float32(scale) if scale else output.astype("float32")


def written(log):
    """Returns the end of what was written to a log, given as a file descriptor."""
    size = os.fstat(log).st_size
    return os.pread(log, 2**16, max(0, size - 2**16)).decode(errors="replace")


def reason(text):
    """Returns the last lines of a log as one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-3:])
