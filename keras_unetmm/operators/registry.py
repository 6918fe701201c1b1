# SPDX-License-Identifier: Apache-2.0
"""Finds the rules of an operator: each file of this folder that has `RULES` is one operator's."""

import functools
import importlib
import pkgutil

import keras_unetmm.operators as room
from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, OperatorRules
from keras_unetmm.tflite_file.graph import Graph, Operator
from keras_unetmm.tflite_file.operands import Operands


@functools.cache
def all_rules() -> dict[tuple[str, bool], OperatorRules]:
    """Returns every operator's `OperatorRules`, by its name and whether it is a custom operator."""
    modules = (entry.name for entry in pkgutil.iter_modules(room.__path__) if not entry.ispkg)
    found = (getattr(importlib.import_module(f"{room.__name__}.{name}"), "RULES", None) for name in sorted(modules))
    return {(rules.name, rules.custom): rules for rules in found if rules is not None}


def rules_of(operator: Operator) -> OperatorRules:
    """Returns what is known of an operator of a graph: of one without a file of its own, nothing but its name."""
    known = all_rules().get((operator.name, operator.custom))
    return OperatorRules(operator.name, operator.custom) if known is None else known


def macs(graph: Graph) -> int:
    """Returns the multiply-accumulates of one run of a graph: weights times positions, biases not counted."""
    return sum(operator_macs(graph, operator) for operator in graph.operators)


def operator_macs(graph: Graph, operator: Operator) -> int:
    """Returns the multiply-accumulates of one operator; one without a matrix product has none."""
    rule = rules_of(operator).macs
    return 0 if rule is None else rule(Operands(graph, operator))


def receptive_fields(graph: Graph, operator: Operator) -> Fields:
    """Returns the `ReceptiveField` of an operator along the rows, and that along the columns.

    Raises:
        GlobalOperatorError: if it cannot run tile by tile.
    """
    if operator.custom:
        raise GlobalOperatorError("nobody knows what it reads")
    rule = rules_of(operator).receptive_field
    if rule is None:
        raise GlobalOperatorError(f"no rule says what {operator.name} reads. Use other layers there, or tile fewer levels")
    return rule(Operands(graph, operator))
