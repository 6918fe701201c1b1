# SPDX-License-Identifier: Apache-2.0
"""What is said of a .tflite file on a target: one verdict an operator, and the figures of the target's compiler."""

from dataclasses import asdict, dataclass

SUPPORTED = "supported"  # the interpreter, TPU or NPU runs it
CPU = "cpu"  # the accelerator does not, and the processor beside it does
UNSUPPORTED = "unsupported"  # nothing there runs it


class CompilerError(ValueError):
    """The target's compiler failed, or wrote what makes no sense."""


@dataclass(frozen=True)
class OperatorVerdict:
    """What becomes of one operator.

    Attributes:
        index: int, the operator's place in the file, counted over all graphs, the main one first.
        name: str, the schema's, such as `"CONV_2D"`, or a custom operator's own.
        verdict: `"supported"`, `"cpu"` or `"unsupported"`.
        why: str, the limit that it breaks; empty if supported.
        instead: str, the Keras layers or operators that keep within it; empty if supported.
    """

    index: int
    name: str
    verdict: str
    why: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a file on a target.

    Attributes:
        target: str.
        compiled: bool, whether the target's own compiler read the file and the verdicts are its.
        operators: tuple of `OperatorVerdict`, of all graphs: a loop needs the operators of its body.
        summary: dict of str to number, what the compiler predicts, or None if none ran.
        note: str, what the verdicts rest on.
    """

    target: str
    compiled: bool
    operators: tuple
    summary: dict | None = None
    note: str = ""

    @property
    def runs(self):
        """Whether something on the target runs every operator."""
        return not any(operator.verdict == UNSUPPORTED for operator in self.operators)

    def count(self, verdict):
        """Returns how many operators have that verdict."""
        return sum(operator.verdict == verdict for operator in self.operators)

    def findings(self):
        """Returns what does not run on the target itself: a dict from verdict, why and instead to its operators, a list."""
        found = {}
        for operator in self.operators:
            if operator.verdict != SUPPORTED:
                found.setdefault((operator.verdict, operator.why, operator.instead), []).append(operator)
        return found

    def refusals(self):
        """Returns what nothing on the target runs, as JSON can hold it: dicts of `operators`, `why` and `instead`."""
        return [
            {"operators": [f"{operator.index} {operator.name}" for operator in operators], "why": why, "instead": instead}
            for (verdict, why, instead), operators in self.findings().items()
            if verdict == UNSUPPORTED
        ]

    def as_json(self):
        """Returns what `unetmm check --json` prints, as a dict that JSON can hold."""
        result = {
            "target": self.target,
            "runs": self.runs,
            "compiled": self.compiled,
            "operators": [asdict(operator) for operator in self.operators],
        }
        return result if self.summary is None else {**result, "summary": dict(self.summary)}
