"""Files read and written, planned, pruned and grown.

One file although it is long: all of it compares the same file, with everything in it that no operator needs.
"""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.interpreters import runtime
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import PLAN, read


def described():
    """A file with metadata, signatures and everything else that no operator needs."""
    file = File(files.unet())
    file.model.description, file.model.metadataBuffer = b"what it is", [file.add_buffer(np.arange(5, dtype="uint8"))]
    entry = schema.MetadataT()
    entry.name, entry.buffer = b"min_runtime_version", file.add_buffer(np.frombuffer(b"1.5.0", "uint8"))
    file.model.metadata = [entry]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [_named(b"image", 0)], [_named(b"result", 6)]
    file.model.signatureDefs = [signature]
    file.main.name, file.main.tensors[3].shapeSignature = b"main", np.array([-1, 4, 4, 4], "int32")
    quantization = file.main.tensors[3].quantization
    quantization.min, quantization.max = np.array([-2], "float32"), np.array([2], "float32")
    return file.packed()


def _named(name, index):
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry


def planned():
    file = File(files.unet())
    file.set_plan({0: 0, 1: 256, 2: 512, 3: 576, 4: 512, 5: 0, 6: 640})
    return file.packed()


def large():
    """A convolution whose weights take 4 MiB."""
    net = Network()
    return net.file(net.conv(net.input(1, 2, 2, 1024), 4096))


FILES = {
    "chain": files.chain(3),
    "per-channel weights": files.convolutions(),
    "several outputs": files.tangle(4),
    "tangle": files.tangle(11),
    "branches": unusual.branches(),
    "loop": unusual.loop(),
    "remembered": unusual.remembered(),
    "variable tensors": unusual.svdf(),
    "custom operator": unusual.spectrum(),
    "described": described(),
    "planned": planned(),
    "large": large(),
}


def tree(value):
    """Everything that an object of the schema holds, in a form that can be compared."""
    if hasattr(value, "__dict__"):
        return type(value).__name__.removeprefix("_Aligned").removesuffix("T"), {
            name: tree(part) for name, part in vars(value).items()
        }
    if isinstance(value, (list, np.ndarray)):
        return [tree(part) for part in value] if isinstance(value, list) else value.tobytes()
    return value


