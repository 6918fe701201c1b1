"""What a preset's firmware takes on every board that can be built here; writes the table in docs/denoiser-on-a-board.md.

    python benchmarks/boards.py [--preset denoise-tiled] [--size 128x128]

The network is made once. Its project is built for each board with all warnings as errors. Where the weights do not fit
into the flash on the chip, they go into the one beside it, as `unetmm firmware` says.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

from keras_unetmm.cli.arguments import parsed_size  # noqa: E402
from keras_unetmm.firmware import build  # noqa: E402
from keras_unetmm.firmware.boards.boards import BOARDS  # noqa: E402
from keras_unetmm.firmware.place import PlaceError, needs, placed  # noqa: E402
from keras_unetmm.firmware.project import project_files  # noqa: E402
from keras_unetmm.firmware.write import Wanted, default_name, generated  # noqa: E402
from keras_unetmm.presets.fetch import file_of  # noqa: E402

PAGE = ROOT / "docs" / "denoiser-on-a-board.md"
HEAD = "| board | memories | stack, at most | `--place` |\n|---|---|---|---|\n"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


def main():
    """Builds everything, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="denoise-tiled")
    parser.add_argument("--size", default="128x128", type=parsed_size)
    arguments = parser.parse_args()
    wanted = Wanted(size=arguments.size)
    made, code, _ = generated(file_of(arguments.preset), default_name(arguments.preset), wanted, print)
    figures, rows = made.description["figures"], ""
    required = needs(figures["fast_bytes"], figures["carried_bytes"], figures["flash_bytes"], code)
    for board in BOARDS.values():
        if board.regions:
            rows += row(board, made, required)
            print(rows.splitlines()[-1], flush=True)
    before, _, after = PAGE.read_text().partition(HEAD)
    PAGE.write_text(before + HEAD + rows + after[after.index("\n\n") + 1 :])


def row(board, made, required):
    """The row of a board, built without a warning."""
    place, built = placement(board, required)
    found = build.measured(board, project_files(board, made, built), made, STRICT)
    memories = ", ".join(f"{name} {said['used']:,}" for name, said in found.memories.items() if said["used"])
    return f"| `{board.name}` | {memories} | {found.stack:,} | {place} |\n"


def placement(board, required):
    """Where everything lies, and what `--place` has to say for it."""
    try:
        return "", placed(board, required)
    except PlaceError:
        external = next(region.name for region in board.regions if region.kind == "flash" and region.external)
        return f"weights={external}", placed(board, required, {"weights": external})


if __name__ == "__main__":
    main()
