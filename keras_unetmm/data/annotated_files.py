# SPDX-License-Identifier: Apache-2.0
"""Which image is meant by a name in a file of annotations."""

import re

from keras_unetmm.data.own_files import few

_UPLOADED = r"^[0-9a-f]{8}-"  # what Label Studio puts before the name of a file


def named(found, names, path):
    """Finds the image of each name in a file of annotations: by its file name, and the folders above where several have it.

    Args:
        found: dict from anything to the paths of images.
        names: collection of str, of the file of annotations, with or without folders.
        path: of that file, for messages.

    Returns:
        dict from the keys of `found` to names; an image that is not named is not in it.

    Raises:
        ValueError: if one image may be meant by several names, or one name may mean several images.
    """
    by_file = {}
    for name in names:
        folder, slash, file = name.rpartition("/")
        for each in {file, re.sub(_UPLOADED, "", file)}:
            by_file.setdefault(each.casefold(), []).append((f"{folder}{slash}{each}", name))
    meant, claims = {}, {}
    for key, image in found.items():
        possible = [(_alike(image.as_posix(), written), name) for written, name in by_file.get(image.name.casefold(), ())]
        best = {name for alike, name in possible if alike == max(possible)[0]}
        if len(best) > 1:
            raise _ambiguous(path, f"{few(best)} for {image}")
        for name in best:
            meant[key] = name
            claims.setdefault(name, []).append((next(a for a, n in possible if n == name), key))
    for name, keys in claims.items():
        best = [key for alike, key in keys if alike == max(keys, key=lambda one: one[0])[0]]
        if len(best) > 1:
            raise _ambiguous(path, f"{name} for {few(found[key] for key in best)}")
        for _, key in keys:
            if key not in best:
                del meant[key]
    return meant


def _ambiguous(path, what):
    return ValueError(
        f"{path} must name each image so that no other can be meant. Received: {what}. Give the folders in it, or rename "
        "the images."
    )


def _alike(path, name):
    """How many parts at the ends of two paths are the same."""
    pairs = zip(reversed(path.casefold().split("/")), reversed(name.casefold().split("/")), strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), name.count("/") + 1)
