# SPDX-License-Identifier: Apache-2.0
"""A preset's card as a page to read, to lie beside its file."""

from keras_unetmm.tflite_file.metadata import metadata


def page(card, content, pictures=("samples.png", "arena.png")):
    """Returns the card of a preset in Markdown, with what Hugging Face reads before it.

    Args:
        card: dict, as `keras_unetmm.presets.card` returns.
        content: bytes of its .tflite file.
        pictures: those that lie beside it.
    """
    training, arena, name = card["training"], card["arena"], card["name"]
    size = "x".join(map(str, card["input"]))
    costs = f"{card['macs']:,} multiply-accumulates and {card['skip_bytes']:,} bytes of skips at 8 bits"
    where = f"{training['hardware']}, {training['environment']}, {training['precision']}"
    lines = [
        *_front_matter(card),
        f"# {name}",
        "",
        f"{card['task'][0].upper()}{card['task'][1:]}.",
        "",
        *(["![inputs, outputs in floats, references](samples.png)", ""] if "samples.png" in pictures else []),
        f'- `from_preset("{name}")`: {card["parameters"]:,} parameters; at {size} {costs}',
        f"- Data: {card['data']}. Terms: {card['terms']}.",
        f"- Trained by `{training['command']}`, seed {training['seed']}, {training['hours']} hours on {where}",
        f"- `model.tflite`: {card['file']['bytes']:,} bytes of integers, for TensorFlow Lite Micro, planned; {_made(card)}",
        *_program(card),
        "",
        "## Quality",
        "",
        "In floats on whole examples; in floats and in int8 (LiteRT) on their centres, of the file's size, as bytes:",
        "",
        "| test set | metric | whole, float | centre, float | int8 | loss |",
        "|---|---|---|---|---|---|",
    ]
    for test, scores in card["quality"].items():
        for metric, value in scores.items():
            if metric not in ("examples", "spread"):
                both = card["int8"][test][metric]
                cells = (
                    f"{value:.4g}{_apart(scores, metric)}",
                    f"{both['float']:.4f}",
                    f"{both['int8']:.4f}",
                    f"{both['float'] - both['int8']:+.4f}",
                )
                lines.append(f"| {test} ({scores['examples']}) | {metric} | {' | '.join(cells)} |")
    if "remark" in card:
        lines += ["", f"What falls short: {card['remark']}."]
    lines += ["", "## The file", "", "| | type | shape | scale | zero point | meaning |", "|---|---|---|---|---|---|"]
    said = metadata(content)
    for end in ("input", "output"):
        tensor = said[end]
        shape = "x".join(map(str, tensor["shape"]))
        step = f"1/{1 / tensor['scale']:.6g}"
        lines.append(f"| {end} | {tensor['type']} | {shape} | {step} | {tensor['zero_point']} | {tensor['meaning']} |")
    if card["normal"]:
        mean, std = card["normal"]
        lines += ["", f"The network takes values v of mean 0 and standard deviation 1, the file {std} v + {mean}."]
    lines += ["", "Arena on TFLM, measured, in bytes:", "", "| | head | tail | total |", "|---|---|---|---|"]
    lines += [f"| {kind} | {a['head']:,} | {a['tail']:,} | {a['total']:,} |" for kind, a in arena.items()]
    if "arena.png" in pictures:
        lines += ["", "![live bytes over the operators, and the arena as a map](arena.png)"]
    lines += _engine(card)
    return "\n".join(lines) + "\n"


def _front_matter(card):
    """What Hugging Face reads of a card."""
    restores = any("psnr" in scores for scores in card["quality"].values())
    return [
        "---",
        "library_name: keras",
        "license: other",
        "license_name: terms-of-the-training-data",
        f"pipeline_tag: {'image-to-image' if restores else 'image-segmentation'}",
        "tags: [keras_unetmm, tflite, int8, microcontroller]",
        "---",
        "",
    ]


def _apart(scores, metric):
    """The standard deviation over images, and median and MAD, where the card has them."""
    found = scores.get("spread", {}).get(metric)
    return "" if found is None else f" ± {found['std']:.2g} (median {found['median']:.4g}, MAD {found['mad']:.2g})"


def _engine(card):
    """The network as C."""
    if "engine" not in card:
        return []
    said, name = card["engine"], card["name"]
    if "left_out" in said:
        return ["", "## As C", "", f"Not measured with `unetmm firmware`: {said['left_out']}."]
    images = sum(map(sum, said["io_bytes"].values()))
    kind = {"rows": "by rows", "whole": "by whole maps"}[said["schedule"]]
    rows = {
        "schedule": kind,
        "RAM, without images": f"{said['ram_bytes']:,} bytes; this schedule cannot need less than {said['ram_bound']:,}",
        "whole images, if you keep them": f"{images:,} bytes; the input is read {_times(said['input_reads'])}",
        "multiply-accumulates": f"{said['macs_ratio']:.2f} times the file's",
        "flash, constants": f"{said['flash_bytes']:,} bytes",
    }
    if said["code_bytes"] is not None:
        rows["code and stack on a Cortex-M7, gcc -O3"] = f"{said['code_bytes']:,} bytes and {said['stack_bytes']:,} bytes"
    return [
        "",
        "## As C",
        "",
        f"`unetmm firmware {name} -o {name}` writes it as plain C: no interpreter, the same bytes.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {what} | {value} |" for what, value in rows.items()),
        "",
        f"SHA-256 of the folder, as `--json` prints it: `{said['sha256']}`. It changes with the engine.",
    ]


def _times(reads):
    return " and ".join("once" if n == 1 else "twice" if n == 2 else f"{n} times" for n in reads)


def _program(card):
    """What the folder has besides the file, where it has a program."""
    if "program" not in card:
        return []
    said = card["program"]
    height, width = said["size"]
    return [
        f"- `program/`: the same network tile by tile, for {height}x{width}, in {said['ram_bytes']:,} bytes, "
        f"{said['ram_bytes_with_tails']:,} with its interpreters' tails, and {said['macs_ratio']:.2f} times the "
        "multiply-accumulates (`unetmm tile`, `keras_unetmm.tflite.run_tiled`)"
    ]


def _made(card):
    if "quantized" not in card:
        return "converted after training"
    return f"trained on as integers by `{card['quantized']['command']}` (`quantized.keras`, to convert for other sizes)"
