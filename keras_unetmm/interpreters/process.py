# SPDX-License-Identifier: Apache-2.0
"""The process in which files are run: TFLM believes all that it reads, so a damaged file can crash it or never end.

`keras_unetmm.interpreters.runtime` starts it on `serve`. No other module imports this one, the only importer
of the interpreters.
One file although it is long: all that runs beside a hostile file can be read in one place.
"""

import contextlib
import hashlib
import os
import re
import resource
import signal
import sys
import time
from dataclasses import asdict

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType, load_delegate

try:
    from tflite_micro.python.tflite_micro import runtime as tflm
except ModuleNotFoundError:  # there are wheels for Linux on x86-64 only; `runtime` says so before it asks for TFLM
    tflm = None

from keras_unetmm.interpreters import wire
from keras_unetmm.interpreters.runtime import ERRORS, LARGEST_ARENA, Arena, RunError, TFLMError, reason, written
from keras_unetmm.tflite_file.graph import TFLiteFileError

_ARENAS = (2**24, 2**28, LARGEST_ARENA)  # bytes, tried in turn where the caller sets no limit
_KEPT = 4  # files that stay prepared for TFLM
_MOST_SAID = 2**16  # characters of an error
_LOG = 2  # file descriptor of standard error


def serve(memory=None):
    """Answers the requests that come over standard input, see `wire`, one at a time, until it is closed.

    Args:
        memory: int, bytes of address space that may be taken beyond what is taken at the start; no limit if None.
    """
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(_LOG, 1)  # what compiled code prints must not come between the replies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process after control-C
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    start = _address_space()
    _limit(start, memory)
    runner = _Runner()

    def reply(answer, arrays=()):
        spent = memory is not None and _address_space() > start + memory // 2 + runner.held
        wire.send(replies, {**answer, "spent": spent}, arrays)

    reply({})
    while True:
        try:
            request, arrays = wire.receive(requests)
        except EOFError:
            return
        _clear_log()
        signal.setitimer(signal.ITIMER_REAL, request["seconds"] + 1)  # ends this process should the parent be gone by then
        try:
            answer = _REQUESTS[request["name"]](runner, arrays, **request["arguments"])
        except Exception as error:  # a damaged file makes the interpreters raise anything
            answer = _refused(error), ()
        signal.setitimer(signal.ITIMER_REAL, 0)
        reply(*answer)


def _refused(error):
    kind = next((name for name, kind in ERRORS.items() if type(error) is kind), None)
    if kind is None:
        kind = "ValueError" if isinstance(error, ValueError) else "RunError"
    said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return {"error": kind, "said": said[:_MOST_SAID]}


def _prepared(runner, arrays, **arguments):
    inputs, outputs, arena = runner.prepare(arrays[0].tobytes(), **arguments)
    return {"inputs": inputs, "outputs": outputs, "arena": None if arena is None else asdict(arena)}, ()


def _invoked(runner, arrays, **arguments):
    return {}, [_plain(array) for array in runner.invoke(arrays, **arguments)]


def _copied(runner, arrays, seconds, **arguments):
    """Tries a file in a copy of this process, which may die of it."""
    copy = os.fork()
    if not copy:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            runner.prepare(arrays[0].tobytes(), **arguments)
            if arrays[1:]:
                runner.invoke(arrays[1:], arguments["runtime"])
        finally:
            os._exit(0)
    status = os.waitpid(copy, 0)[1]
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    return {"aborted": ended not in (None, signal.SIGKILL, signal.SIGALRM)}, ()


def _plain(array):
    array = np.asarray(array)
    if array.dtype.name not in wire.TYPES or array.nbytes > wire.MOST_BYTES:
        raise RunError(
            f"outputs must be numbers of {wire.MOST_BYTES:,} bytes at most. Received: {array.dtype.name} of {array.shape}. "
            "Use a smaller input size, or a network that gives maps."
        )
    return array


def _on_edge_tpu(runner, arrays, library):
    """Runs a file, the first of the arrays, on the others: on a Coral Edge TPU or, with a word why, on the processor."""
    del runner
    content = arrays[0].tobytes()
    _verify(content)
    try:
        delegates, word = [load_delegate(library)], ""
    except (ValueError, OSError, AttributeError) as error:
        delegates, word = [], " ".join(str(error).split()) or type(error).__name__
    try:
        interpreter = Interpreter(model_content=content, experimental_delegates=delegates)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise RunError(f"LiteRT cannot prepare the file{f' ({word})' if word else ''}: {error}") from error
    for details, x in zip(interpreter.get_input_details(), arrays[1:], strict=True):
        interpreter.set_tensor(details["index"], x)
    interpreter.invoke()  # which also brings the weights to the TPU
    start = time.perf_counter()
    interpreter.invoke()
    seconds = time.perf_counter() - start
    outputs = [_plain(interpreter.get_tensor(details["index"])) for details in interpreter.get_output_details()]
    return {"word": word, "seconds": seconds}, outputs


