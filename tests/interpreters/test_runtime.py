import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm import tflite
from keras_unetmm.interpreters import runtime
from keras_unetmm.interpreters.runtime import RUNTIMES, RunError, TFLMError, measure
from keras_unetmm.tflite_file.graph import TFLiteFileError


def image(seed=0):
    return np.random.default_rng(seed).integers(-128, 128, (8, 8, 4)).astype("int8")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_runs_are_what_the_operators_say(runtime):
    content, x = files.chain(1), image()
    result = tflite.run(content, x, runtime)
    (output,), (values,) = result.outputs, result.values
    assert output.shape == (1, 8, 8, 4)
    assert output.dtype == np.int8
    np.testing.assert_array_equal(output[0], np.maximum(x, 0))
    np.testing.assert_array_equal(values[0], np.maximum(x, 0) / np.float32(64))
    assert (result.arena is None) == (runtime != "tflm")


def test_floats_are_quantised_and_several_images_are_run():
    content = files.unet()
    images = np.stack([image(seed) for seed in range(3)])
    by_bytes = tflite.run(content, images)
    by_floats = tflite.run(content, images / np.float32(64))
    np.testing.assert_array_equal(by_bytes.outputs[0], by_floats.outputs[0])
    for i in range(3):
        np.testing.assert_array_equal(by_bytes.outputs[0][i : i + 1], tflite.run(content, images[i]).outputs[0])


def test_TFLM_equals_the_reference_kernels():
    for content in (files.unet(), files.chain(4)):
        np.testing.assert_array_equal(
            tflite.run(content, image()).outputs[0], tflite.run(content, image(), "litert-reference").outputs[0]
        )


def test_measured_parts_add_up():
    arena = measure(files.unet())
    assert arena.head + arena.tail == arena.total
    assert arena == tflite.run(files.unet(), image()).arena


def test_an_arena_too_small_is_refused_with_what_it_takes():
    needed = measure(files.unet()).total
    with pytest.raises(TFLMError, match=f"arena_bytes=600 is too small for this file.*takes {needed:,} bytes"):
        tflite.run(files.unet(), image(), arena_bytes=600)
    assert tflite.run(files.unet(), image(), arena_bytes=4 * needed).arena.total == needed


def test_an_operator_that_TFLM_lacks_is_named():
    content = files.build([((1, 8), None), ((1, 8), None)], [("GELU", [0], [1], None)], [0], [1])
    with pytest.raises(TFLMError, match="TFLM has no operator GELU"):
        measure(content)


def test_a_cut_file_never_reaches_the_interpreter():
    content = files.unet()
    for length in (0, 20, len(content) // 2, len(content) - 1):
        with pytest.raises(TFLiteFileError):
            measure(content[:length])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((8, 8, 3), "float32"), r"x must have the shape \(8, 8, 4\).*Received: \(8, 8, 3\)"),
        (np.zeros((0, 8, 8, 4), "float32"), r"x must have the shape"),
        (np.zeros((8, 8, 4), "uint8"), r"finite floats or int8\. Received: uint8"),
        (np.full((8, 8, 4), np.nan, "float32"), r"finite floats"),
        ([np.zeros((8, 8, 4), "float32")] * 2, r"one array for each of the file's 1 inputs\. Received: 2"),
    ],
    ids=["shape", "empty", "type", "nan", "count"],
)
def test_an_input_that_does_not_fit_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        tflite.run(files.unet(), x)


def test_an_unknown_runtime_is_refused():
    with pytest.raises(ValueError, match="runtime must be one of 'tflm', 'litert', 'litert-reference'"):
        tflite.run(files.unet(), image(), "tvm")


def test_a_scalar_output_is_one_value_an_image():
    mean = ((3,), np.array([0, 1, 2], "int32"))
    content = files.build([((1, 2, 2), None), ((), None), mean], [("MEAN", [0, 2], [1], schema.ReducerOptionsT())], [0], [1])
    assert tflite.run(content, np.full((3, 2, 2), 7, "int8")).outputs[0].tolist() == [7, 7, 7]


def test_a_channel_axis_that_nobody_reads_is_no_damage():
    model = schema.ModelT.InitFromPackedBuf(files.convolutions())
    model.subgraphs[0].tensors[2].quantization.quantizedDimension = 3  # the bias has one dimension
    builder = files.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    assert measure(bytes(builder.Output())) == measure(files.convolutions())


def test_files_that_take_turns_keep_their_figures():
    contents = [files.chain(length) for length in range(1, 8)]
    first = [(measure(content), tflite.run(content, image()).outputs[0]) for content in contents]
    for content, (arena, output) in zip(contents[::-1], first[::-1], strict=True):
        assert measure(content) == arena
        np.testing.assert_array_equal(tflite.run(content, image()).outputs[0], output)


