# SPDX-License-Identifier: Apache-2.0
"""What a data set holds, before anything is trained on it: by looking at some of its examples."""

import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.headers import Headers, headers
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.data.own_files import few


@dataclass(frozen=True)
class Summary:
    """What some examples of a data set hold.

    Attributes:
        dataset: `DataSet`.
        looked_at: int, examples that were read.
        headers: `keras_unetmm.data.headers.Headers`.
        sizes: Counter of the shapes of inputs.
        types: Counter of the types of their values.
        pixels: Counter of labels, 255 for what is ignored among them, over all pixels; empty without masks.
        within: Counter of labels, in how many examples each occurs.
        problems: list of `(name, error)`, of files that could not be read.
    """

    dataset: DataSet
    looked_at: int
    headers: Headers
    sizes: Counter
    types: Counter
    pixels: Counter
    within: Counter
    problems: list

    def shares(self, count):
        """The share of each of `count` labels among the pixels that are not ignored."""
        counted = [self.pixels.get(label, 0) for label in range(count)]
        return [number / max(sum(counted), 1) for number in counted]


def summarize(dataset, most=200, seconds=4.0, on_error="raise"):
    """Looks at some examples of a data set for a few seconds: at those whose headers look damaged first, then at random.

    Args:
        dataset: `DataSet`.
        most: int, examples at most.
        seconds: float, after which no more are read; but for ten at least.
        on_error: `"raise"`, or `"skip"` to note damaged files and go on.

    Returns:
        A `Summary`.

    Raises:
        ValueError: for an example that cannot be read or has an unknown label, and if all masks hold one label alone.
    """
    said = headers(dataset)
    order = dict.fromkeys([*said.suspects, *np.random.default_rng(0).permutation(len(dataset))[:most].tolist()])
    sizes, types, pixels, within, problems = Counter(), Counter(), Counter(), Counter(), []
    began, looked_at, damaged = time.monotonic(), 0, set(said.suspects)
    for index in order:
        if looked_at >= 10 and index not in damaged and time.monotonic() - began > seconds:
            break
        try:
            image, target = dataset[index]
        except ValueError as error:
            if on_error == "raise" or not isinstance(error, DamagedFileError):
                raise _of_all(error, dataset, damaged - {index} if index in damaged else ()) from error
            problems.append((dataset.called(index), str(error)))
            continue
        looked_at += 1
        sizes[np.shape(image)] += 1
        types[str(np.asarray(image).dtype)] += 1
        if dataset.target == "mask":
            labels, counts = np.unique(target, return_counts=True)
            pixels.update(dict(zip(labels.tolist(), counts.tolist(), strict=True)))
            within.update(labels.tolist())
    if not looked_at:
        raise ValueError(f"{dataset.name} must hold an example that can be read. Received: {few(e for _, e in problems)}")
    found = set(pixels) - {dataset.ignore}
    if dataset.target == "mask" and len(found) < 2:
        only = f"label {found.pop()}" if found else "ignored pixels"
        raise ValueError(
            f"masks of {dataset.name} must hold two labels or more. Received: {only} in every pixel of the {looked_at} "
            "looked at. Put the right masks there, or correct what stands for each label (--classes NAME=VALUE,...)."
        )
    return Summary(dataset, looked_at, said, sizes, types, pixels, within, problems)


def _of_all(error, dataset, others):
    """The error of one example, with the names of others that look like it."""
    if not others:
        return error
    return type(error)(f"{error} {len(others):,} more look so: {few(dataset.called(index) for index in others)}.")


def validate_files(dataset, on_error="raise"):
    """Reads what looks damaged of a data set, by its headers.

    Returns:
        list of `(name, error)` of files that cannot be read.

    Raises:
        ValueError: for an example that cannot be read, unless `on_error` is `"skip"` and its file is damaged.
    """
    suspected, problems = headers(dataset).suspects, []
    for index in suspected:
        try:
            dataset[index]
        except ValueError as error:
            if on_error == "raise" or not isinstance(error, DamagedFileError):
                raise _of_all(error, dataset, {*suspected} - {index}) from error
            problems.append((dataset.called(index), str(error)))
    return problems


def report(summary, names=None):
    """Returns lines of text that say what a `Summary` found.

    Args:
        summary: `Summary`.
        names: sequence of str, of the labels, or None.
    """
    dataset, looked_at = summary.dataset, summary.looked_at
    more = "" if summary.headers.looked_at == len(dataset) else f", and at the headers of {summary.headers.looked_at:,}"
    lines = [f"{dataset.name}: {len(dataset):,} examples; {looked_at:,} looked at{more}"]
    common = [f"{'x'.join(map(str, shape))} ({count:,})" for shape, count in summary.sizes.most_common(3)]
    more = len(summary.sizes) - len(common)
    lines.append(f"  sizes: {', '.join(common)}{f', {more:,} others' if more > 0 else ''}; {', '.join(summary.types)}")
    if dataset.target == "mask":
        names = names or [f"label {label}" for label in range(max(dataset.classes, 2))]
        for label, (name, share) in enumerate(zip(names, summary.shares(len(names)), strict=True)):
            inside = summary.within.get(label, 0)
            lines.append(f"  {label} {name}: {share:.1%} of the pixels, in {inside:,} of {looked_at:,}")
        if dataset.ignore in summary.pixels:
            share = summary.pixels[dataset.ignore] / summary.pixels.total()
            lines.append(f"  ignored: {share:.1%} of the pixels")
    if summary.problems:
        lines.append(f"  cannot be read: {few(name for name, _ in summary.problems)}")
    return lines