_REQUESTS = {"prepare": _prepared, "invoke": _invoked, "copy": _copied, "edge_tpu": _on_edge_tpu}


class _Runner:
    """What may be requested: `prepare` a file, then `invoke` it on one image after the other."""

    def __init__(self):
        self.current = None  # the interpreter that `invoke` runs
        self.prepared = {}  # TFLM's, by content and arena, the one used last at the end

    @property
    def held(self):
        return sum(device.arena_bytes for device in self.prepared.values())

    def prepare(self, content, runtime, arena_bytes, preserved=False):
        """Returns the details of inputs and of outputs, and the measured `Arena` or None; `preserved` keeps all tensors."""
        key = hashlib.sha256(content).digest(), arena_bytes
        if runtime != "tflm":
            _verify(content)
            self.current = _litert(content, runtime, preserved)
        else:
            self.current = self.prepared.pop(key, None)
            if self.current is None or self.current.once or self.current.interpreter.reset():  # 0 if all is well
                self.current = None
                _verify(content)
                self.current = _allocated(content, arena_bytes, self._make_room)
            self.prepared[key] = self.current
        return self.current.inputs, self.current.outputs, self.current.arena

    def invoke(self, inputs, runtime, wanted=None):
        """Returns a list of the outputs' arrays, or of the tensors wanted of a file whose tensors are preserved."""
        try:
            outputs = self.current.invoke(inputs)
            return outputs if wanted is None else [self.current.interpreter.get_tensor(index) for index in wanted]
        except Exception as error:
            self.prepared = {key: device for key, device in self.prepared.items() if device is not self.current}
            raise RunError(f"{runtime} failed while it ran the file: {error} {reason(_log())}") from error

    def _make_room(self, size):
        while self.prepared and (len(self.prepared) >= _KEPT or self.held + size > _ARENAS[-1]):
            del self.prepared[next(iter(self.prepared))]


def _verify(content):
    """Refuses a file unless LiteRT's verifier finds every offset in it to be sound: TFLM checks none."""
    try:
        Interpreter(model_content=content)
    except (ValueError, RuntimeError) as error:
        if "Didn't find op" in str(error) or not _unread.sub("", str(error)).strip():
            return  # sound, only newer than this LiteRT or older
        raise TFLiteFileError(
            f"file is cut short or damaged: LiteRT refuses its {len(content)} bytes ({error} {reason(_log())}). "
            "Copy or convert it again."
        ) from error


# older converters left the weights' channel axis on one-dimensional tensors, person_detect.tflite's for one; nobody reads it
_unread = re.compile(
    r"quantized_dimension must be in range \[0, \d+\)\. Was \d+\.\s*Tensor \d+ has invalid quantization parameters\."
)


def _allocated(content, arena_bytes, make_room):
    """TFLM with the file in an arena."""
    if arena_bytes is not None and not 0 < arena_bytes <= _ARENAS[-1]:
        raise ValueError(f"arena_bytes must be a number of bytes from 1 to {_ARENAS[-1]:,}. Received: {arena_bytes:,}.")
    for size in (arena_bytes,) if arena_bytes is not None else _ARENAS:
        make_room(size)
        _clear_log()
        try:
            return _TFLM(content, size)
        except TFLMError:
            raise
        except Exception as error:  # of struct, numpy and so on, where TFLM's Python code reads a damaged file
            said = _log()
            missing = _missing(content, said)
            if missing:
                raise TFLMError(
                    f"TFLM has no operator {missing}. Replace the layer that makes it, or convert the Keras model "
                    "with `unetmm convert`, which replaces the layers that it knows to fail."
                ) from error
            full = re.search(r"[Ff]ailed to (re)?(size|allocate).*(memory|buffer|tail|head|temp|resize)|[Aa]rena", said)
            if not (full and isinstance(error, RuntimeError)):
                raise TFLMError(
                    f"TFLM cannot prepare the file: {str(error) or type(error).__name__}. {reason(said)}"
                ) from error
    if arena_bytes is None:
        raise TFLMError(f"TFLM cannot allocate the file in an arena of {_ARENAS[-1]:,} bytes. Choose a smaller input size.")
    needed = _allocated(content, None, make_room).arena.total
    raise TFLMError(
        f"arena_bytes={arena_bytes:,} is too small for this file: on this machine it takes {needed:,} bytes, and some "
        "more while it is planned. Choose a smaller input size or a narrower network, or give it a larger arena."
    )


