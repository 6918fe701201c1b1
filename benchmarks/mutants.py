"""Mutants of planner, tiler, conversion and metrics, each with the test that kills it.

    python benchmarks/mutants.py [NAME ...]

Each mutant is one changed expression. The package and its tests are copied, the mutant is put into the copy, and its test
must fail there. A mutant that lives, or whose line is gone, is an error: the tests lack something, or the list is old.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("keras_unetmm", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        file: str, path within the package.
        old, new: str, what stands there once, and what stands there in the mutant.
        killer: str, path of a test within `tests`, or of one of its functions.
    """

    file: str
    old: str
    new: str
    killer: str


# fmt: off
MUTANTS = {
    # planner
    "an output lies too low over its input": Mutant(
        "planner/interference.py", "low = max(low, -as_output.least)",
        "low = max(low, as_output.least - buffers[i].bytes)",
        "planner/test_arena.py::test_neighbours_know_where_a_buffer_may_not_start"),
    "buffers that meet in one step share bytes": Mutant(
        "planner/greedy.py", "if buffer.first > wanted.last or", "if buffer.first >= wanted.last or",
        "planner/test_greedy.py"),
    "an output of the graph may be written over": Mutant(
        "planner/placement_problem.py", " and overlap.input not in kept", "",
        "planner/test_placement_problem.py"),
    "an output that nobody reads takes no memory": Mutant(
        "planner/lifetimes.py", "self._use(base, (*operator.inputs, *operator.outputs))", "self._use(base, operator.inputs)",
        "planner/test_lifetimes.py"),
    "the bound leaves out how far chained outputs drift": Mutant(
        "planner/bound.py", "problem.buffers[pair.input].bytes) + pair.least", "problem.buffers[pair.input].bytes)",
        "planner/test_bound.py"),
    "the bound counts too much": Mutant(
        "planner/bound.py", "max(0, largest - min(pair.least for pair in pairs))",
        "max(0, largest - max(pair.least for pair in pairs) - 16)",
        "planner/test_bound.py"),
    "a climb takes worse orders": Mutant(
        "planner/hill_climb.py", "if tried[0] <= self.head:", "if tried[0] <= 2 * self.head:",
        "planner/test_arena.py::test_a_climb_never_gets_worse"),
    "a slice that runs backwards is removed": Mutant(
        "planner/rewrites/identity_elimination.py", "all(stride > 0 for stride in strides)",
        "all(stride for stride in strides)",
        "planner/rewrites/test_identity_elimination.py"),
    # tiler and program
    "what enters the bottleneck is kept twice": Mutant(
        "tiling/partition.py", "if others and (whole not in numbers or max(others) > whole):", "if others:",
        "tiling/test_partition.py"),
    "a skip of 16 bits is recomputed": Mutant(
        "tiling/partition.py", 'if network.graph.tensors[i].type == "INT8")', ")",
        "runtime/test_tiled.py::test_other_scales_and_types"),
    "a halo is masked in what is recomputed": Mutant(
        "tiling/part.py", "if i in recomputed and position not in again}", "if i in recomputed}",
        "tiling/test_exact.py::test_every_tile_gives_the_same_bytes"),
    "a map is written over one that others still read around a tile": Mutant(
        "tiling/strategy_parts.py", " and laid.inputs.get(other.tensor) == own", "",
        "tiling/test_program.py::test_any_bottleneck_may_be_tiled"),
    "buffers that meet in one step are apart": Mutant(
        "program/buffer.py", "self.first <= other.last and", "self.first < other.last and",
        "program/test_program.py::test_buffers_meet_in_the_steps_that_both_need"),
    "no later strategy is looked for": Mutant(
        "tiling/budget.py", "if rival is not None and fewest >= rival.macs:", "if rival is not None:",
        "tiling/test_search.py::test_a_skip_is_recomputed_where_that_leaves_room_for_larger_tiles"),
    "the smallest program has small tiles where larger ones fit": Mutant(
        "tiling/search.py", "return larger_for_free(self.parts(best[0].choice.strategy), best[0])", "return best[0]",
        "tiling/test_search.py::test_the_fewest_multiply_accumulates_within_the_budget"),
    "a bottleneck is tiled for less than its interpreters take": Mutant(
        "tiling/search.py", "least + self._more_tails(levels) >= found[-1].ram", "least >= found[-1].ram",
        "tiling/test_search.py::test_a_bottleneck_is_tiled_where_that_saves_more_than_its_interpreters_take"),
    "a map that is moved is not said to be": Mutant(
        "tiling/emit.py", "moved=entry in self.layout.moved", "moved=False",
        "tiling/test_program.py"),
    "figures of program.json that follow from others are believed": Mutant(
        "program/parse.py", '_validate_equal(said, program.description, "")', "pass",
        "program/test_validate.py::test_what_makes_no_sense_is_refused"),
    # conversion
    "a scale that a kernel fixes is changed with its group": Mutant(
        "conversion/multipliers.py", "if not self.fixed & set(group) and", "if number not in self.fixed and",
        "conversion/test_multipliers.py"),
    "what is only moved gets the narrower range": Mutant(
        "conversion/ranges.py", "max(high for _, high in ranges)", "min(high for _, high in ranges)",
        "conversion/test_ranges.py"),
    "a square is as large as its factor": Mutant(
        "conversion/post_training.py", "ranges.get(read, (0, np.inf))) ** 2", "ranges.get(read, (0, np.inf)))",
        "conversion/test_post_training.py"),
    "a product that nothing else reads is made twice": Mutant(
        "conversion/unshare_multiplies.py", "readers.count(operator.inputs[0]) > 1", "readers.count(operator.inputs[0]) > 0",
        "conversion/test_unshare_multiplies.py"),
    "a zero point is not looked at": Mutant(
        "conversion/io_quantization.py", " and int(found.zeroPoint[0]) == _ZERO_POINTS[tensor.type]", "",
        "conversion/test_file_ends.py"),
    # metrics
    "ignored pixels count": Mutant(
        "metrics/overlap.py", "ops.sum(flags * counted,", "ops.sum(flags,",
        "metrics/test_masks.py"),
    "a class that is nowhere counts 0": Mutant(
        "metrics/dice.py", "ops.maximum(marked, 1), 1.0)", "ops.maximum(marked, 1), 0.0)",
        "metrics/test_masks.py::test_images_without_the_object"),
    "one half is hit": Mutant(
        "metrics/overlap.py", '"float32") > 0.5', '"float32") >= 0.5',
        "metrics/test_masks.py::test_one_half_is_not_hit"),
    "the contrast has the constant of the brightness": Mutant(
        "metrics/structural_similarity.py", "(0.03 * max_value) ** 2", "(0.01 * max_value) ** 2",
        "metrics/test_image_quality.py::test_ssim_equals_scikit_image"),
    "luma takes blue for red": Mutant(
        "metrics/image_quality.py", "65.481 * red + 128.553 * green + 24.966 * blue",
        "24.966 * red + 128.553 * green + 65.481 * blue",
        "metrics/test_image_quality.py"),
    "an image equal to its reference counts infinitely much": Mutant(
        "metrics/peak_signal_to_noise.py", "ops.where(values > MOST, MOST, values)", "values",
        "metrics/test_narrow_types_and_nan.py::test_an_image_equal_to_its_reference_counts_a_hundred_decibels"),
}
# fmt: on


