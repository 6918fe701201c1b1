"""25 networks that people put on small devices: what converts and is lost, what they take; writes docs/results/networks.md.

    python benchmarks/common_networks.py [--only NAME ...] [--targets tflm coral ...] [--train] [--again]

Weights are random but realistic (`benchmarks.networks`), images synthetic. For each network: whether it converts for a
target, or why not; the signal to noise of its outputs, the best of its choices, and whether `convert` warned; on tflm also
whether TFLM and LiteRT's reference kernels give equal bytes, and the memory of stock TFLM, of the plan, and of the engine by
rows or whole maps. With --train, a model of `quantize_aware` is trained for 80 steps to give what the float network gives.
Under another backend the signal to noise and the bytes alone, for the table of three backends. What is known is kept in
benchmarks/common_networks.json and not measured again but with --again: a long run may be cut into several.
"""

import argparse
import functools
import json
import os
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402

from benchmarks.networks import NETWORKS, inputs_of, network  # noqa: E402
from keras_unetmm import tflite  # noqa: E402
from keras_unetmm.atomic_write import atomic_write  # noqa: E402
from keras_unetmm.conversion.conversion import Request  # noqa: E402
from keras_unetmm.conversion.convert import conversion_of  # noqa: E402
from keras_unetmm.conversion.signal import decibels  # noqa: E402
from keras_unetmm.engine.io_quantization import integer_io  # noqa: E402
from keras_unetmm.firmware.write import Wanted, candidates, scheduled  # noqa: E402
from keras_unetmm.interpreters.runtime import measure  # noqa: E402
from keras_unetmm.operators.registry import macs  # noqa: E402
from keras_unetmm.quantization.quantize import quantize_aware  # noqa: E402
from keras_unetmm.tflite_file.graph import read  # noqa: E402

ROWS, PAGE = ROOT / "benchmarks" / "common_networks.json", ROOT / "docs" / "results" / "networks.md"
CALIBRATION, STEPS, BATCH, RATE = 16, 80, 4, 1e-4


def main():
    """Measures, and writes the rows and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(NETWORKS), help="networks; by default all")
    parser.add_argument("--targets", nargs="+", default=["tflm"])
    parser.add_argument("--train", action="store_true", help="quantisation-aware steps, too")
    parser.add_argument("--again", action="store_true", help="measure again what is known")
    arguments = parser.parse_args()
    rows = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    for name in arguments.only:
        begin, model, row = time.monotonic(), None, rows.setdefault(name, {})
        for key, measured in tasks(arguments).items():
            if arguments.again or key not in row:
                model = model or network(name)
                row[key] = measured(model)
                print(f"{name}, {key}: {time.monotonic() - begin:.0f} s, {row[key]}", flush=True)
                with atomic_write(ROWS) as temporary:
                    Path(temporary).write_text(json.dumps(rows, indent=1, default=int) + "\n")
                PAGE.write_text(page(rows))


def tasks(arguments):
    """What is asked for, as a dict from the key in a row to a function of the model."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        return {backend: bytes_alone}
    asked = {target: functools.partial(converted, target=target) for target in arguments.targets}
    return asked | ({"trained": trained} if arguments.train else {})


def samples(model, count, seed):
    """The same images as calibration takes them: arrays, or tuples of several."""
    arrays = inputs_of(model, count, seed)
    return list(zip(*arrays, strict=True)) if len(arrays) > 1 else list(arrays[0])


def converted(model, target):
    """What becomes of a network on a target, as JSON can hold it."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            made = conversion_of(model, Request(samples(model, CALIBRATION, 2), target, compared=target == "tflm"))
        except ValueError as error:
            return {"refused": str(error)}
    said = [str(warning.message) for warning in told if "signal to noise" in str(warning.message)]
    row = {"operators": len(made.verdict.operators), "cpu": made.verdict.count("cpu"), "bytes": len(made.content)}
    row |= {"signals": made.signal_to_noise, "rivals": made.rivals, "warned": said, "macs": macs(read(made.content).main)}
    return row | (memory(made.content, model) if target == "tflm" else {})


def bytes_alone(model):
    """What another backend's model converts to."""
    made = conversion_of(model, Request(samples(model, CALIBRATION, 2), "tflm"))
    return {"signals": made.signal_to_noise, "equal": equal(made.content, model)}


def equal(content, model):
    """Whether TFLM and LiteRT's reference kernels give equal bytes."""
    x = inputs_of(model, 2, 3)
    runs = [tflite.run(content, x if len(x) > 1 else x[0], kind) for kind in ("tflm", "litert-reference")]
    return all((a == b).all() for a, b in zip(*(run.outputs for run in runs), strict=True))


def memory(content, model):
    """Equal bytes, and what the file takes on each of three runtimes."""
    arena, plan = measure(content), tflite.plan(content)
    row = {"equal": equal(content, model), "head": arena.head, "tail": arena.tail}
    row["planned"] = plan.planned.placement.head if plan.planned else None
    try:
        row["engine"] = scheduled(candidates(integer_io(content)), Wanted("auto"))[0].layout.total
    except ValueError as error:
        row["engine"], row["engine_refused"] = None, str(error)
    return row


