# SPDX-License-Identifier: Apache-2.0
"""A board's project: the network's folder, start-up code, linker's script, the protocol, and how to build it."""

import json
from dataclasses import replace

from keras_unetmm.engine.folder import FORMAT, MANIFEST, Folder, sha256
from keras_unetmm.engine.store import NETWORK, save, validate_folder
from keras_unetmm.engine.text import checked_name
from keras_unetmm.firmware import build, fitting
from keras_unetmm.firmware.boards.boards import board as board_of
from keras_unetmm.firmware.boards.npus import NPUS
from keras_unetmm.firmware.linker import script
from keras_unetmm.firmware.network_c import PROTOCOL, C, firmware
from keras_unetmm.firmware.npu import write_npu
from keras_unetmm.firmware.packages import packages
from keras_unetmm.firmware.place import needs, parsed
from keras_unetmm.firmware.project_files import cmake, config, readme, toolchain
from keras_unetmm.firmware.write import Limits, generated, report
from keras_unetmm.tflite_file.metadata import metadata

_CODE = 32768  # bytes of the engine's code, where no cross-compiler measured them


def write_project(content, output, name, board, wanted, place="", progress=None, source=None):
    """Writes a board's project around the folder of a network and returns what is to know of it.

    Where the board's compiler is installed the project is built once, and its sizes are those of that build.

    Args:
        content, output, name, wanted, progress: as for `keras_unetmm.firmware.write.write`.
        board: str, the name of a board.
        place: str, such as `"fast=DTCM,carried=SDRAM"`; with `carried`, the carried maps lie apart from the rest.
        source: str, what the command line called the network, for the command that fits if this one does not.

    Returns:
        dict as of `write`, with `board`, `placement`, `memories` and `stack_bytes` of the whole firmware; for an NPU that of
        `keras_unetmm.firmware.npu.write_npu`.

    Raises:
        BoardError: a `ValueError`, for an unknown board or memory, and for a network that does not fit into its memories.
        ValueError: as `write`.
    """
    said, target = progress or (lambda what: None), board_of(board)
    if target.name in NPUS:
        return write_npu(content, output, name, target, wanted, place, progress)
    checked_name(name)
    wished = parsed(place, target)
    if "carried" in wished and wanted.memories == 1:
        wanted = replace(wanted, memories=2)
    validate_folder(output, name, board)
    asked = fitting.Asked(content, output, target, wanted, wished, source or name)
    limits = Limits(
        lambda weights: fitting.validate_weights(asked, weights),
        lambda schedule, networks: fitting.validate_memory(asked, schedule, networks, said),
    )
    made, code, _ = generated(content, name, wanted, said, limits)
    made.description["kind"] = ((metadata(content) or {}).get("output") or {}).get("kind")
    figures = made.description["figures"]
    required = needs(figures["fast_bytes"], figures["carried_bytes"], figures["flash_bytes"], code or _CODE)
    placement = fitting.validated_placement(asked, required)
    files = project_files(target, made, placement)
    built = None
    if not target.package and not build.lacking(target):
        said(f"compiling for {board}")
        built = build.measured(target, files, made)
    whole = project(target, made, placement, built)
    said("writing")
    save(whole, output)
    result = report(made, code, None if built is None else built.stack)
    return {
        **result,
        **{key: whole.description[key] for key in ("board", "placement", "memories")},
        "files": sorted(whole.files),
    }


def project_files(target, made, placement):
    """Returns a dict from paths to texts: all of a project but what is told of its sizes.

    Args:
        target: `Board`.
        made: `Folder` of the network.
        placement: `Placement`.
    """
    if target.package:
        return packages.FILES[target.name](target, made, placement)
    files = {f"{NETWORK}/{file}": text for file, text in made.files.items()}
    files |= {f"device/{file}": (C / file).read_text() for file in PROTOCOL}
    files["device/unetmm_firmware.c"] = firmware(target, made)
    files["CMakeLists.txt"] = cmake(target, made.name)
    files |= {f"board/{file}": (C / file).read_text() for file in target.sources}
    if target.regions:
        files["main.c"] = (C / "main.c").read_text()
        files["board/board.h"] = (C / "board.h").read_text()
        files["board/board_config.h"] = config(target)
        files["board/memory.ld"] = script(target, placement)
        files["board/toolchain.cmake"] = toolchain(target)
    return files


def project(target, made, placement, built=None):
    """Returns the `Folder` of a project.

    Args:
        target: `Board`.
        made: `Folder` of the network.
        placement: `Placement`.
        built: `keras_unetmm.firmware.build.Built`, or None if its sizes are not known.
    """
    files = project_files(target, made, placement)
    memories = {} if built is None else built.memories
    said = {
        "format": FORMAT,
        "name": made.name,
        "board": target.name,
        "network": made.description["source_sha256"],
        "placement": {part: region.name for part, region in sorted(placement.regions.items())},
        "memories": memories,
        "stack_bytes": None if built is None else built.stack,
    }
    files = files if target.package else {**files, "README.md": readme(target, made, placement, built)}
    said["files"] = {file: sha256(text) for file, text in sorted(files.items())}
    files[MANIFEST] = json.dumps(said, indent=1, sort_keys=True) + "\n"
    return Folder(made.name, files, said)
