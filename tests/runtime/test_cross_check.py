"""The cross-check tells files that compute the same from files that do not."""

import numpy as np
import pytest
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.interpreters.runtime import TFLMError, measure
from keras_unetmm.runtime.cross_check import INPUTS, OutputsDifferError, cross_check
from keras_unetmm.tflite import plan
from keras_unetmm.tflite_file.edit import File


def network(seed=0):
    """Two inputs, two outputs, a skip."""
    net = Network(seed)
    x, other = net.input(1, 8, 8, 4), net.input(1, 1, 1, 8)
    kept = net.conv(x, 8, (3, 3))
    small = net.depthwise(net.pool("MAX_POOL_2D", kept, stride=(2, 2)))
    large = net.resize("RESIZE_NEAREST_NEIGHBOR", small, 8, 8)
    return net.file(net.conv(net.binary("ADD", kept, large), 4), net.binary("MUL", other, net.constant(8)))


def with_offset(content, tensor, offset):
    """The file with another place for one tensor in its plan."""
    file = File(content)
    (entry,) = (entry for entry in file.model.metadata if entry.name == b"OfflineMemoryAllocation")
    offsets = np.frombuffer(bytes(file.model.buffers[entry.buffer].data), "<i4")[3:].tolist()
    file.set_plan({**{i: at for i, at in enumerate(offsets) if at >= 0}, tensor: offset})
    return file.packed()


def test_a_file_equals_itself_and_its_plan():
    content = network()
    tried = []
    cross_check(content, plan(content).planned.content, tried.append)
    assert tuple(tried) == INPUTS
    assert len(INPUTS) >= 5
    cross_check(content, content)


@pytest.mark.parametrize("build", [unusual.branches, unusual.loop, unusual.remembered, unusual.svdf, unusual.spectrum])
def test_unusual_files_equal_themselves(build):
    cross_check(build(), build())


def test_paths_are_read(tmp_path):
    (tmp_path / "a.tflite").write_bytes(network())
    cross_check(tmp_path / "a.tflite", network())
    with pytest.raises(OutputsDifferError):
        cross_check(tmp_path / "a.tflite", network(1))


@pytest.mark.parametrize("constant", [0, 2, 4])
def test_one_byte_of_the_weights_is_seen(constant):
    content = network()
    file = File(plan(content).planned.content)
    buffer = [buffer for buffer in file.model.buffers if buffer.data is not None and len(buffer.data) >= 32][constant // 2]
    buffer.data = np.array(buffer.data)
    buffer.data[7] ^= 0x40
    with pytest.raises(OutputsDifferError, match=r"the same bytes as the original. On the .* input, \d+ of \d+ values"):
        cross_check(content, file.packed())


def test_one_wrong_value_of_the_second_output_is_counted():
    content = network()
    file = File(content)
    constant = file.model.buffers[file.main.tensors[file.main.operators[-1].inputs[1]].buffer]
    constant.data = np.array(constant.data)
    constant.data[3] ^= 0x40
    with pytest.raises(OutputsDifferError, match="1 of 8 values of output 1 differ"):
        cross_check(content, file.packed())


def test_a_plan_whose_skip_is_overwritten_is_seen():
    content = files.unet()
    planned = plan(content).planned
    offsets = planned.placement.offsets
    cross_check(content, with_offset(planned.content, 1, offsets[1]))
    wrong = with_offset(planned.content, 3, offsets[1])  # a map of the branch, onto the skip around it
    measure(wrong)  # TFLM takes it without a word
    with pytest.raises(OutputsDifferError, match="please report it"):
        cross_check(content, wrong)
    with pytest.raises(OutputsDifferError, match="The original holds a plan of its own"):
        cross_check(wrong, planned.content)


@pytest.mark.parametrize(
    ("name", "limit", "other", "input_name"), [("MAXIMUM", -120, -122, "minimum"), ("MINIMUM", 120, 122, "maximum")]
)
def test_what_only_extreme_inputs_show_is_seen(name, limit, other, input_name):
    def build(limit):
        net = Network()
        mean = net.mean(net.input(1, 8, 8, 4), (1, 2, 3))
        return net.file(net.binary(name, mean, net.tensor((1,), data=np.array([limit], "int8"))))

    with pytest.raises(OutputsDifferError, match=f"On the all {input_name} input, 1 of 1 values"):
        cross_check(build(limit), build(other))


def test_other_shapes_and_files_that_cannot_run_are_refused():
    content = files.build([((1, 8), None), ((1, 8), None)], [("GELU", [0], [1], None)], [0], [1])
    with pytest.raises(TFLMError, match="no operator GELU"):
        cross_check(content, content)
    with pytest.raises(ValueError, match="x must hold one array for each"):
        cross_check(network(), files.unet())


@pytest.mark.parametrize("kind", ["int8", "int16", "float32"])
def test_values_of_every_type_are_compared(kind):
    def build(seed):
        net = Network(seed, kind)
        return net.file(net.conv(net.input(1, 4, 4, 2), 3))

    cross_check(build(0), build(0))
    with pytest.raises(OutputsDifferError):
        cross_check(build(0), build(1))
