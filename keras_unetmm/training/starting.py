# SPDX-License-Identifier: Apache-2.0
"""A network that starts from the weights of another run: taken by name, heads of other sizes left out."""

from dataclasses import dataclass
from pathlib import Path

import keras

from keras_unetmm.graph.nodes import followers, parts
from keras_unetmm.training.folder import BEST, TrainingError

NAME = "start_from (--from RUN)"


@dataclass(frozen=True)
class Started:
    """What a network has taken from another.

    Args:
        taken: names of the layers whose weights it took.
        new: what begins with new weights, by layer: why.
        unused: names of the other network's layers that have no place in it.
    """

    taken: list[str]
    new: dict[str, str]
    unused: list[str]

    def said(self, path: str | Path) -> str:
        """One line for the log."""
        text = f"starts from {path}: {len(self.taken)} layers taken"
        if self.new:
            text += f"; new are {', '.join(f'{name} ({why})' for name, why in self.new.items())}"
        return text + (f"; not used are {', '.join(self.unused)}" if self.unused else "")


def weights_of(path: str | Path) -> Path:
    """The file of weights of a run's folder, its best ones, or the `.keras` file that is named.

    Raises:
        TrainingError: if there is none.
    """
    file = Path(path) / BEST if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise TrainingError(
            f"{NAME} must be the folder of an evaluated run, or a .keras file. Received: {path}, without {file}."
        )
    return file


def start(model: keras.Model, path: str | Path) -> Started:
    """Gives a network the weights of another, layer by layer by their names.

    What is left out, such as a head for other classes, must be the last: no layer that takes weights may stand behind it.

    Args:
        model: functional `keras.Model`, which is changed.
        path: folder of a run, or a `.keras` file.

    Raises:
        TrainingError: for a file that cannot be read or whose layers do not go with the model's. Nothing is changed then.
    """
    try:
        source = keras.models.load_model(weights_of(path), compile=False)
    except TrainingError:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{NAME} must be a network that Keras can load. Received: {path}: {error}") from error
    given, wanted = ({layer.name: layer for layer in each.layers if layer.weights} for each in (source, model))
    new = {name: why for name, layer in wanted.items() if (why := _why_not(layer, given.get(name)))}
    taken = [name for name in wanted if name not in new]
    if not taken:
        raise TrainingError(
            f"{NAME} must hold layers of {model.name}, {', '.join(list(wanted)[:3])} and on. Received: {path}, with "
            f"{', '.join(list(given)[:3]) or 'none'}. Take a run of a network of the same kind and width."
        )
    behind = _behind(model, new)
    if wrong := [name for name in taken if name in behind]:
        first = next(name for name in new if wrong[0] in _behind(model, [name]))
        raise TrainingError(
            f"{NAME} must fit all but the last layers of {model.name}. Received: {path}, of which {first} does not "
            f"({new[first]}), and {wrong[0]} stands behind it. Take a run of a network of the same width."
        )
    for name in taken:
        wanted[name].set_weights(given[name].get_weights())
    return Started(taken, new, [name for name in given if name not in wanted])


def freeze_batch_norm(model: keras.Model) -> None:
    """Keeps statistics, gamma and beta of every batch norm as they are, in whatever layer it stands."""
    for layer in parts(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _why_not(layer, other):
    """Why a layer cannot take another's weights; empty if it can."""
    if other is None:
        return "not there"
    ours, theirs = ([tuple(weight.shape) for weight in each.weights] for each in (layer, other))
    if ours == theirs:
        return ""
    if len(ours) == len(theirs) and ours[-1] != theirs[-1] and len(ours[-1]) == len(theirs[-1]) == 1:
        return f"{ours[-1][0]} channels, not {theirs[-1][0]}"
    return "weights of other shapes"


def _behind(model, names):
    """Names of the layers of a model that read, at any distance, what some of its layers make."""
    own = {id(operation) for operation in model.operations}
    found, open_ends = set(), [model.get_layer(name) for name in names]
    while open_ends:
        for follower in followers(open_ends.pop()):
            if id(follower) in own and follower.name not in found:
                found.add(follower.name)
                open_ends.append(follower)
    return found
