# SPDX-License-Identifier: Apache-2.0
"""How much the vectors of a .tflite file hold, counted before any is read: a small file can stand for a huge one."""

from ai_edge_litert import schema_py_generated as schema

_SHARING = 16  # times the bytes of a file: as many entries of vectors may be read of it, for vectors may be shared


def validate_vectors(model: schema.Model, size: int) -> None:
    """Raises a `ValueError` if tables share vectors so often that they stand for far more bytes than the file has."""
    left = _SHARING * size

    def spend(count, *, bytes_each=4):
        nonlocal left
        left -= count * bytes_each
        if left < 0:
            raise ValueError(f"its tables stand for more than {_SHARING} times its bytes")

    for count in (model.OperatorCodesLength(), model.BuffersLength(), model.SubgraphsLength(), model.MetadataLength()):
        spend(count)
    for i in range(model.BuffersLength()):
        spend(model.Buffers(i).DataLength() + max(model.Buffers(i).Size(), 0), bytes_each=_SHARING // 2)
    for graph in (model.Subgraphs(i) for i in range(model.SubgraphsLength())):
        spend(graph.TensorsLength() + graph.OperatorsLength() + graph.InputsLength() + graph.OutputsLength())
        for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
            quantization = tensor.Quantization()
            spend(tensor.ShapeLength() + tensor.ShapeSignatureLength())
            spend(len(tensor.Name() or b""), bytes_each=1)
            if quantization is not None:
                spend(quantization.ScaleLength() + 2 * quantization.ZeroPointLength())
        for operator in (graph.Operators(i) for i in range(graph.OperatorsLength())):
            spend(operator.InputsLength() + operator.OutputsLength() + operator.IntermediatesLength())
            spend(operator.CustomOptionsLength(), bytes_each=1)
    for signature in (model.SignatureDefs(i) for i in range(model.SignatureDefsLength())):
        spend(1 + signature.InputsLength() + signature.OutputsLength())