def test_what_runs_once_runs_once_a_run():
    content = unusual.remembered()
    first, second = (tflite.run(content, np.stack([files.inputs(content)[0][0]] * 2)).outputs[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()  # the second image is added to the sum that the first one left


def test_what_no_arena_holds_is_refused():
    with pytest.raises(TFLMError, match="cannot allocate the file in an arena of 536,870,912 bytes"):
        measure(files.chain(1, (1, 30_000, 30_000, 1)))
    with pytest.raises(ValueError, match=r"from 1 to 536,870,912\. Received: 2,147,483,647"):
        measure(files.unet(), 2**31 - 1)


@pytest.fixture
def stopped():
    """The process id of an interpreter process that has been stopped, so that it does not answer."""
    measure(files.unet())
    pid = runtime._children["tflm"].process.pid
    os.kill(pid, signal.SIGSTOP)
    yield pid
    assert measure(files.unet()).total > 0  # the next one answers,
    assert runtime._children["tflm"].process.pid != pid
    with pytest.raises(ChildProcessError):  # and of the first nothing is left
        os.waitpid(pid, os.WNOHANG)


def test_a_crash_is_told_and_the_next_file_runs(stopped):
    threading.Timer(0.2, os.kill, (stopped, signal.SIGKILL)).start()
    with pytest.raises(TFLMError, match=r"TFLM crashed \(signal 9\) before it had prepared the file: .* Convert it again"):
        measure(files.unet())


def abrupt(length=3):
    """A softmax behind some operators, on a scale so small that TFLM aborts: an untrained network's."""
    net = Network()
    x = net.input(1, 4)
    for _ in range(length):
        x = net.unary("RELU", x, scale=7.8e-9, zero_point=0)
    return net.file(net.unary("RELU", net.unary("SOFTMAX", x, scale=1 / 256, zero_point=-128)))


def test_the_operator_at_which_tflm_aborts_is_named():
    with pytest.raises(TFLMError, match=r"crashed .* aborts .* at operator 6, SOFTMAX") as caught:
        measure(abrupt(6))
    assert caught.value.operator == (6, "SOFTMAX")
    assert "file is damaged" not in str(caught.value)
    verdict = tflite.check(abrupt(1), "tflm")
    assert [operator.verdict for operator in verdict.operators] == ["supported", "unsupported", "supported"]
    assert "aborts on it (signal 6)" in verdict.operators[1].why
    assert measure(files.unet()).total > 0


def test_an_operator_at_which_only_a_run_aborts_is_named():
    net = Network()
    x = net.unary("RELU", net.input(1, 2000), scale=1 / 64, zero_point=0)  # equally likely classes, too many to add up
    y = net.unary("SOFTMAX", x, scale=1 / 256, zero_point=-128)
    content = net.file(net.unary("RELU", y))
    assert measure(content).total > 0
    with pytest.raises(TFLMError, match=r"before it had run the file.*at operator 1, SOFTMAX"):
        tflite.run(content, np.zeros((1, 2000), "int8"))


def test_a_hang_is_ended(stopped, monkeypatch):
    monkeypatch.setattr(runtime, "_PREPARE_SECONDS", 0.2)
    with pytest.raises(TFLMError, match="TFLM hung: it had not prepared the file"):
        measure(files.unet())
    monkeypatch.undo()


def test_a_run_that_hangs_is_ended(monkeypatch):
    def stop(x, inputs, batches=runtime.batches):
        os.kill(runtime._children["tflm"].process.pid, signal.SIGSTOP)
        return batches(x, inputs)

    monkeypatch.setattr(runtime, "batches", stop)
    monkeypatch.setattr(runtime, "_run_seconds", lambda content: 0.2)
    with pytest.raises(TFLMError, match="TFLM hung: it had not run the file"):
        tflite.run(files.unet(), image())
    monkeypatch.undo()
    assert tflite.run(files.unet(), image()).arena == measure(files.unet())


def test_control_c_ends_the_process_too(stopped):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            measure(files.unet())
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_fork_starts_its_own_process_and_none_outlives_its_parent():
    code = (
        "import os, sys; from keras_unetmm.interpreters import runtime; from tflite import files; "
        "ask = lambda: (runtime.measure(files.unet()).total, runtime._children['tflm'].process.pid); "
        "first = ask(); read, write = os.pipe(); fork = os.fork(); "
        "fork or (os.write(write, repr(ask()).encode()), runtime._children['tflm'].end(), os._exit(0)); "
        "os.waitpid(fork, 0); assert ask() == first; print([first, eval(os.read(read, 999))])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (total, pid), (total_of_fork, pid_of_fork) = eval(parent.stdout)
    assert total == total_of_fork
    assert pid != pid_of_fork
    for number in (pid, pid_of_fork):
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def mutants(content, count, seed):
    """Copies of which bytes are flipped, the end is missing, or a word holds a number that means much elsewhere."""
    generator = np.random.default_rng(seed)
    for i in range(count):
        changed = bytearray(content)
        places = generator.integers(8, len(content) - 4, generator.integers(1, 6))
        for place in places.tolist():
            if i % 3 == 0:
                changed[place] ^= 1 << generator.integers(8)
            elif i % 3 == 1:
                number = int(generator.choice([0, 1, 127, 2**16, 2**31 - 1, 2**32 - 1]))
                changed[place // 4 * 4 : place // 4 * 4 + 4] = number.to_bytes(4, "little")
        yield bytes(changed[: places[0]] if i % 30 == 2 else changed[:-4] if i % 3 == 2 else changed)


@pytest.mark.parametrize(("content", "shape"), [(files.unet(), (8, 8, 4)), (files.convolutions(), (8, 12, 2))])
def test_damaged_files_hurt_nobody(content, shape):
    arena, refused = measure(content), 0
    for mutant in mutants(content, 150, seed=0):
        for call in (measure, lambda mutant: tflite.run(mutant, np.ones(shape, "float32"))):
            try:
                call(mutant)
            except (RunError, TFLiteFileError, ValueError):
                refused += 1
    assert refused > 100
    assert measure(content) == arena