def main():
    """Runs the tests of all mutants, or of those named, and says which live."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    names = parser.parse_args().names or list(MUTANTS)
    unknown = [name for name in names if name not in MUTANTS]
    if unknown:
        parser.error(f"NAME must be one of the list's. Received: {', '.join(unknown)}.")
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder, name))
        for name in names:
            begin = time.monotonic()
            found = outcome(Path(folder), MUTANTS[name])
            print(f"{found:8} {time.monotonic() - begin:5.0f} s  {name}", flush=True)
            bad += [name] if found != "killed" else []
    sys.exit(f"{len(bad)} of {len(names)} mutants are not killed: {'; '.join(bad)}" if bad else 0)


def outcome(folder, mutant):
    """Returns `"killed"`, `"lives"`, `"old"` if its line is gone, or `"broken"` if its test does not pass or fail.

    Args:
        folder: path of a copy of the repository, which is the same afterwards.
        mutant: `Mutant`.
    """
    path = folder / "keras_unetmm" / mutant.file
    before = path.read_text()
    if before.count(mutant.old) != 1:
        return "old"
    path.write_text(before.replace(mutant.old, mutant.new))
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/{mutant.killer}"]
    try:
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    finally:
        path.write_text(before)
    return {0: "lives", 1: "killed"}.get(ran.returncode, "broken")


if __name__ == "__main__":
    main()
