# SPDX-License-Identifier: Apache-2.0
"""The tables of a network as C: maps, operators and passes, and the constants of its kernels."""

import hashlib

import numpy as np

from keras_unetmm.engine.kernels.kernel import All, Parameters, Same, Values
from keras_unetmm.engine.layout import ARENA, gathered

_COLUMNS = 120  # characters of a line of numbers
_KINDS = ("UNETMM_COMPUTES", "UNETMM_READS", "UNETMM_WRITES")


class Constants:
    """The arrays that kernels read from flash, each once.

    Args:
        name: str, a C identifier that all their names begin with.
    """

    def __init__(self, name):
        self.name, self.arrays, self._names = name, [], {}

    def add(self, values):
        """Adds `Values` and returns the name of the array."""
        array = np.ascontiguousarray(values.array)
        key = values.ctype, hashlib.sha256(array.tobytes()).digest(), array.size
        if key not in self._names:
            self._names[key] = f"{self.name}_constant_{len(self.arrays)}"
            self.arrays.append((self._names[key], values.ctype, array.reshape(-1)))
        return self._names[key]

    @property
    def bytes(self):
        """Bytes of all arrays."""
        return sum(array.size * array.dtype.itemsize for _, _, array in self.arrays)

    def declarations(self):
        """Returns a C declaration of every array."""
        return "".join(f"extern const {ctype} {name}[{array.size}];\n" for name, ctype, array in self.arrays)

    def definitions(self):
        """Returns the C of every array, as lists of integers."""
        return "\n".join(
            f"const {ctype} {name}[{array.size}] = {{\n{numbers(array.tolist(), ctype)}\n}};\n"
            for name, ctype, array in self.arrays
        )


def constant_bytes(network):
    """Returns the bytes of the arrays that the kernels of an `EngineNetwork` read, each once: the tables come on top.

    It needs no schedule, so that a network that is too large for a flash is known before one is looked for.
    """
    constants = Constants("")
    waiting = [op.kernel.parameters for op in network.operators if op.kernel is not None]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Values):
            constants.add(value)
        elif isinstance(value, Parameters):
            waiting += value.fields.values()
    return constants.bytes


def numbers(values, ctype):
    """Returns integers as lines of C, a list without its braces."""
    texts = [_number(value, ctype) for value in values]
    lines, line = [], ""
    for text in texts:
        if len(line) + len(text) + 2 > _COLUMNS:
            lines.append(line)
            line = ""
        line += f"{text}, " if line else f"    {text}, "
    return "\n".join([*lines, line]).replace(", \n", ",\n").rstrip(" ,")


def _number(value, ctype):
    """An integer as C, without a constant that does not fit its type before the sign is applied."""
    if ctype.startswith("int64"):
        return "(-INT64_C(9223372036854775807) - 1)" if value == -(2**63) else f"INT64_C({value})"
    if ctype.startswith("int32") and value == -(2**31):
        return "(-2147483647 - 1)"
    return f"{value}u" if ctype.startswith("uint") and value > 2**31 - 1 else str(value)


