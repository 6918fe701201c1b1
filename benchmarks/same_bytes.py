"""Hashes of what is converted, planned and tiled, to hold a change that must change no result against what was before.

    KERAS_BACKEND=tensorflow python benchmarks/same_bytes.py OUT.json [--against BEFORE.json] [--only NAME ...]

The presets are converted at a small size, then planned; their own files and ten files made by hand are planned, and some
tiled. Each entry holds SHA-256 of the bytes and the figures of the plan and the program. A placement that meets its lower
bound is found in the same way each time. One that does not is searched for in a limited CPU time, so its bytes may differ
from run to run: where `head` is above `bound`, only the bound is compared.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np  # noqa: E402

from keras_unetmm import from_preset, presets, tflite  # noqa: E402

KERNELS = ("any", "reference", "cmsis-nn")
SIZES = {2: (64, 64), 3: (16, 16, 16)}  # of the conversion, by how many axes the images have
SLOW = ("hippocampus-lunet", "hippocampus-unet")  # of thousands of operators: planned for `any` alone
TILED = ("file denoise-tiled", "file denoise-unet-minus")  # of the presets' files
_FREE = ("version", "sha256")  # in a program's description: they say which version wrote it


def main():
    """Writes the figures, and compares them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path, help="a file that this script wrote before")
    parser.add_argument("--only", nargs="*", help="names of entries, to be added to those in OUT.json")
    arguments = parser.parse_args()
    found = json.loads(arguments.out.read_text()) if arguments.only and arguments.out.exists() else {}
    for name, make in cases().items():
        if arguments.only and name not in arguments.only:
            continue
        begin = time.monotonic()
        found[name] = make()
        print(f"{name}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
        arguments.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    if arguments.against is not None:
        before = json.loads(arguments.against.read_text())
        differing = [line for name in found for line in differences(name, before.get(name), found[name])]
        print("\n".join(differing) or f"{len(found)} entries, all the same")
        sys.exit(1 if differing else 0)


def cases():
    """Returns a dict from names to functions that return an entry."""
    made = {}
    for name, content, size in by_hand():
        made[f"made {name}"] = lambda content=content, size=size: of_content(content, size)
    for path in sorted(ROOT.glob("tflite/*/model.tflite")):
        name = f"file {path.parent.name}"
        size, kernels = (128, 128) if name in TILED else None, _kernels(path.parent.name)
        made[name] = lambda path=path, size=size, kernels=kernels: of_content(path.read_bytes(), size, kernels)
    for name in sorted(presets.names()):
        made[f"preset {name}"] = lambda name=name: of_preset(name)
    return made


def by_hand():
    """Yields the name of each file made by hand, its bytes, and the size at which it is tiled or None."""
    from tflite import files
    from tflite.tiling.networks import bottleneck, encoder_decoder

    yield "chain", files.chain(5), None
    yield "convolutions", files.convolutions(), None
    yield "unet", files.unet(16, 8), (32, 32)
    for seed in range(3):
        yield f"tangle {seed}", files.tangle(seed), None
    yield "encoder_decoder 0", encoder_decoder(0), (48, 32)
    yield "encoder_decoder 1", encoder_decoder(1, whole=True), (48, 32)
    yield "bottleneck 0", bottleneck(0), (32, 24)
    yield "bottleneck 2", bottleneck(2), (32, 24)


def of_preset(name):
    """The entry of a preset, converted at a small size from images of noise."""
    model = from_preset(name)
    *axes, channels = model.inputs[0].shape[1:]
    size = SIZES[len(axes)]
    images = np.random.default_rng(0).random((4, *size, channels), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = tflite.convert(model, list(images), size=size)
    return {"converted": digest(content), **of_content(content, None, _kernels(name))}


def _kernels(name):
    return KERNELS[:1] if name in SLOW else KERNELS


def of_content(content, size, kernels=KERNELS):
    """The entry of a file: its plans for libraries of kernels, and its program at a size unless that is None."""
    found = {f"planned, {library}": plan_figures(tflite.plan(content, kernels=library)) for library in kernels}
    if size is not None:
        try:
            program = tflite.tile(content, size)
        except ValueError as error:
            found["tiled"] = f"{type(error).__name__}: {error}"
        else:
            files = {name: digest(part) for name, part in program.files.items()}
            said = {key: value for key, value in program.description.items() if key not in _FREE}
            found["tiled"] = {"files": files, "program.json": said}
    return found


def plan_figures(plan):
    """The figures of a plan, and the hash of the planned file."""
    found = {"greedy_head": plan.greedy_head, "order_bound": plan.order_bound, "macs": plan.macs, "peak": plan.peak}
    if plan.planned is None:
        return {**found, "why_not_planned": plan.why_not_planned}
    made = plan.planned
    found |= {"sha256": digest(made.content), "head": made.head, "bound": made.bound}
    return {**found, "planned_order_bound": made.order_bound, "rewrites": list(made.rewrites)}


def digest(content):
    """Returns the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def differences(name, before, after):
    """Yields a line for each value that differs, but for what a search found above its bound."""
    if isinstance(before, dict) and isinstance(after, dict):
        searched = all(entry.get("head", 0) > entry.get("bound", 0) for entry in (before, after) if "sha256" in entry)
        skipped = ("sha256", "head") if "sha256" in before and searched and "bound" in before else ()
        for key in sorted({*before, *after} - set(skipped)):
            yield from differences(f"{name}: {key}", before.get(key), after.get(key))
    elif before != after:
        yield f"{name}: {before} before, {after} now"


if __name__ == "__main__":
    main()