def unpacked(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def runs_alike(before, after):
    """Whether both give the same outputs and take the same memory."""
    alike = all(files.outputs(before, seed) == files.outputs(after, seed) for seed in range(2))
    return alike and runtime.measure(before) == runtime.measure(after)


@pytest.mark.parametrize("name", FILES)
def test_a_file_read_and_written_loses_nothing(name):
    content = FILES[name]
    written = File(content).packed()
    assert tree(unpacked(written)) == tree(unpacked(content))
    assert runs_alike(content, written)
    assert File(written).packed() == written


@pytest.mark.parametrize("name", FILES)
def test_constants_are_aligned_in_the_file(name):
    written = File(FILES[name]).packed()
    model, count = schema.Model.GetRootAs(written), 0
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        if buffer.DataLength():
            assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0
            count += 1
    assert count == sum(buffer.data is not None and len(buffer.data) > 0 for buffer in File(written).model.buffers)


def behind_the_tables(content):
    """The file as converters write those over 2 GiB: constants and custom options after the tables, at an offset."""
    model = unpacked(content)
    constants = [None if buffer.data is None else bytes(buffer.data) for buffer in model.buffers]
    options = [bytes(op.customOptions) if op.customOptions is not None else None for op in model.subgraphs[0].operators]
    positions = [2**31] * (len(constants) + len(options))
    for _ in range(2):  # once for the length of the tables, once with the right offsets
        for buffer, data, position in zip(model.buffers, constants, positions, strict=False):
            if data is not None:
                buffer.data, buffer.offset, buffer.size = None, position, len(data)
        for operator, data, position in zip(model.subgraphs[0].operators, options, positions[len(constants) :], strict=True):
            if data is not None:
                operator.customOptions = None
                operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize = position, len(data)
        builder = files.flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        tables, rest, positions = bytes(builder.Output()), b"", []
        for data in (*constants, *options):
            rest += bytes(-len(rest) % 16)
            positions.append(len(tables) + len(rest))
            rest += data or b""
    return tables + rest


@pytest.mark.parametrize("name", ["per-channel weights", "custom operator", "described"])
def test_what_lies_behind_the_tables_is_taken_in(name):
    far = behind_the_tables(FILES[name])
    assert all(buffer.data is None for buffer in unpacked(far).buffers)
    assert tree(unpacked(File(far).packed())) == tree(unpacked(FILES[name]))
    assert runs_alike(FILES[name], File(far).packed())


@pytest.mark.parametrize("name", ["several outputs", "tangle", "per-channel weights", "remembered"])
def test_reordered_files_give_the_same_outputs(name):
    file, rng = File(FILES[name]), np.random.default_rng(0)
    graph, done, positions = read(FILES[name]).main, set(), []
    keep_order = name == "remembered"
    made_by = {index: position for position, op in enumerate(graph.operators) for index in op.outputs}
    while len(positions) < len(graph.operators):
        ready = [
            position
            for position, op in enumerate(graph.operators)
            if position not in done and all(made_by.get(index, -1) in {-1, *done} for index in op.inputs)
        ]
        positions.append(int(ready[0] if keep_order else rng.choice(ready)))
        done.add(positions[-1])
    file.reorder(positions)
    written = read(file.packed())
    assert [op.outputs for op in written.main.operators] == [graph.operators[p].outputs for p in positions]
    assert files.outputs(file.packed()) == files.outputs(FILES[name])
    assert (positions == sorted(positions)) == (name in ("remembered", "per-channel weights"))


# plans


def plans(content):
    model = unpacked(content)
    entries = [entry for entry in model.metadata or [] if entry.name == PLAN]
    return [np.frombuffer(model.buffers[entry.buffer].data.tobytes(), "<i4").tolist() for entry in entries]


@pytest.mark.parametrize("name", FILES)
def test_a_plan_names_every_tensor_of_all_graphs(name):
    file = File(FILES[name])
    count = sum(len(graph.tensors) for graph in file.model.subgraphs)
    file.set_plan({0: 64, count - 1: 32})
    expected = [64, *[-1] * (count - 2), 32] if count > 1 else [64]
    assert plans(file.packed()) == [[1, len(file.model.subgraphs), count, *expected]]
    assert read(file.packed()).offsets == tuple(expected)


def test_a_plan_replaces_the_one_before():
    file = File(planned())
    file.set_plan({0: 16})
    file.set_plan({0: 2048, 1: 0})
    content = file.packed()
    assert plans(content) == [[1, 1, 8, 2048, 0, *[-1] * 6]]
    assert plans(File(content).packed()) == plans(content)
    assert runtime.measure(content).head == 2048 + 256  # TFLM obeys it


def test_a_plan_leaves_other_metadata_alone():
    file = File(described())
    file.set_plan({0: 16})
    model = unpacked(file.packed())
    assert [entry.name for entry in model.metadata] == [b"min_runtime_version", PLAN]
    assert bytes(model.buffers[model.metadata[0].buffer].data) == b"1.5.0"
    file.remove_plan()
    assert [entry.name for entry in unpacked(file.packed()).metadata] == [b"min_runtime_version"]


def test_a_plan_is_removed():
    file = File(planned())
    assert plans(file.packed())
    file.remove_plan()
    file.remove_plan()
    assert plans(file.packed()) == []
    assert file.model.metadata is None
    file.prune()
    assert len(file.packed()) == len(File(files.unet()).packed())
    assert runtime.measure(file.packed()).head == runtime.measure(files.unet()).head != runtime.measure(planned()).head


# what nothing uses


def orphaned(content):
    """The file with tensors and constants that nothing uses, between the others."""
    file = File(content)
    for index in (len(file.main.tensors) // 2, 0):
        for owner, names in (
            (file.main, ("inputs", "outputs")),
            *((op, ("inputs", "outputs", "intermediates")) for op in file.main.operators),
        ):
            for name in names:
                if getattr(owner, name) is not None:
                    old = np.asarray(getattr(owner, name), "int32")
                    setattr(owner, name, old + (old >= index))
        for signature in file.model.signatureDefs or []:
            for entry in (*signature.inputs, *signature.outputs):
                entry.tensorIndex += entry.tensorIndex >= index
        orphan = schema.TensorT()
        orphan.name, orphan.shape, orphan.type = b"orphan", np.array([1, 64, 64, 16], "int32"), schema.TensorType.INT8
        orphan.buffer = 0 if index else file.add_buffer(np.zeros(65536, "uint8"))
        file.main.tensors.insert(index, orphan)
        file.add_buffer(np.zeros(1000, "uint8"))
    return file.packed()


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"planned"}))  # whose plan would be for other tensors
def test_what_nothing_uses_is_dropped_and_all_else_kept(name):
    content = FILES[name]
    clean, file = File(content), File(orphaned(content))
    clean.prune()
    file.prune()
    assert tree(unpacked(file.packed())) == tree(unpacked(clean.packed()))
    assert b"orphan" not in file.packed()
    assert b"orphan" in orphaned(content)
    assert files.outputs(file.packed()) == files.outputs(content)
    again = File(file.packed())
    again.prune()
    assert again.packed() == file.packed()


