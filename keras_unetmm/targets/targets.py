"""Whether a .tflite file runs on a target: a verdict for each operator, from the target's compiler where there is one."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.targets import coral, ethos_u, litert, tflm, vela
from keras_unetmm.targets.judging import numbered
from keras_unetmm.targets.verdict import (
    CompiledFileError,
    CompilerError,
    DynamicShapeError,
    FloatFileError,
)
from keras_unetmm.tflite_file.graph import DAMAGE, TFLiteFileError, load, read

TABLE = {target.name: target for target in (litert.TARGET, tflm.TARGET, coral.TARGET, *ethos_u.TARGETS)}
TARGETS = tuple(TABLE)
_FLOATS = ("FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16", "COMPLEX64", "COMPLEX128")
_COMPILED = {vela.NPU_OPERATOR: "Vela", "edgetpu-custom-op": "edgetpu_compiler"}


def target_of(name):
    """Returns the `keras_unetmm.targets.target.Target` of a name.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in TABLE:
        raise ValueError(f"target must be one of {', '.join(map(repr, TABLE))}. Received: {name!r}.")
    return TABLE[name]


def check(file, target, compile=True):
    """Says of each operator of a .tflite file what becomes of it on a target.

    The operators of all graphs are judged, as a loop needs those of its body. Accelerators take the main graph only.

    Args:
        file: path or bytes.
        target: one of `TARGETS`.
        compile: bool, whether Vela for the Ethos-U and edgetpu_compiler for Coral are asked, where they are installed. The
            verdicts of the other targets come from tables of the interpreters' kernels.

    Returns:
        A `Verdict`.

    Raises:
        ValueError: for an unknown target.
        CompiledFileError: if a target's compiler wrote the file.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        FloatFileError: if anything in it is computed in floats.
        DynamicShapeError: if a size in it is known only when it runs.
        CompilerError: if the target's compiler is there and fails.
        OSError: if the file cannot be read.
    """
    chosen = target_of(target)
    content = load(file)
    model = read(content)
    try:
        _validate_not_compiled(model)
        _validate_no_floats(model)
        _validate_static(content)
        return chosen.judge(model, content, compile)
    except (CompiledFileError, FloatFileError, DynamicShapeError, CompilerError, TFLiteFileError):
        raise
    except DAMAGE as error:  # an operand that is not there
        raise TFLiteFileError(
            f"file is damaged: an operator in it lacks an input or makes no sense ({type(error).__name__}: {error}). Copy "
            "or convert it again."
        ) from error


def _validate_not_compiled(model):
    for _, _, operator in numbered(model):
        if operator.custom and operator.name in _COMPILED:
            raise CompiledFileError(
                f"file must be one that no target's compiler wrote. Received: a file with the operator {operator.name} of "
                f"{_COMPILED[operator.name]}. Check the file that it was compiled from."
            )


def _validate_no_floats(model):
    for index, graph, operator in numbered(model):
        for i in (*operator.inputs, *operator.outputs):
            tensor = graph.tensors[i] if i >= 0 else None
            if tensor is not None and tensor.data is None and tensor.type in _FLOATS:
                raise FloatFileError(
                    f"file must compute in integers. Received: a file that computes in floats: operator {index}, "
                    f"{operator.name}, has the {tensor.type.lower()} tensor {tensor.name!r}. Convert the Keras model with "
                    "unetmm convert."
                )


def _validate_static(content):
    model = schema.Model.GetRootAs(content)
    for graph in (model.Subgraphs(i) for i in range(model.SubgraphsLength())):
        for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
            sizes = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else ()
            if any(size < 0 for size in sizes):
                said = "x".join("?" if size < 0 else str(size) for size in sizes)
                raise DynamicShapeError(
                    f"all sizes in file must be fixed. Received: tensor {(tensor.Name() or b'').decode()!r} of {said}. "
                    "Convert the Keras model with unetmm convert --size, or with a fixed batch size of 1."
                )
