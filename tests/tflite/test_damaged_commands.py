"""Commands on damaged files of every operator: an answer, or an error of ours that names the damage.

The commands are `plan`, `check`, `tile` and `firmware`.

By hand, more of them: `MUTANTS=5000 SEED=1 pytest tests/tflite/test_damaged_commands.py`. The mutants are those of
`test_damaged_files`, and some more that are aimed at the numbers operators divide by, index with and allocate.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
import tracemalloc
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import operators, unusual
from tflite.network import Network
from tflite.test_damaged_files import ABSURD, Hung, bytes_changed, tables_changed
from tflite.tiling.networks import bottleneck, encoder_decoder

from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.engine.lower import EngineError
from keras_unetmm.engine.schedule import rows, whole
from keras_unetmm.engine.sources import hosted_sources
from keras_unetmm.firmware.write import candidates
from keras_unetmm.interpreters.runtime import RunError, trace
from keras_unetmm.planner.planner import plan
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file.graph import TFLiteFileError
from keras_unetmm.tflite_file.metadata import metadata
from keras_unetmm.tiling.analyse import TilingError
from keras_unetmm.tiling.tile import tile, trade_off

MUTANTS = int(os.environ.get("MUTANTS", "180"))
SEED = int(os.environ.get("SEED", "0"))
SECONDS, MEMORY = 10, 2**30  # of this process's own, a file; bytes
OURS = (TFLiteFileError, TilingError, RunError, EngineError)
TARGETS = ("tflm", "litert", "coral", "ethos-u55", "ethos-u85")
SIZES = [0, 1, 2, 3, 5, 255, 2**10, 30_000, 2**16, 2**20, 2**31 - 1]


def planned(content):
    return plan(content, "any", seconds=0.05).planned or True


def checked(content):
    return [check(content, target, compile=False) for target in TARGETS]


def cut(content):
    metadata(content)
    return tile(content, (32, 24), tile=16)


def tabled(content):
    return next(iter(trade_off(content, (32, 24), skips="mixed", border="same")[0]))


def generated(content):
    """The C of `firmware`, by rows and by whole maps; not compiled here; images of millions of pixels take long."""
    network = candidates(integer_io(content))[0].network
    if sum(op.pixels for op in network.operators) > 2**18:
        return "large"
    return [hosted_sources(kind(network, seconds=0.02)) for kind in (rows, whole)]


def traced(content):
    return list(trace(content, []))


def sounds():
    """Pairs of sound files and what is asked of them."""
    zoo = [operators.file_of(name) for name in operators.NAMES]
    others = [unusual.branches(), unusual.loop(), unusual.remembered(), unusual.svdf(), unusual.spectrum()]
    networks = [encoder_decoder(seed, (32, 24), whole=bool(seed % 2), zeros=True) for seed in range(4)]
    networks += [bottleneck(seed) for seed in range(4)]
    pairs = [(content, ask) for content in (*zoo, *others, *networks) for ask in (planned, checked, generated)]
    return pairs + [(content, ask) for content in networks for ask in (cut, tabled, traced)] * 4


def one_number(rng, content):
    """One option, size, constant or edge of one operator is another number, and nothing else."""
    model = schema.ModelT.InitFromPackedBuf(content)
    graph = model.subgraphs[rng.integers(len(model.subgraphs))]
    operator = rng.choice(graph.operators)
    indices = [int(i) for part in (operator.inputs, operator.outputs) if part is not None for i in part if i >= 0]
    tensor = graph.tensors[rng.choice(indices)] if indices else graph.tensors[0]
    match rng.integers(6):
        case 0 if operator.builtinOptions is not None:
            fields = [name for name, value in vars(operator.builtinOptions).items() if isinstance(value, int)]
            if fields:
                setattr(operator.builtinOptions, str(rng.choice(fields)), int(rng.choice([*ABSURD, -2, 7])))
        case 1:
            shape = [int(size) for size in (tensor.shape if tensor.shape is not None else ())]
            if shape:
                shape[rng.integers(len(shape))] = int(rng.choice(SIZES))
            tensor.shape = shape
        case 2:  # of all maps alike, so that sizes still fit each other
            for other in graph.tensors:
                if not other.buffer and other.shape is not None and len(other.shape) == 4:
                    other.shape = [other.shape[0], *(int(s) for s in rng.choice(SIZES, 2)), other.shape[3]]
        case 3:
            buffer = model.buffers[tensor.buffer]
            if buffer.data is not None and len(buffer.data) % 4 == 0 and len(buffer.data):
                numbers = np.frombuffer(bytes(bytearray(buffer.data)), "<i4").copy()
                numbers[rng.integers(len(numbers))] = rng.choice([*ABSURD, 7, -5])
                buffer.data = np.frombuffer(numbers.tobytes(), "uint8")
        case 4:
            owner = str(rng.choice(["inputs", "outputs"]))
            edges = [int(i) for i in (getattr(operator, owner) if getattr(operator, owner) is not None else ())]
            if edges:
                edges[rng.integers(len(edges))] = int(rng.integers(-1, len(graph.tensors)))
                setattr(operator, owner, edges[: len(edges) - int(rng.integers(2))])
        case _:
            operator.customOptions = np.frombuffer(rng.bytes(rng.integers(1, 40)), "uint8")
            tensor.shape = [int(size) for size in (tensor.shape if tensor.shape is not None else ())][: rng.integers(5)]
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    except Exception:  # a number that the schema has no room for
        return content
    return bytes(builder.Output())


def mutants(pairs, count, seed):
    """Damaged files, and what is asked of each."""
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        content, ask = pairs[rng.integers(len(pairs))]
        damage = (one_number, one_number, tables_changed, bytes_changed)[i % 4]
        yield damage(rng, content), ask


def outcome_of(content, ask):
    """`"answered"`, `"refused"`, or the traceback of what is no error of ours."""
    try:
        ask(content)
    except OURS:
        return "refused"
    except (Hung, Exception) as error:
        return "".join(traceback.format_exception(error))
    return "answered"


def work(kept):
    """Asks of all mutants, in a process of its own, and prints a line of JSON for each; keeps those that went wrong."""

    def hang(number, frame):
        raise Hung

    signal.signal(signal.SIGPROF, hang)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    for i, (content, ask) in enumerate(mutants(sounds(), MUTANTS, SEED)):
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome = outcome_of(content, ask)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if outcome not in ("refused", "answered"):
            (kept / f"{ask.__name__}{SEED}_{i}.tflite").write_bytes(content)
        print(json.dumps([i, ask.__name__, outcome, round(time.process_time() - begin, 2)]), flush=True)
    status = Path("/proc/self/status").read_text()  # whose peak begins with the program; getrusage's takes in the parent's
    own = 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    children = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps(["memory", own, children, 0]), flush=True)


def test_commands_on_damaged_files(tmp_path):
    code = f"import pathlib; from tflite.test_damaged_commands import work; work(pathlib.Path({str(tmp_path)!r}))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    *outcomes, (_, own, _, _) = [json.loads(line) for line in process.stdout.splitlines()]
    (tmp_path / "outcomes.json").write_text(json.dumps(outcomes, indent=0))
    wrong = [(i, ask, outcome) for i, ask, outcome, _ in outcomes if outcome not in ("refused", "answered")]
    said = "\n".join(f"{i}: {ask}: {outcome}" for i, ask, outcome in wrong)
    assert not wrong, f"{len(wrong)} of {len(outcomes)}, kept in {tmp_path}:\n{said}"
    assert len(outcomes) == MUTANTS
    assert MUTANTS / 10 < [outcome for _, _, outcome, _ in outcomes].count("refused") < MUTANTS * 9 / 10
    assert own < MEMORY


@pytest.mark.parametrize("ask", [planned, checked, generated, cut, tabled])
def test_sound_files_are_answered(ask):
    assert ask(encoder_decoder(0, (32, 24), zeros=True))


def pool(height, width, channels=1):
    net = Network()
    x = net.input(1, height, width, channels)
    return net.file(net.pool("MAX_POOL_2D", x, (3, 3), stride=(1, 1)))


@pytest.mark.parametrize(
    "size", [(30_000, 30_000), (2**15, 2**15), (1, 2**30), (2**20, 2**20, 0), (2**31 - 1, 2**31 - 1, 9)]
)
@pytest.mark.parametrize("ask", [planned, checked])
def test_memory_is_bounded_whatever_the_shapes_say(size, ask):
    tracemalloc.start()
    assert outcome_of(pool(*size), ask) in ("answered", "refused")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**28


def test_a_map_too_large_to_prove_an_overlap_of_is_planned_without():
    found = plan(pool(30_000, 30_000), seconds=0.05)
    assert found.why_not_planned is None
    assert found.planned.head == found.greedy_head
