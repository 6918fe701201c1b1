# SPDX-License-Identifier: Apache-2.0
"""What a program must be, so that running it stays within its arena, its maps and the files that it names."""

import math

import numpy as np

from keras_unetmm.program.buffer import Buffer
from keras_unetmm.program.program import Program
from keras_unetmm.program.schema import COARSEST
from keras_unetmm.program.step import IMAGE, INSIDE, OUTPUT, Port, Step


def validate_program(program: Program) -> None:
    """Raises a `ValueError` that names the step or the carried map that does not fit the others."""
    for length, padded in zip(program.size, program.padded_size, strict=True):
        if not length <= padded < length + COARSEST:
            raise ValueError(
                f"padded_size must be the size, padded. Received: {list(program.padded_size)} for {list(program.size)}"
            )
    for buffer in program.carried:
        _validate_carried(buffer, program)
    for number, step in enumerate(program.steps):
        _validate_step(number, step, program)


def _validate_carried(buffer: Buffer, program: Program) -> None:
    if buffer.first >= buffer.last:
        raise ValueError(f"carried {buffer.owner!r} goes to a part that runs before it is made")
    if buffer.end > program.ram_bytes:
        raise ValueError(f"carried {buffer.owner!r} ends behind the arena of {program.ram_bytes:,} bytes")


def _validate_step(number: int, step: Step, program: Program) -> None:
    where = f"parts.{step.name}"
    if step.arena.end > program.ram_bytes:
        raise ValueError(f"{where} ends behind the arena of {program.ram_bytes:,} bytes")
    grid = tuple(-(-length // side) for length, side in zip(program.padded_size, step.tile, strict=True))
    if step.grid != grid:
        raise ValueError(f"{where}.grid must be {list(grid)}. Received: {list(step.grid)}")
    tiled = {port.region is not None for port in (*step.inputs, *step.outputs)}
    if len(tiled) > 1 or (tiled == {False} and step.runs != 1):
        raise ValueError(f"{where} must run on tiles, or once")
    for ports, reads in ((step.inputs, True), (step.outputs, False)):
        for port in ports:
            _validate_port(f"{where}.{'inputs' if reads else 'outputs'}, {port.map!r},", number, port, program, reads)


def _validate_port(where: str, number: int, port: Port, program: Program, reads: bool) -> None:
    own = {IMAGE: program.input, OUTPUT: program.output, INSIDE: port.format}
    if port.map in own:
        if (port.map == OUTPUT) == reads:
            raise ValueError(f"{where} is read where it is made, or made where it is read")
        if port.region is None or port.format != own[port.map]:
            raise ValueError(f"{where} must be that of the program, tile by tile")
        return
    held = [b for b in program.carried if b.owner == port.map and (b.last >= number if reads else b.first == number)]
    if not held:
        raise ValueError(f"{where} is no map that is carried {'to' if reads else 'from'} there")
    shape = port.format.shape(program.padded_size)
    size = math.prod(shape) * np.dtype(port.format.type).itemsize
    if any(buffer.shape != shape or buffer.bytes != size for buffer in held):
        raise ValueError(f"{where} must be carried as {list(shape)}, {size:,} bytes")
