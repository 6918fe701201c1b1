"""Damaged files are refused with a clear error or answered, and neither crash, nor hang, nor fill the memory.

By hand, other files and more mutants: `MUTANTS=2000 FILES="a.tflite b.tflite" pytest tests/tflite/test_damaged_files.py`.
One file although it is long: it runs itself as the process that may crash, with every way of damaging a file in it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.interpreters.runtime import RunError, run
from keras_unetmm.planner.planner import plan
from keras_unetmm.planner.report import report
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import PLAN, TFLiteFileError, read

MUTANTS = int(os.environ.get("MUTANTS", "160"))
FILES = os.environ.get("FILES", "").split()
SEED = int(os.environ.get("SEED", "0"))
SECONDS, MEMORY = 10, 2**30  # a file, and bytes
LARGEST = 2**22  # bytes of the arena of files whose outputs are compared
ABSURD = [-1, 0, 1, 2, 3, 127, 2**16, 2**31 - 1, -(2**31)]


class Hung(BaseException):
    """Nothing under test catches it."""


def gate(seed=0):
    net = Network(seed)
    x = net.input(1, 8, 8, 4)
    left, right = net.split(net.depthwise(net.conv(x, 16)))
    y = net.transposed(net.binary("MUL", left, right, scale=1 / 16), 4)
    return net.file(net.binary("ADD", y, net.mean(y, (1, 2))), x)


def samples():
    """Sound files of all sorts, one with a plan in it."""
    found = [gate(), files.unet(), files.tangle(3), unusual.branches(), unusual.loop(), unusual.remembered()]
    return [*found, unusual.svdf(), plan(gate()).planned.content]


def bytes_changed(rng, content):
    """Bits flipped, words that mean much elsewhere, a part missing."""
    changed = bytearray(content)
    places = [int(p) for p in rng.integers(8, len(content) - 4, rng.integers(1, 6))]
    kind = rng.integers(4)
    for place in places:
        if kind == 0:
            changed[place] ^= 1 << rng.integers(8)
        elif kind == 1:
            changed[place // 4 * 4 :][:4] = b""
            changed[place // 4 * 4 : place // 4 * 4] = int(rng.choice(ABSURD) % 2**32).to_bytes(4, "little")
        elif kind == 2:
            changed[place : place + 8] = rng.bytes(8)
    return bytes(changed[: places[0]] if kind == 3 else changed[: len(content)])


def _shape(rng, graph, model):
    tensor = rng.choice(graph.tensors)
    shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    if shape and rng.random() < 0.7:
        shape[rng.integers(len(shape))] = int(rng.choice(ABSURD))
    else:
        shape = [int(size) for size in rng.choice(ABSURD, rng.integers(9))]
    tensor.shape = shape


def _type(rng, graph, model):
    rng.choice(graph.tensors).type = int(rng.integers(20))


def _buffer(rng, graph, model):
    rng.choice(graph.tensors).buffer = int(rng.choice([0, len(model.buffers), *range(len(model.buffers))]))


def _quantization(rng, graph, model):
    quantization = schema.QuantizationParametersT()
    quantization.scale = rng.choice([0, -1, 1e-30, 1e30, np.nan, np.inf, 0.1], rng.integers(3))
    quantization.zeroPoint = rng.choice(ABSURD, rng.integers(3))
    quantization.quantizedDimension = int(rng.choice(ABSURD))
    rng.choice(graph.tensors).quantization = quantization if rng.random() < 0.8 else None


def _variable(rng, graph, model):
    rng.choice(graph.tensors).isVariable = True


def _wire(rng, graph, model):
    """An operator reads or writes other tensors: cycles, tensors made twice, constants made, far too few, far too many."""
    owner = rng.choice([graph, *(graph.operators or [])])
    name = rng.choice(["inputs", "outputs"])
    indices = [int(i) for i in (getattr(owner, name) if getattr(owner, name) is not None else [])]
    some = int(rng.integers(-2, len(graph.tensors) + 2))
    match rng.integers(4):
        case 0 if indices:
            indices[rng.integers(len(indices))] = some
        case 1:
            indices.append(some)
        case 2:
            indices = indices[:-1]
        case _:
            indices = [int(i) for i in rng.integers(0, len(graph.tensors), rng.integers(30))]
    setattr(owner, name, indices)


def _order(rng, graph, model):
    rng.shuffle(graph.operators)


def _operator(rng, graph, model):
    code = rng.choice(model.operatorCodes)
    code.builtinCode = int(rng.choice([0, 3, 4, 32, 67, 118, 119, 206, 2**20, *range(0, 160, 7)]))
    code.deprecatedBuiltinCode = int(min(code.builtinCode, 127))


def _options(rng, graph, model):
    operator = rng.choice(graph.operators)
    if operator.builtinOptions is None or rng.random() < 0.2:
        operator.builtinOptions, operator.builtinOptionsType = None, 0
        return
    names = [name for name, value in vars(operator.builtinOptions).items() if isinstance(value, (int, np.integer))]
    for name in names[:: rng.integers(1, 3)]:
        setattr(operator.builtinOptions, name, int(rng.choice(ABSURD)))


def _data(rng, graph, model):
    buffer = rng.choice(model.buffers)
    numbers = rng.choice(ABSURD, rng.integers(9)).astype("<i4")
    buffer.data = None if rng.random() < 0.3 else np.frombuffer(numbers.tobytes(), "uint8")


def _plan(rng, graph, model):
    count = sum(len(graph.tensors) for graph in model.subgraphs)
    words = [1, len(model.subgraphs), count, *(16 * rng.integers(-1, 100, count))]
    for _ in range(rng.integers(3)):
        words[rng.integers(len(words))] = int(rng.choice([*ABSURD, 8, 2**30]))
    words = words[: rng.integers(len(words) + 1)] if rng.random() < 0.2 else words
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(np.array(words, "<i4").tobytes(), "uint8")
    entry.name, entry.buffer = "OfflineMemoryAllocation", len(model.buffers) + int(rng.random() < 0.1)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]


CHANGES = [_shape, _type, _buffer, _quantization, _variable, _wire, _wire, _order, _operator, _options, _data, _plan, _plan]


def tables_changed(rng, content):
    """The file put together again with a few of its tables changed; and what was changed."""
    model = schema.ModelT.InitFromPackedBuf(content)
    changes = [CHANGES[i] for i in rng.integers(len(CHANGES), size=rng.integers(1, 4))]
    for change in changes:
        change(rng, model.subgraphs[rng.integers(len(model.subgraphs))], model)
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    except Exception:  # a number that the schema has no room for
        return content
    return bytes(builder.Output())


def mutants(contents, count, seed):
    """Damaged copies, half of them by the byte and half by the table, each with the sound file."""
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        damage, content = bytes_changed if i % 2 else tables_changed, contents[i // 2 % len(contents)]
        yield damage(rng, content), content


def spread(content, backwards):
    """The file with a place of its own for every tensor, far from the others, and one more input, which lies over all."""
    model, file, offsets, top = read(content), File(content), {}, 0
    number = sum(len(graph.tensors) for graph in model.graphs[:1])  # the new input's, the main graph's last
    numbered = list(enumerate(tensor for graph in model.graphs for tensor in graph.tensors))
    for i, tensor in reversed(numbered) if backwards else numbered:
        if tensor.arena_bytes and not tensor.variable:
            offsets[i + (i >= number)] = top
            top += -(-tensor.arena_bytes // 16) * 16 + 1024
    if top > LARGEST:
        raise RunError("too large")
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer, tensor.name = [1, top], schema.TensorType.INT8, 0, "everything"
    file.main.tensors.append(tensor)
    file.main.inputs = [number, *file.main.inputs]
    file.set_plan({**offsets, number: 0})
    return file.packed(), top


def without_plan(content):
    file = File(content)
    file.remove_plan()
    return file.packed()


def kernels_know(content):
    """What kernels take for granted: with other shapes they read and write past the ends of their tensors."""
    graphs = read(content).graphs
    return [[(t.shape, t.type) for t in g.tensors] for g in graphs], [[op.name for op in g.operators] for g in graphs]


def wrong_outputs(content, planned):
    """How a planned file's outputs differ, if the file's own mean anything.

    They do if they are the same wherever its tensors lie, and whatever the arena holds before.
    """
    rng, kinds = np.random.default_rng(0), {"BOOL": "bool", "FLOAT32": "float32"}
    tensors = [read(content).main.tensors[i] for i in read(content).main.inputs]
    arrays = [rng.integers(0, 2, t.shape).astype(kinds.get(t.type, t.type.lower())) for t in tensors]
    try:
        layouts = [spread(content, backwards) for backwards in (False, True, False)]
        filled = [(layout, [rng.integers(-128, 128, (1, top)).astype("int8"), *arrays]) for layout, top in layouts]
        filled.append((without_plan(content), arrays))
        first, *others = [[output.tobytes() for output in run(*pair).outputs] for pair in filled]
    except (RunError, ValueError, TypeError):
        return None
    if any(other != first for other in others):
        return None
    results = [output.tobytes() for output in run(planned, arrays).outputs]
    return None if results == first else "outputs differ"


def answered(content):
    """Plans and reports a file; returns how that ended, "refused", "answered" or what is wrong; and the `Plan`."""
    try:
        found, result = report(content)
        plan(content, "reference", seconds=0.1)
    except TFLiteFileError:
        return "refused", None
    if found.planned is None:
        return "answered" if found.why_not_planned else "no plan, and no reason", None
    measured, planned = result["as_is"]["measured"], result["planned"]["measured"]
    if measured and measured["head"] != found.greedy_head and not plan_is_cut(content):
        return f"predicted {found.greedy_head}, measured {measured}", found
    if planned and planned["head"] != found.planned.head:
        return f"planned {found.planned.head}, measured {planned}", found
    if measured and not planned:
        return f"TFLM runs it as it is and not planned: {result['why_not_measured']}", found
    return "answered", found if measured else None


def plan_is_cut(content):
    """Whether the file has a plan that ends too early: TFLM reads on, whatever comes."""
    model = schema.ModelT.InitFromPackedBuf(content)
    return read(content).offsets is None and any(entry.name == PLAN for entry in model.metadata or [])


def work(kept):
    """Answers all mutants, in a process of its own: prints what became of each as a line of JSON, keeps the bad ones."""

    def hang(number, frame):
        raise Hung

    signal.signal(signal.SIGPROF, hang)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    contents = [Path(name).read_bytes() for name in FILES] or samples()
    for i, (content, sound) in enumerate(mutants(contents, MUTANTS, SEED)):
        begin = time.monotonic()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # this process's own time; the interpreters' is limited by `runtime`
        try:
            outcome, found = answered(content)
        except (Hung, Exception) as error:
            outcome, found = "".join(traceback.format_exception(error)), None
        signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.monotonic() - begin
        if outcome == "answered" and found and kernels_know(content) == kernels_know(sound):
            outcome = wrong_outputs(content, found.planned.content) or outcome
        if outcome not in ("refused", "answered"):
            (kept / f"mutant{SEED}_{i}.tflite").write_bytes(content)
        memory = _peak_memory()
        print(json.dumps([i, outcome, round(seconds, 2), memory]), flush=True)


def _peak_memory():
    """Bytes that this process held at most, not counting what started it, as getrusage does."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def test_damaged_files_are_refused_or_answered(tmp_path):
    code = f"import pathlib; from tflite.test_damaged_files import work; work(pathlib.Path({str(tmp_path)!r}))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    outcomes = [json.loads(line) for line in process.stdout.splitlines()]
    (tmp_path / "outcomes.json").write_text(json.dumps(outcomes, indent=0))
    assert process.returncode == 0, process.stderr[-2000:]
    wrong = [(i, outcome) for i, outcome, *_ in outcomes if outcome not in ("refused", "answered")]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}, kept in {tmp_path}:\n" + "\n".join(f"{i}: {o}" for i, o in wrong)
    assert len(outcomes) == MUTANTS
    refused = [outcome for _, outcome, *_ in outcomes].count("refused")
    assert MUTANTS / 10 < refused < MUTANTS
    assert max(memory for *_, memory in outcomes) < MEMORY


@pytest.mark.parametrize("content", samples(), ids=lambda content: f"{len(content)} bytes")
def test_sound_files_are_answered(content):
    outcome, found = answered(content)
    assert outcome == "answered"
    assert wrong_outputs(content, found.planned.content) is None


def test_wrong_outputs_are_noticed():
    assert wrong_outputs(gate(), gate(1)) == "outputs differ"
    assert wrong_outputs(unusual.loop(), unusual.loop(4)) == "outputs differ"