def trained(model):
    """The signal to noise after quantisation-aware steps that follow the float network, on images not trained on."""
    try:
        made = quantize_aware(model, samples(model, CALIBRATION, 2), output_kind="values")
    except ValueError as error:
        return {"refused": str(error)}
    x = inputs_of(model, STEPS * BATCH, 4)[0]
    rate = keras.optimizers.schedules.CosineDecay(RATE, STEPS)  # held, it costs some networks 4 dB
    made.compile(keras.optimizers.Adam(rate), "mse", jit_compile=False)
    made.fit(x, keras.ops.convert_to_numpy(model(x, training=False)), batch_size=BATCH, verbose=0)
    try:
        content = tflite.convert(made, None)
    except ValueError as error:
        return {"refused": str(error)}
    unseen = inputs_of(model, 4, 5)[0]
    want = keras.ops.convert_to_numpy(model(unseen, training=False))
    before = tflite.convert(model, samples(model, CALIBRATION, 2), output_kind="values")
    signals = [
        decibels(want, tflite.run(file, unseen, "litert").values[0].reshape(want.shape)) for file in (before, content)
    ]
    return {"before": signals[0], "after": signals[1]}


def page(rows):
    """Returns the page, in Markdown."""
    lines = [
        "# 25 common networks",
        "",
        "Made by `python benchmarks/common_networks.py`: narrow versions for 64x64 images (but for the last ones, which",
        "have the sizes of MLPerf Tiny), random but realistic weights, synthetic images. dB: signal to noise of the",
        "file's output beside the Keras model's, the worst output, post-training; in brackets the best of the other",
        "choices that `convert` tried, where it is better. `!`: `convert` warns. Equal: TFLM's bytes are those of",
        "LiteRT's reference kernels; dense layers may differ by a step, for TFLM rounds them twice and LiteRT once",
        "([what is equal](../guides/convert.md#the-same-bytes-everywhere)).",
        "Memory in bytes: the head of stock TFLM, of the planned file, and all of the",
        "engine's. QAT: dB before and after 80 quantisation-aware steps, on other images. coral and ethos-u55: operators",
        "on the accelerator, of all. Vela compiled the files for ethos-u55. Coral's compiler could not be had: its column",
        "is by the rules of its documentation, by which all that follows an operator on the processor stays there.",
        "",
        "| network | MMAC | tflm dB | equal | stock | planned | engine | QAT | coral | ethos-u55 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    notes = []
    for name in NETWORKS:
        row = rows.get(name, {})
        own = row.get("tflm", {})
        cells = [_millions(own), _signal(own, notes), _equal(own)]
        cells += [_number(own.get(key)) for key in ("head", "planned", "engine")]
        cells += [
            _trained(row.get("trained"), notes),
            *(_mapped(row.get(target), notes) for target in ("coral", "ethos-u55")),
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    notes = [f"{i + 1}. {note}" for i, note in enumerate(notes)]
    return "\n".join([*lines, "", *_backends(rows), "", "## Notes", "", *notes]) + "\n"


def _backends(rows):
    """The lines of the table of other backends."""
    lines = [
        "## On other backends",
        "",
        "The model is built under that backend, with other random weights, and other dB. Equal: as above.",
        "",
        "| network | torch dB | equal | jax dB | equal |",
        "|---|---|---|---|---|",
    ]
    for name in NETWORKS:
        found = [rows.get(name, {}).get(backend) for backend in ("torch", "jax")]
        if any(found):
            cells = [f"{min(row['signals']):.1f} | {_equal(row)}" if row else "not run | -" for row in found]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _noted(text, notes):
    text = " ".join(text.split())
    if text not in notes:
        notes.append(text)
    return f"[{notes.index(text) + 1}]"


def _millions(row):
    return f"{row['macs'] / 1e6:.1f}" if "macs" in row else "-"


def _signal(row, notes):
    if "refused" in row:
        return "refused " + _noted(row["refused"], notes)
    known = [signal for signal in row.get("signals", ()) if signal is not None]
    if not known:
        return "-"
    others = [min(x for x in signals if x is not None) for signals in row["rivals"].values()]
    best = max(others, default=0.0)
    said = f"{min(known):.1f}" + (f" ({best:.1f})" if best > min(known) + 0.05 else "")
    return said + (" ! " + _noted(row["warned"][0], notes) if row["warned"] else "")


def _equal(row):
    return {True: "yes", False: "no"}.get(row.get("equal"), "-")


def _number(value):
    return "-" if value is None else f"{value:,}"


def _trained(row, notes):
    if row is None:
        return "not run"
    if "refused" in row:
        return "refused " + _noted(row["refused"], notes)
    return f"{row['before']:.1f}, {row['after']:.1f}"


def _mapped(row, notes):
    if row is None:
        return "not run"
    if "refused" in row:
        return "refused " + _noted(row["refused"], notes)
    return f"{row['operators'] - row['cpu']} of {row['operators']}"


if __name__ == "__main__":
    main()
