"""Whether a .tflite file runs on a target: a verdict for each operator, from the target's compiler where there is one."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.targets import coral, edgetpu_compiler, ethos_u, vela
from keras_unetmm.targets.interpreter_kernels import why_not_litert, why_not_tflm
from keras_unetmm.targets.substitutes import instead_of
from keras_unetmm.targets.verdict import (
    CPU,
    SUPPORTED,
    UNSUPPORTED,
    CompiledFileError,
    CompilerError,
    DynamicShapeError,
    FloatFileError,
    OperatorVerdict,
    Verdict,
)
from keras_unetmm.tflite_file.graph import DAMAGE, TFLiteFileError, load, read

TARGETS = ("litert", "tflm", "coral", "ethos-u55", "ethos-u65", "ethos-u85")
RULES = "By static rules, not compiled"
_FLOATS = ("FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16", "COMPLEX64", "COMPLEX128")
_COMPILED = {vela.NPU_OPERATOR: "Vela", "edgetpu-custom-op": "edgetpu_compiler"}


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
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(map(repr, TARGETS))}. Received: {target!r}.")
    content = load(file)
    model = read(content)
    try:
        _refuse_compiled(model)
        _refuse_floats(model)
        _refuse_dynamic(content)
        if target in ("litert", "tflm"):
            return _on_interpreter(model, target)
        if target == "coral":
            return _on_coral(model, content, compile)
        return _on_ethos_u(model, content, target, compile)
    except (CompiledFileError, FloatFileError, DynamicShapeError, CompilerError, TFLiteFileError):
        raise
    except DAMAGE as error:  # an operand that is not there
        raise TFLiteFileError(
            f"file is damaged: an operator in it lacks an input or makes no sense ({type(error).__name__}: {error}). Copy "
            "or convert it again."
        ) from error


def _numbered(model):
    """Index, graph and operator for every operator of all graphs."""
    pairs = [(graph, operator) for graph in model.graphs for operator in graph.operators]
    return [(index, graph, operator) for index, (graph, operator) in enumerate(pairs)]


def _on_interpreter(model, target):
    why_not = {"litert": why_not_litert, "tflm": why_not_tflm}[target]
    verdicts = []
    for index, graph, operator in _numbered(model):
        found = why_not(graph, operator)
        verdicts.append(_verdict(index, operator, None if found is None else (UNSUPPORTED, *found)))
    return Verdict(target, False, tuple(verdicts), note=f"{RULES}: the interpreter's table of integer kernels.")


def _on_coral(model, content, compile):
    if compile and edgetpu_compiler.command():
        return _compiled_for_coral(model, content)
    codes, verdicts, cut = _codes(content), [], None
    for index, graph, operator in _numbered(model):
        if graph is not model.main and cut is None:
            cut = "the graph of a loop or branch"
        verdicts.append(_verdict(index, operator, coral.judge(graph, operator, *codes[index], cut)))
        if verdicts[-1].verdict != SUPPORTED and cut is None:
            cut = f"operator {index}, {operator.name}"
    return Verdict("coral", False, tuple(verdicts), note=f"{RULES}: from documentation and users' reports.")


def _compiled_for_coral(model, content):
    operators, refused = _numbered(model), None
    names = tuple(operator.name for _, _, operator in operators)
    try:
        left, summary = edgetpu_compiler.compiled(content, names)
    except edgetpu_compiler.OperatorRefusedError as error:
        refused = error.name
        left = {
            i: error.said if name == refused else f"the compiler refuses the file for {refused}"
            for i, name in enumerate(names)
        }
        summary = {"tpu_operators": 0, "cpu_operators": len(names)}
    verdicts = []
    for index, graph, operator in operators:
        found = None
        if index in left:
            missing, tpu = why_not_litert(graph, operator, "coral"), coral.why_not_tpu(graph, operator)
            instead = tpu[1] if tpu else instead_of("coral", operator.name)
            found = (UNSUPPORTED if operator.name == refused else CPU, left[index], instead)
            found = found if missing is None else (UNSUPPORTED, f"{left[index]}; {missing[0]}", missing[1])
        verdicts.append(_verdict(index, operator, found))
    note = "By edgetpu_compiler, whose log counts operators by name: of one name the first are taken to be those that map."
    return Verdict("coral", True, tuple(verdicts), summary, note)


def _on_ethos_u(model, content, target, compile):
    compiling, verdicts, summary = compile and vela.command() is not None, [], None
    if compiling:
        left, summary = vela.compiled(content, target)
    for index, graph, operator in _numbered(model):
        if graph is not model.main:
            found = ethos_u.fallen_back(graph, operator, target, "the NPU runs the main graph only", "no loop, no branch")
        elif not compiling:
            found = ethos_u.judge(graph, operator, target)
        else:
            found = _left_by_vela(graph, operator, target, left.get(index))
        verdicts.append(_verdict(index, operator, found))
    note = f"By Vela for {vela.ACCELERATORS[target]}." if compiling else f"{RULES}: Vela's constraints."
    return Verdict(target, compiling, tuple(verdicts), summary, note)


def _left_by_vela(graph, operator, target, reason):
    if reason is None:
        return None
    static = ethos_u.judge(graph, operator, target)
    return ethos_u.fallen_back(graph, operator, target, f"Vela: {reason}", static[2] if static else "")


def _verdict(index, operator, found):
    if found is None:
        return OperatorVerdict(index, operator.name, SUPPORTED)
    verdict, why, instead = found
    return OperatorVerdict(index, operator.name, verdict, why, instead or instead_of("", operator.name))


def _codes(content):
    """Code and version of every operator of all graphs."""
    model = schema.Model.GetRootAs(content)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    known = [(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), code.Version()) for code in codes]
    graphs = [model.Subgraphs(i) for i in range(model.SubgraphsLength())]
    return [known[graph.Operators(i).OpcodeIndex()] for graph in graphs for i in range(graph.OperatorsLength())]


def _refuse_compiled(model):
    for _, _, operator in _numbered(model):
        if operator.custom and operator.name in _COMPILED:
            raise CompiledFileError(
                f"file must be one that no target's compiler wrote. Received: a file with the operator {operator.name} of "
                f"{_COMPILED[operator.name]}. Check the file that it was compiled from."
            )


def _refuse_floats(model):
    for index, graph, operator in _numbered(model):
        for i in (*operator.inputs, *operator.outputs):
            tensor = graph.tensors[i] if i >= 0 else None
            if tensor is not None and tensor.data is None and tensor.type in _FLOATS:
                raise FloatFileError(
                    f"file must compute in integers. Received: a file that computes in floats: operator {index}, "
                    f"{operator.name}, has the {tensor.type.lower()} tensor {tensor.name!r}. Convert the Keras model with "
                    "unetmm convert."
                )


def _refuse_dynamic(content):
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
