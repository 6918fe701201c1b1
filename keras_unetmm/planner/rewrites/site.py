# SPDX-License-Identifier: Apache-2.0
"""A place in a graph where a rewrite applies."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """One place.

    Attributes:
        kind: str, the rewrite's module.
        operators: tuple of int, positions of the operators that it replaces, the last of them last.
        added: int, how many operators more there are afterwards.
        description: str, for people.
    """

    kind: str
    operators: tuple
    added: int
    description: str


def replace(file, originals, site, new):
    """Puts new operators where the last of a site's operators stands, and drops the site's."""
    old = {id(originals[position]) for position in site.operators}
    last = id(originals[site.operators[-1]])
    operators = []
    for operator in file.main.operators:
        if id(operator) == last:
            operators += new
        elif id(operator) not in old:
            operators.append(operator)
    file.main.operators = operators
