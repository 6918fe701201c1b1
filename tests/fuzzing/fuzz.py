"""Damaged files and programs by number, and what became of each: an answer, an error of ours, or a fault.

The mutants are numbered: number `i` of a kind is the same file on every machine, so a long run can stop and go on, and a
fault can be made again. `benchmarks/fuzz.py` runs many, `test_fuzz.py` a few. `compare` needs a backend, TensorFlow:
`tests/compare/test_damaged.py` runs a few of those.
"""

import contextlib
import copy
import functools
import json
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
from tflite import files, operators, unusual
from tflite import test_damaged_commands as commands
from tflite.test_damaged_files import ABSURD, Hung, bytes_changed, samples, tables_changed
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.program.description import digest
from keras_unetmm.program.parse import parsed
from keras_unetmm.report.collect import collected
from keras_unetmm.report.page import page
from keras_unetmm.tflite_file import json_text
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, read
from keras_unetmm.tflite_file.metadata import metadata

SECONDS, MEMORY = commands.SECONDS, commands.MEMORY  # of CPU time, and bytes, of one mutant
SEED = 29
SIZE = (32, 32)
_HOSTILE = [*ABSURD, 10**13, -1.5, 1e-9, True, None, "", "../../x", "/dev/zero", [], {}, [[1]], "NaN"]


def read_all(content):
    """What reads a .tflite file: its graphs, its description, and what edits it."""
    read(content)
    metadata(content)
    File(content).packed()
    return "read"


def read_program(content):
    """What reads a program.json, given as bytes, its parts not there."""
    try:
        return parsed(json_text.parsed(content))
    except ValueError as error:  # the errors of programs are plain
        raise TFLiteFileError(str(error)) from error


def reported(content):
    """The whole page of `unetmm report`, by rules, with little search."""
    return page(collected(content, "mutant", "mutant.tflite", seconds=0.0, compile=False, search=0.02))


@functools.cache
def program():
    """The JSON of a sound program."""
    return tflite.tile(encoder_decoder(5, SIZE), SIZE, tile=16).description


@functools.cache
def sound_files():
    return [
        *samples(),
        *(operators.file_of(name) for name in operators.NAMES[::3]),
        unusual.spectrum(),
        encoder_decoder(1, SIZE),
    ]


@functools.cache
def command_pairs():
    pairs = commands.sounds()
    contents = [content for content, ask in pairs if ask is commands.planned]
    return pairs + [(content, reported) for content in contents[::8]] + [(files.unet(), reported)] * 4


def program_changed(rng, said):
    """A description with one value, or one key, that is another; its digest renewed, or its bytes changed."""
    said = copy.deepcopy(said)
    owner, path = said, []
    while isinstance(owner, (dict, list)) and len(owner) and (not path or rng.random() < 0.75):
        keys = list(owner) if isinstance(owner, dict) else list(range(len(owner)))
        path.append((owner, keys[rng.integers(len(keys))]))
        owner = owner[path[-1][1]]
    holder, key = path[-1]
    match rng.integers(4):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}_"] = holder[key]
        case _:
            holder[key] = copy.deepcopy(_HOSTILE[rng.integers(len(_HOSTILE))])
    if isinstance(said, dict) and "sha256" in said and rng.random() < 0.9:
        said["sha256"] = digest(said)
    content = json.dumps(said).encode()
    return bytes_changed(rng, content + b" " * 16) if rng.random() < 0.2 else content


def reader_mutant(number):
    """Returns a damaged file, and what reads it."""
    rng = np.random.default_rng((SEED, number))
    if number % 3 == 2:
        return program_changed(rng, program()), read_program
    content = sound_files()[rng.integers(len(sound_files()))]
    return (tables_changed if number % 2 else bytes_changed)(rng, content), read_all


def command_mutant(number):
    """Returns a damaged file, and the command that is given it."""
    rng = np.random.default_rng((SEED, 1, number))
    content, ask = command_pairs()[rng.integers(len(command_pairs()))]
    damage = (commands.one_number, commands.one_number, tables_changed, bytes_changed)[number % 4]
    return damage(rng, content), ask


def compare_mutant(number):
    """Returns a damaged file of a model, and what compares them."""
    from compare import sound

    rng = np.random.default_rng((SEED, 2, number))
    files = sound.model_and_files()[1]
    damage = (commands.one_number, commands.one_number, tables_changed, bytes_changed)[number % 4]
    return damage(rng, files[rng.integers(len(files))]), sound.compared


KINDS = {"readers": reader_mutant, "commands": command_mutant, "compare": compare_mutant}
WITHOUT_BACKEND = ("readers", "commands")


def work(kind, begin, end, kept):
    """Prints a line of JSON for each mutant from `begin` to `end`: kind, number, command, outcome, seconds of CPU time.

    To run in a process of its own, whose memory is bounded. Files that go wrong are kept in the folder `kept`.
    """

    def hang(number, frame):
        raise Hung

    signal.signal(signal.SIGPROF, hang)
    with contextlib.redirect_stdout(sys.stderr):  # converters talk
        _, ask = KINDS[kind](0)  # what is made once is not the mutants'
        if kind == "compare":
            from compare import sound

            ask(sound.model_and_files()[1][0])
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    for number in range(begin, end):
        content, ask = KINDS[kind](number)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome = commands.outcome_of(content, ask)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if outcome not in ("refused", "answered"):
            (Path(kept) / f"{kind}_{number}.bin").write_bytes(content)
        print(json.dumps([kind, number, ask.__name__, outcome, round(time.process_time() - start, 2)]), flush=True)
