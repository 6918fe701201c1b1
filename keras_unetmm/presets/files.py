"""The .tflite files of presets: they lie beside the package in its repository, in `tflite/`."""

from keras_unetmm.presets.store import FOLDER, PresetError, names

FILES = FOLDER.parent.parent / "tflite"


def file_of(name, files=FILES):
    """Returns the path of a preset's .tflite file.

    Args:
        name: str, one of `keras_unetmm.presets.names()`.
        files: path of the folder in which each preset has one.

    Raises:
        PresetError: a `ValueError`, for a name that is not there, or where the package was installed without the files.
    """
    if name not in names():
        raise PresetError(
            f"source must be a .tflite file, or a preset: one of {', '.join(map(repr, names()))}. Received: {name!r}, which "
            "is neither. Give the path of a file, or one of these names."
        )
    path = files / name / "model.tflite"
    if not path.is_file():
        raise PresetError(
            f"the file of the preset {name} must be at {path}. Received: nothing there, for the package was installed "
            f"without it. Take tflite/{name}/model.tflite from the repository and give its path."
        )
    return path