class Tables:
    """Writes the passes of a schedule as C.

    Args:
        network: `EngineNetwork`.
        passes: list of `Pass`, simulated.
        layout: `Layout`.
        constants: `Constants`, to which those of the kernels are added.
    """

    def __init__(self, network, passes, layout, constants):
        self.network, self.passes, self.layout, self.constants = network, passes, layout, constants
        self.parameters = {}  # C text -> name
        self.text = []
        self.kernels = []  # of everything that runs
        self.largest = 1
        self._passes = [self._pass(p, made) for p, made in enumerate(passes)]

    def c(self, name):
        """Returns the C of all tables; the last is the network's, called `name`."""
        most = max(len(made.operators) for made in self.passes)
        state = self.layout.offsets.get(("state", None), 0)
        arena, carried = self.layout.bytes
        body = ",\n".join(f"    {{{row}}}" for row in self._passes)
        self.text.append(f"static const unetmm_pass passes[{len(self.passes)}] = {{\n{body}\n}};\n")
        self.text.append(
            f"const unetmm_network {name} = {{passes, {arena}u, {carried}u, {state}u, {self.largest}u, {most}, "
            f"{len(self.passes)}, UNETMM_VERSION}};\n"
        )
        return "\n".join(self.text)

    def _pass(self, p, made):
        views, rows = {}, []  # (map, maker) -> number in the pass
        for op in made.operators:
            for number in (*(m for m, _ in self.network.operators[op].inputs), self.network.operators[op].output):
                if number is not None and number not in views:
                    views[number] = len(views)
        maker = {self.network.operators[i].output: n for n, i in enumerate(made.operators)}
        for number in views:
            rows.append(self._map(p, made, number, maker))
        self.text.append(f"static const unetmm_map maps_{p}[{len(rows)}] = {{\n" + ",\n".join(rows) + "\n};\n")
        operators = [self._operator(p, made, n, views) for n in range(len(made.operators))]
        self.text.append(
            f"static const unetmm_operator operators_{p}[{len(operators)}] = {{\n" + ",\n".join(operators) + "\n};\n"
        )
        columns = "NULL"
        if made.strips > 1:
            columns = f"columns_{p}"
            pairs = [walk.columns[s] for s in range(made.strips) for walk in made.walks]
            body = ", ".join(f"{{{first}, {wide}}}" for first, wide in pairs)
            self.text.append(f"static const unetmm_columns {columns}[{len(pairs)}] = {{{body}}};\n")
        sinks = self._list(f"sinks_{p}", made.sinks)
        gather = self.layout.offsets.get(("gather", p), 0)
        counts = f"{len(made.operators)}, {made.strips}, {len(made.sinks)}"
        return f"operators_{p}, maps_{p}, {columns}, {gather}u, {sinks}, {counts}"

    def _list(self, name, numbers):
        if not numbers:
            return "NULL"
        self.text.append(f"static const uint16_t {name}[{len(numbers)}] = {{{', '.join(map(str, numbers))}}};\n")
        return name

    def _map(self, p, made, number, maker):
        view = self.network.maps[number]
        root = self.network.maps[view.root]
        by = maker.get(view.root)
        ring = by is not None and view.root not in made.carried
        key = ("ring", (p, view.root)) if ring else ("carried", view.root)
        stored = view.pixels // (view.down * view.across)
        capacity = made.trace.capacity[view.root] if ring else stored
        stride = view.pitch if view.flat else root.bytes
        step = view.step if view.shuffled else stride
        memory = self.layout.memories[key]
        place = self.layout.offsets[key] + view.offset
        phase = made.trace.phase(view.root) if ring and capacity < stored else 0  # a whole map begins at its first byte
        by = "UNETMM_NOBODY" if by is None else by
        return (
            f"    {{{place}u, {capacity}u, {stride}u, {step}u, {view.bytes}u, {by}, {view.width}, {view.image_rows}, "
            f"{view.down}, {view.across}, {0 if memory == ARENA else 1}, {int(ring)}, {phase}}}"
        )

    def _operator(self, p, made, n, views):
        op, walk = self.network.operators[made.operators[n]], made.walks[n]
        kernel = op.kernel
        edges = "NULL"
        if op.inputs:
            rows = [self._edge(views[m], access, look) for (m, access), look in zip(op.inputs, walk.look, strict=True)]
            edges = f"edges_{p}_{n}"
            self.text.append(f"static const unetmm_edge {edges}[{len(rows)}] = {{{', '.join(rows)}}};\n")
        followers = self._list(f"followers_{p}_{n}", walk.followers)
        macs = max(kernel.macs if kernel else 0, 1)
        self.largest = max(self.largest, macs * walk.block)
        function, parameters = "NULL", "NULL"
        if kernel is not None:
            self.kernels.append(kernel)
            function, parameters = kernel.function, self._parameters(kernel.parameters)
        sums = self.layout.offsets.get(("sums", (p, n)), 0)
        kept = kernel.state if kernel is not None and kernel.kept else 0
        scratch = self.layout.offsets.get(("scratch", p), 0)
        output = 0 if op.output is None else views[op.output]
        walked = f"{op.rows}u, {op.width}, {op.image_rows}, {output}, {walk.block}, {gathered(self.network, made, n)[0]}"
        kind = f"{op.port}, {len(op.inputs)}, {_KINDS[op.kind]}, {int(op.accumulates)}, {len(walk.followers)}"
        memory = f"{macs}u, {sums}u, {kept}u, {scratch}u"
        return f"    {{{function}, {parameters}, {edges}, {followers}, {memory}, {walked}, {kind}}}"

    @staticmethod
    def _edge(number, access, look):
        if isinstance(access, Same):
            return f"{{{number}, UNETMM_SAME, {look}, 0, 0, {{1, 1, 0, 0}}, {{1, 1, 0, 0}}}}"
        if isinstance(access, All):
            return f"{{{number}, UNETMM_ALL, {look}, 0, 0, {{1, 1, 0, 0}}, {{1, 1, 0, 0}}}}"
        rows, columns = (f"{{{a.step}, {a.over}, {a.first}, {a.last}}}" for a in (access.rows, access.columns))
        return f"{{{number}, UNETMM_WINDOW, {look}, {access.taps}, {access.dilation}, {rows}, {columns}}}"

    def _parameters(self, parameters):
        if parameters is None:
            return "NULL"
        text = f"static const {parameters.struct} {{name}} = {self._fields(parameters)};\n"
        if text not in self.parameters:
            self.parameters[text] = f"parameters_{len(self.parameters)}"
            self.text.append(text.replace("{name}", self.parameters[text], 1))
        return f"&{self.parameters[text]}"

    def _fields(self, parameters):
        return "{" + ", ".join(self._field(value) for value in parameters.fields.values()) + "}"

    def _field(self, value):
        if value is None:
            return "NULL"
        if isinstance(value, Values):
            return self.constants.add(value)
        if isinstance(value, Parameters):
            return self._fields(value)
        return _number(int(value), "int32_t" if -(2**31) <= value < 2**31 else "uint32_t" if value < 2**32 else "int64_t")
