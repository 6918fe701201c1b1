# SPDX-License-Identifier: Apache-2.0
"""The report's page: one file of HTML, with its style, its drawings and its few lines of script inside."""

from importlib.resources import files

from jinja2 import Environment

from keras_unetmm import __version__
from keras_unetmm.advice.option import KINDS
from keras_unetmm.advice.text import figure
from keras_unetmm.report import charts
from keras_unetmm.report.collect import MEMORIES, Collected, operators, ways
from keras_unetmm.targets.planned import refusals_said
from keras_unetmm.targets.verdict import CPU, SUPPORTED, UNSUPPORTED, Verdict
from keras_unetmm.types import JsonObject

_LEGEND = {"other": "operators and residuals", "skip": "skips", "network input": "network input", "scratch": "scratch"}
_MOST_FINDINGS = 200  # of one target


def page(made: Collected) -> str:
    """Returns the HTML of a report.

    Args:
        made: what `keras_unetmm.report.collect.collected` returns.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda value: f"{value:,}"
    template = environment.from_string(files("keras_unetmm.report").joinpath("page.html").read_text(encoding="utf-8"))
    plan, rows = made.plan, ways(made)
    limit = max(plan.greedy_head, max(plan.live, default=0), max(plan.planned.live, default=0) if plan.planned else 0, 1)
    return template.render(
        name=made.name,
        version=__version__,
        result=made.result,
        refusals=list(refusals_said(made.result.get("why_not_run", []))),
        ways=rows,
        memories=[{"kib": kib, "fits": [_fits(row, kib * 1024) for row in rows]} for kib in MEMORIES],
        before=charts.profile(plan, limit),
        after=charts.profile(plan.planned, limit) if plan.planned else None,
        limit=limit,
        map=charts.arena_map(plan),
        legend=_LEGEND,
        width=charts.WIDTH,
        height=charts.HEIGHT,
        operators=operators(made),
        operator_count=len(plan.graph.operators),
        targets=[_target(name, verdict) for name, verdict in made.verdicts.items()],
        advice=[{**option, "title": KINDS[option["kind"]], "figure": figure(option)} for option in made.advice],
    )


def _fits(way: JsonObject, memory: int) -> JsonObject:
    if not way["runs"]:
        return {"kind": "no", "said": "does not run"}
    if way["bytes"] is None:
        return {"kind": "none", "said": "-"}
    left = memory - way["bytes"]
    return {"kind": "yes" if left >= 0 else "no", "said": f"{left:,} left" if left >= 0 else f"short by {-left:,}"}


def _target(name: str, verdict: "Verdict | str") -> JsonObject:
    if isinstance(verdict, str):
        return {"name": name, "runs": False, "counts": "no verdict", "note": verdict, "findings": []}
    findings = {key: [f"{op.index} {op.name}" for op in operators] for key, operators in verdict.findings().items()}
    counts = f"{verdict.count(SUPPORTED)} of {len(verdict.operators)} run there"
    for kind, said in ((CPU, "fall to the processor"), (UNSUPPORTED, "cannot run")):
        counts += f", {verdict.count(kind)} {said}" if verdict.count(kind) else ""
    listed = [
        {"kind": kind, "why": why, "instead": instead, "operators": ", ".join(names[:12]), "more": max(len(names) - 12, 0)}
        for (kind, why, instead), names in list(findings.items())[:_MOST_FINDINGS]
    ]
    return {"name": name, "runs": verdict.runs, "counts": counts, "note": verdict.note, "findings": listed}
