# SPDX-License-Identifier: Apache-2.0
"""Where recipes lie: in a file of the user's, in a checkout, or in the installed package."""

import difflib
from pathlib import Path

from keras_unetmm.types import PathLike

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "recipes", PACKAGE.parent / "recipes")  # in a wheel; in a checkout


def recipe_path(recipe: PathLike) -> Path:
    """Returns the file of a recipe, given a path or the name of a recipe of ours.

    Args:
        recipe: path of a Python file, or a name as of `recipe_names`. A file that is there goes first.

    Returns:
        `pathlib.Path`. The path as it was given, where it is no name.

    Raises:
        FileNotFoundError: for a name that no recipe has; it says which come close.

    Examples:
        >>> recipe_path("denoise_bsd_nafnet").name
        'denoise_bsd_nafnet.py'
    """
    path = Path(recipe)
    if path.is_file() or path.suffix or len(path.parts) > 1:
        return path
    for folder in FOLDERS:
        if (there := folder / f"{path.name}.py").is_file():
            return there
    names = recipe_names()
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5) or names
    raise FileNotFoundError(
        f"recipe must be the path of a Python file, or the name of a recipe of ours. Received: {path.name!r}. "
        f"{'Close to it' if len(close) < len(names) else 'There'} are: {', '.join(close)}."
    )


def recipe_names() -> list[str]:
    """Returns the names of the recipes that the package carries."""
    found = {path.stem for folder in FOLDERS for path in folder.glob("*.py") if _is_recipe(path)}
    return sorted(found)


def _is_recipe(path: Path) -> bool:
    return not path.name.startswith("_") and "\nrecipe = " in path.read_text()
