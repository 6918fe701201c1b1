# SPDX-License-Identifier: Apache-2.0
"""Verifies a schedule for every input at once: each byte that a kernel reads is the right one of the right map.

The C of the driver runs with the schedule's own tables, and `c/unetmm_verify.c` in place of the kernels. It shares nothing
with what sized the rings and placed the maps.
"""

from keras_unetmm.engine import process
from keras_unetmm.engine.emit import Constants, Tables
from keras_unetmm.engine.kernels.kernel import All, Same
from keras_unetmm.engine.network import COMPUTES
from keras_unetmm.engine.schedule import Schedule
from keras_unetmm.engine.sources import LIBRARY

_OWN = ("unetmm_verify.c", "unetmm_verify.h")


class VerifyError(ValueError):
    """A kernel of a schedule would read a byte that is not there."""


def verify(schedule: Schedule, step: int = 1_000_000, flags: tuple = process.FLAGS) -> None:
    """Checks that every byte which a kernel may read holds what it must, and that nothing that is needed is written over.

    It holds for every input, for the way through a network does not depend on the data. That kernels read and write no other
    bytes than those is for their own tests.

    Args:
        schedule: the network's.
        step: multiply-accumulates after which the network returns to its caller.
        flags: for the compiler.

    Raises:
        VerifyError: a `ValueError`, that names the operator and the first wrong pixel.
        HostError: if there is no C compiler.
    """
    program = process.built(_sources(schedule), flags)
    said = process.output_of(program, arguments=(str(step),))
    if said.status:
        raise VerifyError(f"every byte that a kernel reads must be the right one. Received: {said.text.strip()}.")


class _Tables(Tables):
    """The tables of a schedule, with the verifier for every kernel."""

    def _operator(self, p, made, n, views):
        text = super()._operator(p, made, n, views)
        number = made.operators[n]
        op = self.network.operators[number]
        if op.kind != COMPUTES:
            return text
        name = f"verified_{p}_{n}"
        self.text.append(f"static const verify_operator {name} = {_operator(op, number)};\n")
        _, _, rest = text.split(", ", 2)
        return f"    {{unetmm_verify, &{name}, {rest}"

    def _parameters(self, parameters):
        return "NULL"


def _sources(schedule):
    tables = _Tables(schedule.network, schedule.passes, schedule.layout, Constants("verify")).c("verify_network")
    maps = ",\n".join(f"    {{{_map(schedule.network, m)}}}" for m in schedule.network.maps)
    lists = "".join(
        f"const uint32_t {name}[] = {{{', '.join(map(str, numbers)) or '0'}}};\n"
        for name, numbers in (("verify_inputs", schedule.network.inputs), ("verify_outputs", schedule.network.outputs))
    )
    text = f'#include "unetmm_verify.h"\n\nconst verify_map verify_maps[] = {{\n{maps}\n}};\n{lists}{tables}'
    return {"verified.c": text, **{file: (process.C / file).read_text() for file in (*LIBRARY, *_OWN)}}


def _map(network, m):
    """What the verifier knows of a map: numbers that say where its bytes lie in those of its root."""
    stride = m.pitch if m.flat else network.maps[m.root].bytes
    step = m.step if m.shuffled else 0
    sizes = f"{m.rows}u, {m.image_rows}u, {m.width}u, {m.bytes}u"
    return f"{m.root}u, {sizes}, {stride}u, {m.offset}u, {m.down}u, {m.across}u, {step}u"


def _operator(op, number):
    kernel = op.kernel
    fixed, two = kernel.scratch(0), kernel.scratch(1)
    edges = ", ".join(_edge(m, access) for m, access in op.inputs) or "{0}"
    flags = f"{int(op.accumulates)}, {int(kernel.kept)}, {int(kernel.in_place)}"
    memory = f"{kernel.state}u, {fixed}u, {two - fixed}u"
    return f"{{{number}u, {op.output}u, {len(op.inputs)}u, {op.width}u, {op.image_rows}u, {memory}, {flags}, {{{edges}}}}}"


def _edge(m, access):
    if isinstance(access, (Same, All)):
        kind = "UNETMM_SAME" if isinstance(access, Same) else "UNETMM_ALL"
        return f"{{{m}u, {kind}, 0, 0, {{1, 1, 0, 0}}, {{1, 1, 0, 0}}}}"
    rows, columns = (f"{{{a.step}, {a.over}, {a.first}, {a.last}}}" for a in (access.rows, access.columns))
    return f"{{{m}u, UNETMM_WINDOW, {access.taps}, {access.dilation}, {rows}, {columns}}}"
