# SPDX-License-Identifier: Apache-2.0
"""What a converted file is, takes and gives, in Markdown, to lie beside it."""

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.targets.verdict import CPU, SUPPORTED
from keras_unetmm.tflite_file.metadata import metadata


def card(name, content, verdict, differences=(), signal_to_noise=(), left_out=()):
    """Returns the card of a file that `keras_unetmm.tflite.convert` made.

    Args:
        name: str, of the file.
        content: its bytes.
        verdict: `keras_unetmm.targets.verdict.Verdict` on its target.
        differences: tuple of `keras_unetmm.lowering.differences.Difference`, as measured.
        signal_to_noise: list of float in dB or None, of each output.
        left_out: tuple of str, layers that do nothing outside training.

    Raises:
        TFLMError: if the target is TFLM and cannot allocate the file.
    """
    described = metadata(content)
    lines = [
        f"# {name}",
        "",
        f"{len(content):,} bytes, for {described['target']}, by keras_unetmm {described['version']}.",
        "",
    ]
    lines += ["| | type | shape | scale | zero point | meaning |", "|---|---|---|---|---|---|"]
    lines += [_row(end, tensor) for end in ("input", "output") for tensor in described.get(f"{end}s", [described[end]])]
    if described["mean"] or described["std"]:
        lines += ["", f"Normalised inside the file: mean {described['mean']}, standard deviation {described['std']}."]
    known = [f"{signal:.1f} dB" for signal in signal_to_noise if signal is not None]
    if known:
        lines += ["", f"Signal to noise beside the model, on calibration images: {', '.join(known)}."]
    if left_out:
        lines += ["", f"Left out, for it does nothing outside training: {'; '.join(left_out)}."]
    lines += [
        "",
        f"{verdict.count(SUPPORTED)} of {len(verdict.operators)} operators run on {verdict.target}. {verdict.note}",
    ]
    lines += [f"- {o.index} {o.name}, on the CPU: {o.why}" for o in verdict.operators if o.verdict == CPU]
    lines += [f"- {key.replace('_', ' ')}: {value:,}" for key, value in (verdict.summary or {}).items()]
    if described["target"] == "tflm":
        arena = measure(content)
        lines += ["", f"Arena on TFLM, measured: head {arena.head:,}, tail {arena.tail:,}, in all {arena.total:,} bytes."]
    if differences:
        lines += [
            "",
            "## Replaced layers",
            "",
            "On one calibration image, in floats, all layers before each replaced as well.",
            "",
        ]
        layers = [difference for difference in differences if difference.layer != "output"]
        lines += ["| layer | becomes | layers | largest difference | of |", "|---|---|---|---|---|", *_by_kind(layers)]
        last = [f"{d.largest:.2g} of {d.of:.3g}" for d in differences if d.layer == "output"]
        lines += ["", f"At the output: {', '.join(last)}."]
    return "\n".join(lines) + "\n"


def _row(end, tensor):
    scale = "-" if tensor["scale"] is None else f"1/{1 / tensor['scale']:.6g}"
    shape = "x".join(map(str, tensor["shape"]))
    zero_point = "-" if tensor["zero_point"] is None else tensor["zero_point"]
    return f"| {end} | {tensor['type']} | {shape} | {scale} | {zero_point} | {tensor['meaning']} |"


def _by_kind(differences):
    kinds = {}
    for difference in differences:
        kinds.setdefault((difference.kind, ", ".join(difference.becomes) or "part of the layer before"), []).append(
            difference
        )
    for (kind, becomes), alike in kinds.items():
        worst = max(alike, key=lambda difference: difference.largest)
        yield f"| {kind} | {becomes} | {len(alike)} | {worst.largest:.2g} | {worst.of:.3g} |"
