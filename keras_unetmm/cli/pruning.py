# SPDX-License-Identifier: Apache-2.0
"""`unetmm pruning`: pictures of what pruning did."""

from pathlib import Path
from typing import Annotated

import typer

from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors


def pruning(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs, one at least pruned.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pictures.")],
    metric: Annotated[str | None, typer.Option(help="Column of the logs; without, the first metric.")] = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
) -> None:
    """Draw runs that lost channels: figures 3 to 7 of Lean U-Net.

    Beside them may stand runs of --architecture-from, on what they kept, and of whole networks. Seeds of one row are folders
    of one name with -0, -1 and on behind it.
    """
    with errors():
        choose_backend(backend)
        with quiet_backend():
            from keras_unetmm.pruning.figures import draw_figures
        made = draw_figures(runs, out, metric)
    for path in made:
        typer.echo(path)
