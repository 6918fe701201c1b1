# SPDX-License-Identifier: Apache-2.0
"""Which file belongs to which: by the same name, or by names that differ in a word."""

import re
from collections import Counter

WORDS = (
    *("mask", "masks", "seg", "segs", "segmentation", "segmentations", "segmentationclass", "label", "labels", "labelids"),
    *("gt", "gts", "groundtruth", "annotation", "annotations", "anno", "l", "maske", "masken", "masque", "masques"),
    *("target", "targets", "sharp", "clean", "mean", "reference", "references"),
)
OF_IMAGES = (
    *("image", "images", "img", "imgs", "im", "jpegimages", "photo", "photos", "picture", "pictures", "frame", "frames"),
    *("scan", "scans", "rgb", "raw", "blur", "blurred", "noisy", "real", "input", "inputs", "sat", "leftimg8bit"),
)
_TRIED = 64  # names by which the rule is found


def partners(images, others):
    """Finds the partner of each image.

    Names are compared without suffix: the same name, in any case; a name with the same letters before and behind it, as in
    `x` and `x_mask`; names that differ in a known word, as `x_image` and `x_mask`, or `images/x` and `x/masks`; the same
    name in other folders; names of which all images begin or end alike, and all others, too, as `x_t1` and `x_seg`; or
    names that differ in all but their numbers, as `frame007` and `label7`. The rule that suits most is taken. What is the
    partner of two images is that of none.

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
        claimed = Counter(found.values())
        found = {name: other for name, other in found.items() if claimed[other] == 1}
        best = max(best, found, key=len)
        if len(best) == len(images):
            break
    return best


def _rules(images, others):
    """Functions from a name to the names that its partner may have, the simplest first."""
    yield lambda name: {name}
    yield _by(str.casefold, others)
    yield from map(_affixed, _affixes(images, others))
    yield _by(lambda name: _without(name, (*WORDS, *OF_IMAGES)).casefold(), others)
    yield _by(lambda name: name.rpartition("/")[2].casefold(), others)
    yield _by(_middle(others), others, _middle(images))
    if all(len({re.sub(r"\d+", "#", name) for name in names}) == 1 for names in (images, others)):
        yield _by(lambda name: tuple(map(int, re.findall(r"\d+", name))), others)


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
    chosen = {name for name in names if _affix(name) in affixes and affixes}
    masks = [name for name in names if name in chosen]
    return [name for name in names if name not in chosen], masks


def _affix(name):
    """What `_without` takes off the parts of a name for words of masks, or None."""
    parts = [(part, _shorter(part, WORDS)) for part in name.split("/")]
    taken = [part.replace(shorter, "*", 1) if shorter else part for part, shorter in parts if shorter != part]
    return tuple(taken) or None


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


def _by(key, others, own=None):
    """A rule by which names with the same key are partners; `own` is the key of images, where that is another."""
    keys = {}
    for other in others:
        keys.setdefault(key(other), set()).add(other)
    return lambda name: keys.get((own or key)(name), set())


def _middle(names):
    """A function that returns what tells a name from the others: without what all begin with, and end with, but digits."""
    names = list(names)
    before = _beginning(names)
    behind = _beginning([name[len(before) :][::-1] for name in names])
    return lambda name: name[len(before) : len(name) - len(behind)]


def _beginning(names):
    """What all names begin with, up to the last digits of it."""
    first, last = min(names, default=""), max(names, default="")
    alike = next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:alike].rstrip("0123456789")


def _without(name, words):
    """A name without one of some words at the end or beginning of its parts, divided from the rest by a sign or capital."""
    return "/".join(filter(None, (_shorter(part, words) for part in name.split("/")))) or name


def _shorter(part, words):
    choice = "|".join(sorted(words, key=len, reverse=True))
    if re.fullmatch(f"(?i:{choice})", part):
        return ""
    shorter = re.sub(rf"(?i:[ _.\-]+({choice}))$|(?<=[a-z0-9])(?:{choice.title()})$", "", part)
    if shorter == part:
        shorter = re.sub(rf"^(?i:({choice}))[ _.\-]+", "", part)
    return shorter or part
