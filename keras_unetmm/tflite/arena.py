"""What a graph needs of the arena: lifetimes, live bytes, the peak and who is alive there.

The figures here follow from the file alone. What an interpreter takes for it is measured in `runtime`.
"""

from dataclasses import dataclass

from keras_unetmm.tflite import graph as tflite_graph
from keras_unetmm.tflite.macs import macs

ALIGNMENT = 16  # bytes, of every buffer in TFLM's arena


@dataclass(frozen=True)
class Lifetime:
    """The operators, by position, from the first to the last of which a tensor's bytes must stay.

    Attributes:
        tensor: int, index in the graph.
        first, last: int, positions of operators, both included.
        bytes: int, aligned as in the arena.
    """

    tensor: int
    first: int
    last: int
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What `plan` finds out about a file.

    Attributes:
        graph: `keras_unetmm.tflite.graph.Graph`, the file's main graph.
        lifetimes: tuple of `Lifetime`, of the tensors that need arena.
        live: tuple of int, live bytes while each operator runs, in the file's order.
        macs: int, multiply-accumulates of one run.
        flash_bytes: int, size of the file, which is what is flashed.
    """

    graph: tflite_graph.Graph
    lifetimes: tuple
    live: tuple
    macs: int
    flash_bytes: int

    @property
    def order_bound(self):
        """Bytes: no placement of tensors can need less in the file's order. Kernels' scratch comes on top."""
        return max(self.live, default=0)

    @property
    def peak(self):
        """Position of the first operator at which the live bytes reach their maximum."""
        return self.live.index(self.order_bound) if self.live else None

    def alive(self, operator):
        """Returns the lifetimes that include the operator at that position, largest first."""
        alive = (life for life in self.lifetimes if life.first <= operator <= life.last)
        return sorted(alive, key=lambda life: (-life.bytes, life.tensor))


def plan(file):
    """Reads what a file needs, without running it.

    Only the main graph counts, not those that control flow operators call.

    Args:
        file: path or bytes of a .tflite file.

    Returns:
        A `Plan`.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
    """
    model = tflite_graph.read(file)
    graph = model.main
    lifetimes = tensor_lifetimes(graph)
    try:
        products = macs(graph)
    except (IndexError, ZeroDivisionError) as error:
        raise tflite_graph.TFLiteFileError(
            f"file is damaged: one of its operators lacks a tensor or a size that it needs ({error}). Convert it again."
        ) from error
    return Plan(graph, lifetimes, live_bytes(lifetimes, len(graph.operators)), products, model.file_bytes)


def tensor_lifetimes(graph):
    """Returns the `Lifetime` of every tensor that lives in the arena, in the order of tensors."""
    end = len(graph.operators) - 1
    first = dict.fromkeys(graph.inputs, 0)
    last = dict.fromkeys(graph.inputs, 0)
    for position, operator in enumerate(graph.operators):
        for index in operator.outputs:
            first.setdefault(index, position)
            last[index] = position
        for index in operator.inputs:
            last[index] = position
    last |= dict.fromkeys(graph.outputs, end)
    for index, tensor in enumerate(graph.tensors):
        if tensor.variable:
            first[index], last[index] = 0, end
    return tuple(
        Lifetime(index, first[index], last[index], aligned(tensor.bytes))
        for index, tensor in enumerate(graph.tensors)
        if index in first and tensor.data is None
    )


def live_bytes(lifetimes, operators):
    """Returns the sum of the bytes alive at each of so many operators."""
    live = [0] * operators
    for life in lifetimes:
        for position in range(life.first, life.last + 1):
            live[position] += life.bytes
    return tuple(live)


def aligned(size):
    """Returns the size in bytes rounded up to the arena's alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT
