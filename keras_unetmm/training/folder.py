# SPDX-License-Identifier: Apache-2.0
"""The folder of a run: whose it is, whether there is room, and files that are never half written."""

import contextlib
import csv
import json
import shutil
from pathlib import Path

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.deprecation import ON_ERROR

STATE, RUN, RECIPE, LOG = "state.npz", "run.json", "recipe.py", "log.csv"
BEST, LAST, SCORES = "best.keras", "last.keras", "scores.json"
KEPT, CRITERION = "kept_*.keras", "criterion_*.json"  # of a network that loses channels, a number for *: percent left
PROBE = "probe"
EXAMPLES = "examples.png"  # of the data, drawn before the run begins
RENAMED = {"damaged": "on_error", "structure": "architecture_from"}  # keys of run.json, by those of older versions
OURS = STATE, RUN, RECIPE, LOG, BEST, LAST, SCORES, PROBE, KEPT, CRITERION


def kept(name, share):
    """The file of a share of the channels: `kept(KEPT, 0.75)` is `kept_75.keras`."""
    return name.replace("*", f"{100 * share:g}")


class TrainingError(ValueError):
    """A run that cannot begin or go on, and why."""


@contextlib.contextmanager
def writing(path):
    """Yields a temporary path beside `path` that replaces it when all went well.

    Raises:
        TrainingError: if it cannot be written, such as on a full disk; what was there stays.
    """
    path = Path(path)
    try:
        with atomic_write(path) as temporary:
            yield temporary
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be written: {error.strerror or error}. Free space; the same command goes on from the last save."
        ) from error


class RunFolder:
    """One run's folder, held by one process at a time until it is closed.

    Args:
        path: of the folder; made if it is not there.
        identity: dict of what must be the same for a run to go on: recipe, steps, backend, ...
        versions: dict of what is written down beside it.
        recipe_file: path of the recipe, which is kept in the folder.
        chief: bool, whether this process writes; of several hosts one does.

    Raises:
        TrainingError: if the folder cannot be written, another process trains there, or it holds another run.
    """

    def __init__(self, path, identity, versions, recipe_file, chief=True):
        self.path, self.lock = Path(path), None
        if not chief:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock = open(self.path / ".lock", "w")  # noqa: SIM115 - held until __exit__
        except OSError as error:
            raise TrainingError(f"--out {self.path} cannot be written: {error.strerror}. Choose another folder.") from error
        try:
            self._begin(identity, versions, recipe_file)
        except BaseException:
            self.lock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.lock is not None:
            self.lock.close()

    def _begin(self, identity, versions, recipe_file):
        self._hold()
        self._validate_identity(identity)
        for name in (*OURS, "pictures/*"):
            for leftover in self.path.glob(f"{Path(name).parent}/.{Path(name).stem}-????????*"):
                leftover.unlink()  # of a process that was killed while it wrote
        if not (self / STATE).exists():  # the run begins: what a kill before the first save left goes
            for name in OURS:
                for leftover in self.path.glob(name):
                    leftover.unlink()
            with writing(self / RUN) as temporary:
                Path(temporary).write_text(json.dumps(identity | versions, indent=2))
            with writing(self / RECIPE) as temporary:
                shutil.copyfile(recipe_file, temporary)

    def __truediv__(self, name):
        return self.path / name

    def need(self, size):
        """Raises `TrainingError` if `size` bytes cannot be written: before time is lost, not after.

        Of several hosts only the one that writes asks: two would write and remove the same file.
        """
        if self.lock is None:
            return
        with writing(self / PROBE):
            pass
        (self / PROBE).unlink()
        free = shutil.disk_usage(self.path).free
        if free < size:
            raise TrainingError(
                f"--out {self.path} needs {size / 1e6:,.0f} MB for what the run saves. Received: {free / 1e6:,.0f} MB free. "
                "Free space or choose another disk."
            )

    def log(self, history):
        """Writes the log again from the saved history, so that no step is in it twice after a kill."""
        columns = list(dict.fromkeys(key for row in history for key in row))
        with writing(self / LOG) as temporary, open(temporary, "w", newline="") as file:
            table = csv.DictWriter(file, columns)
            table.writeheader()
            table.writerows(history)

    def _hold(self):
        import fcntl

        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"--out {self.path} is in use: another process trains there. Wait for it or stop it."
            ) from None
        except OSError as error:
            raise TrainingError(
                f"--out {self.path} must be on a disk that can lock files. Received: {error.strerror}."
            ) from error

    def _validate_identity(self, identity):
        if not (self / RUN).exists():
            others = [
                path.name
                for path in self.path.iterdir()
                if path.name not in (".lock", EXAMPLES) and not path.name.startswith((".run-", ".examples-"))
            ]
            if others:
                raise TrainingError(
                    f"--out {self.path} must be empty or a run's folder. Received: one with {sorted(others)[0]}."
                )
        if not (self / STATE).exists():
            return
        before = _by_new_names(read_json(self / RUN))
        changed = [key for key in identity if before.get(key) != identity[key]]
        if changed:
            what = "; ".join(_difference(key, before.get(key), identity[key]) for key in changed)
            raise TrainingError(f"--out {self.path} holds another run: {what}. Choose another folder, or delete this one.")


def read_json(path):
    """Reads what a run wrote about itself."""
    try:
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise TrainingError(f"{path} must be there, the folder of a run. Received: {error.strerror}.") from error
    except ValueError as error:
        raise TrainingError(f"{path} is damaged: {error}. Delete the run's folder.") from error


def _by_new_names(about):
    """What run.json says, also where an older version wrote it."""
    about = {RENAMED.get(key, key): value for key, value in about.items()}
    return about | {"on_error": ON_ERROR.get(about.get("on_error"), about.get("on_error"))}


def hours(run):
    """Hours from the beginning of a finished run to its scores, pauses included."""
    return round(((run / SCORES).stat().st_mtime - (run / RUN).stat().st_mtime) / 3600, 2)


def _difference(key, before, now):
    if key == "recipe":
        return "its recipe has another text (see recipe.py in it)"
    return f"{key} was {before!r} and is {now!r} now"