def test_TFLM_gives_arena_to_what_nothing_uses():
    content = orphaned(files.unet())
    file = File(content)
    file.prune()
    assert runtime.measure(content).head >= 65536 > runtime.measure(file.packed()).head


def test_pruning_keeps_what_signatures_and_metadata_name():
    file = File(orphaned(described()))
    file.prune()
    model = unpacked(file.packed())
    (signature,) = model.signatureDefs
    assert [(entry.name, entry.tensorIndex) for entry in signature.inputs + signature.outputs] == [
        (b"image", 0),
        (b"result", 6),
    ]
    assert bytes(model.buffers[model.metadata[0].buffer].data) == b"1.5.0"
    assert bytes(model.buffers[model.metadataBuffer[0]].data) == bytes(range(5))


def test_pruning_keeps_a_tensor_that_only_a_signature_names():
    file = File(described())
    file.model.signatureDefs[0].outputs.append(_named(b"unused", file.add_tensor(1, (1, 5), "/unused")))
    file.prune()
    entry = file.model.signatureDefs[0].outputs[1]
    assert (entry.name, file.main.tensors[entry.tensorIndex].name) == (b"unused", b"graph/t1/value/unused")


def test_pruning_keeps_absent_inputs_and_intermediates():
    net = Network()
    x = net.input(1, 4, 4, 4)
    net.tensor((1, 9))  # nothing uses it
    made, state = net.conv(x, 4, bias=False), net.tensor((0,))
    net.graph.operators[-1].inputs.append(-1)
    net.graph.operators[-1].intermediates = [state]
    file = File(net.file(made))
    file.prune()
    (operator,) = read(file.packed()).main.operators
    assert operator.inputs == (0, 1, -1)
    assert len(file.main.tensors) == 4
    assert list(file.main.operators[0].intermediates) == [3]
    assert files.outputs(file.packed()) == files.outputs(net.file(made))


def test_two_tensors_may_share_a_constant():
    file = File(files.convolutions())
    file.main.tensors[4].buffer, file.main.tensors[4].shape = file.main.tensors[1].buffer, np.array([1, 3, 3, 8], "int32")
    file.main.operators, file.main.outputs = file.main.operators[:1], [3, 4]
    file.prune()
    tensors = file.main.tensors
    assert tensors[1].buffer == tensors[-1].buffer
    assert file.constant(1) is file.constant(len(tensors) - 1)


# what rewrites add


def test_an_operator_added_runs():
    file = File(files.chain(1))
    made = file.add_tensor(1, (1, 8, 8, 4), "/half")
    code = file.operator_code(schema.BuiltinOperator.MUL, 2)
    assert file.operator_code(schema.BuiltinOperator.MUL, 1) == code == len(file.model.operatorCodes) - 1
    assert file.model.operatorCodes[code].version == 2
    assert file.operator_code(schema.BuiltinOperator.MUL, 3) == code
    assert file.model.operatorCodes[code].version == 3
    assert file.operator_code(schema.BuiltinOperator.RELU, 1) == 0
    half = file.add_tensor(1, (1,), "/factor", np.array([32], "int8"))
    assert file.constant(half).tolist() == [32]
    assert file.constant(made) is None
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [1, half], [made]
    operator.builtinOptions, operator.builtinOptionsType = schema.MulOptionsT(), schema.BuiltinOptions.MulOptions
    file.main.operators.append(operator)
    file.main.outputs = [made]
    (before,), (after,) = (
        runtime.run(content, files.inputs(files.chain(1))).outputs for content in (files.chain(1), file.packed())
    )
    assert np.abs(after - before / 2).max() <= 0.5
    names = [tensor.name for tensor in read(file.packed()).main.tensors]
    assert names == ["graph/t0/value", "graph/t1/value", "graph/t1/value/half", "graph/t1/value/factor"]


def test_an_added_tensor_is_a_copy():
    file = File(files.unet())
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = np.array([0.5], "float32"), np.array([3], "int64")
    made = file.add_tensor(1, (2, 3), "/x", quantization=quantization)
    tensors = read(file.packed()).main.tensors
    assert (tensors[made].shape, tensors[made].scales, tensors[made].zero_points) == ((2, 3), (0.5,), (3,))
    assert (tensors[1].shape, tensors[1].scales) == ((1, 8, 8, 4), (1 / 64,))
    file = File(described())  # in which tensor 3 may have any batch
    assert file.main.tensors[file.add_tensor(3, (2, 3), "/x")].shapeSignature is None
