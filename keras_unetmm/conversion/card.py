"""What a converted file is, takes and gives, in Markdown, to lie beside it."""

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.targets.verdict import CPU, SUPPORTED
from keras_unetmm.tflite_file.metadata import metadata


def card(name, content, verdict, differences=()):
    """Returns the card of a file that `keras_unetmm.tflite.convert` made.

    Args:
        name: str, of the file.
        content: its bytes.
        verdict: `keras_unetmm.targets.verdict.Verdict` on its target.
        differences: tuple of `keras_unetmm.lowering.differences.Difference`, as measured.

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
    lines += [_row(end, described[end]) for end in ("input", "output")]
    if described["mean"] or described["std"]:
        lines += ["", f"Normalised inside the file: mean {described['mean']}, standard deviation {described['std']}."]
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
        *layers, last = differences
        lines += ["| layer | becomes | layers | largest difference | of |", "|---|---|---|---|---|", *_by_kind(layers)]
        lines += ["", f"At the output: {last.largest:.2g} of {last.of:.3g}."]
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
