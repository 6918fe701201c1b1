"""Which file belongs to which: by the same name, or by names that differ in a word."""

import re
from collections import Counter

WORDS = (
    *("mask", "masks", "seg", "segmentation", "label", "labels", "labelids", "gt", "groundtruth", "annotation", "anno", "l"),
    *("target", "sharp", "clean", "mean", "reference"),
)
OF_IMAGES = ("image", "img", "im", "blur", "blurred", "noisy", "real", "input", "sat", "leftimg8bit")
_TRIED = 64  # names by which the rule is found


def partners(images, others):
    """Finds the partner of each image.

    Names are compared without suffix: the same name; a name with the same letters before and behind it, as in
    `x` and `x_mask`; or names that differ in a known word, as `x_image` and `x_mask`. The rule that suits most is taken.

    Args:
        images: collection of str.
        others: collection of str, of masks or references.

    Returns:
        dict from the images that have a partner to it.
    """
    others, best = set(others), {}
    for rule in _rules(images, others):
        possible = {name: rule(name) & others for name in images}
        found = {name: next(iter(few)) for name, few in possible.items() if len(few) == 1}
        best = max(best, found, key=len)
        if len(best) == len(images):
            break
    return best


def _rules(images, others):
    """Functions from a name to the names that its partner may have, the simplest first."""
    yield lambda name: {name}
    yield from map(_affixed, _affixes(images, others))
    yield _by_word(others)


def divided(names):
    """Divides the names of one folder into images and their masks, by the words in them.

    Returns:
        two lists of str; the second is empty if no name has a word of masks, beside a name without it.
    """
    stems = {}
    for name in names:
        stems.setdefault(_without(name, WORDS), []).append(name)
    masks = [name for name in names if _without(name, WORDS) != name and len(stems[_without(name, WORDS)]) > 1]
    if not masks:
        plain = {_without(name, OF_IMAGES) for name in names if _without(name, OF_IMAGES) != name}
        masks = [name for name in names if _without(name, WORDS) != name and _without(name, WORDS) in plain]
    affixes = {_affix(name) for name in masks}
    chosen = {name for name in names if _affix(name) in affixes}
    masks = [name for name in names if name in chosen]
    return [name for name in names if name not in chosen], masks


def _affix(name):
    """What `_without` takes off a name for a word of masks, or None."""
    shorter = _without(name, WORDS)
    return None if shorter == name else name.rpartition("/")[2].replace(shorter.rpartition("/")[2], "*", 1)


def _affixed(affixes):
    before, behind = affixes
    return lambda name: {_joined(name, before, behind)}


def _joined(name, before, behind):
    folder, slash, stem = name.rpartition("/")
    return f"{folder}{slash}{before}{stem}{behind}"


def _affixes(images, others):
    """What stands before and behind the name of an image in the name of its partner: what is found most often."""
    images = sorted(images)
    stems = {image.rpartition("/")[2] for image in images}
    found = Counter()
    for other in sorted(others)[:: max(1, len(others) // _TRIED)][:_TRIED]:
        stem = other.rpartition("/")[2]
        for start in range(len(stem)):
            for end in range(start + 1, len(stem) + 1):
                if (start, end) != (0, len(stem)) and stem[start:end] in stems:
                    found[stem[:start], stem[end:]] += 1
    return [affixes for affixes, _ in found.most_common(8)]


def _by_word(others):
    keys = {}
    for other in others:
        keys.setdefault(_without(other, (*WORDS, *OF_IMAGES)), set()).add(other)
    return lambda name: keys.get(_without(name, (*WORDS, *OF_IMAGES)), set())


def _without(name, words):
    """A name without one of some words at its end or beginning; a word ends where a sign or a capital divides it."""
    folder, slash, stem = name.rpartition("/")
    choice = "|".join(sorted(words, key=len, reverse=True))
    shorter = re.sub(rf"(?i:[ _.\-]+({choice}))$|(?<=[a-z0-9])(?:{choice.title()})$", "", stem)
    if shorter == stem:
        shorter = re.sub(rf"^(?i:({choice}))[ _.\-]+", "", stem)
    return f"{folder}{slash}{shorter or stem}"
