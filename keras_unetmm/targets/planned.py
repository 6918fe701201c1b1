# SPDX-License-Identifier: Apache-2.0
"""Whether TFLM runs a file that was planned: what `check` says of it, beside what it needs."""

from keras_unetmm.targets.targets import check

_SHOWN = 3  # operators that are named of those with one reason


def judge(file, found, result, compile=True):
    """Adds to what is said of a plan whether TFLM runs the file, as it is and planned, and why not.

    A planned file may run where the file as it is does not: an operator that changed nothing is gone, or its head is
    smaller than the largest arena that TFLM is given here.

    Args:
        file: path or bytes of the file as it is.
        found: its `keras_unetmm.planner.plan.Plan`.
        result: dict of `keras_unetmm.planner.report.report`. `as_is` and `planned` get `runs`, a bool. Where the planned
            file, or as it is one that cannot be planned, does not run, it gets `why_not_run`, a list of dicts of
            `operators`, such as `["3 GELU"]`, `why` and `instead`.
        compile: bool, whether TFLM itself is asked, where it is installed.

    Returns:
        The `Verdict` on the file as it is.

    Raises:
        TFLiteFileError: if the file is damaged.
    """
    verdict = check(file, "tflm", compile)
    result["as_is"]["runs"] = runs = verdict.runs
    if found.planned is not None:
        runs = runs or check(found.planned.content, "tflm", compile).runs
        result["planned"]["runs"] = runs
    if not runs:
        result["why_not_run"] = verdict.refusals()
    return verdict


def refusals_said(refusals):
    """Returns lines for people on `why_not_run`."""
    for refusal in refusals:
        names, more = refusal["operators"][:_SHOWN], len(refusal["operators"]) - _SHOWN
        named = ", ".join(names) + (f" and {more} more" if more > 0 else "")
        yield f"{named} cannot run: {refusal['why']}. Instead: {refusal['instead']}."
