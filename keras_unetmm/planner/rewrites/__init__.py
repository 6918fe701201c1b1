# SPDX-License-Identifier: Apache-2.0
"""Exact changes of a graph: the same bytes come out, from less arena."""

from collections.abc import Iterable

from keras_unetmm.planner.rewrites import split, transpose_convolution
from keras_unetmm.planner.rewrites.identity_elimination import eliminate_identities
from keras_unetmm.planner.rewrites.site import Site
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import Graph

KINDS = (split, transpose_convolution)

__all__ = ["KINDS", "apply", "eliminate_identities", "sites"]


def sites(graph: Graph) -> list[Site]:
    """Returns every `Site` of a graph at which a rewrite could be applied."""
    return [site for kind in KINDS for site in kind.sites(graph)]


def apply(file: File, graph: Graph, chosen: Iterable[Site]) -> None:
    """Rewrites the main graph of a file, which `graph` describes, at the sites chosen."""
    originals = list(file.main.operators)
    for site in chosen:
        next(kind for kind in KINDS if kind.__name__.endswith(site.kind)).apply(file, graph, site, originals)
    file.prune()
