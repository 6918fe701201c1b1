# SPDX-License-Identifier: Apache-2.0
"""Loading saved models, those of Keras 2 too, whose layers Keras 3 has under other arguments."""

import inspect
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import keras

_OFF = {  # arguments of Keras 2 that some layers no longer have, and the values at which they did nothing
    "groups": (1,),
    "time_major": (False,),
    "implementation": (0, 1, 2),
    "renorm": (False,),
    "fused": (None, True, False),
    "virtual_batch_size": (None,),
}


def load_model(path):
    """Returns a saved `keras.Model`, without what it was compiled with.

    Args:
        path: `pathlib.Path` of a .keras or .h5 file, of Keras 3 or 2.

    Raises:
        ValueError: for a file that cannot be loaded, with what Keras says is the cause.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as first:  # keras raises anything for a damaged archive
        try:
            return _mended(path)
        except Exception as error:
            cause = _cause(first if isinstance(error, _NothingToMendError) else error)
            raise ValueError(
                f"{path} cannot be loaded as a Keras model: {cause}. If Keras 2 wrote it, save it there without that layer "
                "or argument; else save it again with model.save."
            ) from first


class _NothingToMendError(ValueError):
    """No layer has an argument of Keras 2."""


def _mended(path):
    """The model of a copy of the file in which no layer has an argument that Keras 3 took away."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, Path(path).name)
        (_mend_archive if zipfile.is_zipfile(path) else _mend_hdf5)(Path(path), copy)
        return keras.models.load_model(copy, compile=False)


def _mend_hdf5(path, copy):
    import h5py

    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        text = file.attrs["model_config"]
        config = json.loads(text.decode() if isinstance(text, bytes) else text)
        _mend(config)
        file.attrs["model_config"] = json.dumps(config)


def _mend_archive(path, copy):
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(copy, "w") as made:
        for name in given.namelist():
            content = given.read(name)
            if name == "config.json":
                config = json.loads(content)
                _mend(config)
                content = json.dumps(config).encode()
            made.writestr(name, content)


def _mend(config):
    """Changes a config in place.

    Raises:
        _NothingToMendError: if there was nothing to change.
    """
    changed, left = 0, [config]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            left += part.values()
            kind = getattr(keras.layers, str(part.get("class_name")), None)
            if kind is not None and isinstance(part.get("config"), dict):
                changed += _mend_layer(kind, part["config"])
    if not changed:
        raise _NothingToMendError


def _mend_layer(kind, config):
    """How many arguments of a layer were changed."""
    bases = [base for base in kind.__mro__ if issubclass(base, keras.layers.Layer) and "__init__" in vars(base)]
    known = {name for base in bases for name in inspect.signature(vars(base)["__init__"]).parameters}
    off = [name for name, values in _OFF.items() if name in config and name not in known and config[name] in values]
    for name in off:
        del config[name]
    axis = config.get("axis")
    if kind is keras.layers.BatchNormalization and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
        return len(off) + 1
    return len(off)


def _cause(error):
    """The line of Keras's message that says what is wrong."""
    text = str(error).rpartition("Exception encountered:")[2]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