def _missing(content, said):
    """The operator that TFLM says it has not; which of several custom ones it is, it does not say."""
    found = re.search(r"Didn't find op for builtin opcode '(\w+)'", said)
    if found or "registration from op code CUSTOM" not in said:
        return found and found[1]
    model = schema.Model.GetRootAs(content)
    names = {model.OperatorCodes(i).CustomCode() for i in range(model.OperatorCodesLength())} - {None}
    return " or ".join(sorted(name.decode(errors="replace") for name in names))


def _litert(content, runtime, preserved):
    """LiteRT with the file, or a `RunError`."""
    try:
        return _LiteRT(content, reference=runtime == "litert-reference", preserved=preserved)
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{runtime} cannot prepare the file: {error}") from error


class _TFLM:
    """One interface to both interpreters: `arena`, details of `inputs` and `outputs`, and `invoke`."""

    def __init__(self, content, arena_bytes):
        self.arena_bytes = arena_bytes
        self.interpreter = tflm.Interpreter.from_bytes(content, arena_size=arena_bytes)
        self.interpreter.print_allocations()
        self.arena = _parsed(_log())
        model = schema.Model.GetRootAs(content)
        codes = [model.OperatorCodes(i).BuiltinCode() for i in range(model.OperatorCodesLength())]
        self.once = schema.BuiltinOperator.CALL_ONCE in codes  # a reset clears what it set and does not run it again
        graph = model.Subgraphs(0)
        self.inputs = [_details(self.interpreter.get_input_details(i)) for i in range(graph.InputsLength())]
        self.outputs = [_details(self.interpreter.get_output_details(i)) for i in range(graph.OutputsLength())]

    def invoke(self, inputs):
        for i, x in enumerate(inputs):
            self.interpreter.set_input(x, i)
        self.interpreter.invoke()
        return [np.array(self.interpreter.get_output(i)) for i in range(len(self.outputs))]


class _LiteRT:
    arena = None

    def __init__(self, content, reference, preserved):
        resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
        content = _for_reference_kernels(content) if reference else content
        self.interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=preserved,
            num_threads=1,
        )
        self.interpreter.allocate_tensors()
        self.places = [details["index"] for details in self.interpreter.get_input_details()]
        self.inputs = [_details(details) for details in self.interpreter.get_input_details()]
        self.outputs = [_details(details) for details in self.interpreter.get_output_details()]

    def invoke(self, inputs):
        for index, x in zip(self.places, inputs, strict=True):
            self.interpreter.set_tensor(index, x)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(details["index"]) for details in self.interpreter.get_output_details()]


def _details(details):
    """The shape, the type and the scale and zero point of one input or output; a scale of 0 where it has not one."""
    scales, points = (details["quantization_parameters"][name] for name in ("scales", "zero_points"))
    quantization = (float(scales[0]), int(points[0])) if len(scales) == len(points) == 1 else (0.0, 0)
    return {
        "shape": list(map(int, details["shape"])),
        "dtype": np.dtype(details["dtype"]).name,
        "quantization": list(quantization),
    }


def _parsed(text):
    found = {part: re.search(rf"Arena allocation {part} (\d+) bytes", text) for part in ("head", "tail", "total")}
    if None in found.values():
        raise TFLMError(f"TFLM's allocator did not report its figures. It wrote: {reason(text)}")
    return Arena(**{part: int(match[1]) for part, match in found.items()})


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


def _log():
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return written(_LOG)


def _clear_log():
    _log()
    os.ftruncate(_LOG, 0)
    os.lseek(_LOG, 0, os.SEEK_SET)


def _address_space():
    """Bytes of address space that this process has taken, 0 where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _limit(start, memory):
    _lower(resource.RLIMIT_CORE, 0)  # a crash leaves no file
    _lower(resource.RLIMIT_FSIZE, 2**26)  # nor does a loop that prints fill the disk
    if memory is not None and start:
        _lower(resource.RLIMIT_AS, start + memory)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # should the machine run out of memory, this process ends and not its parent


def _lower(kind, limit):
    hard = resource.getrlimit(kind)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (limit, limit))
