# SPDX-License-Identifier: Apache-2.0
"""`unetmm device`: a computer talks to a board that runs a network."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from keras_unetmm.cli.arguments import validate_folder_exists
from keras_unetmm.cli.errors import errors

if TYPE_CHECKING:
    from keras_unetmm.firmware.device.client import Device

device = typer.Typer(no_args_is_help=True, help="Run, test and measure a network on a board.")
_PORT = typer.Option(
    "--port",
    metavar="PORT",
    help="A serial port, socket://HOST:PORT, or an emulated board's project, which is started.",
)
_BAUD = typer.Option(help="Bits a second of a serial port.")
_JSON = typer.Option("--json", help="Print one JSON object.")


@device.command()
def run(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A photograph, or a .npy file of the network's input.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="A .png, or a .npy of its bytes.")],
    port: Annotated[str | None, _PORT] = None,
    coral: Annotated[
        Path | None,
        typer.Option(metavar="FILE.tflite", help="Instead of --port: this file on a Coral Edge TPU, or on the processor."),
    ] = None,
    fit: Annotated[str, typer.Option(help="An image of another size: crop takes its centre, resize all of it.")] = "crop",
    baud: Annotated[int, _BAUD] = 115200,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Send a photograph to a device row by row and write what comes back."""
    with errors():
        if output.suffix not in (".png", ".npy"):
            raise ValueError(f"--output must end in .png or .npy. Received: {output}.")
        validate_folder_exists(output)
        if not image.is_file():
            raise ValueError(f"IMAGE must be a file. Received: {image}, which is not there.")
        from keras_unetmm.firmware.device.images import loaded

        if coral is not None:
            if port is not None:
                raise ValueError(f"--coral and --port must not come together. Received: {coral} and {port}.")
            _run_coral(image, output, coral, fit, as_json)
            return
        with _opened(port, baud) as found:
            said = found.hello.description
            if len(said["inputs"]) != 1:
                raise ValueError(f"the network must have one input. Received: {len(said['inputs'])}. Use it from Python.")
            array, done = loaded(image, said["inputs"][0], fit)
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(f"{said['network']} on {said['board']}", total=_result_bytes(said))
                ran = found.run([array], progress=lambda _, taken: progress.update(task, completed=taken))
        _write_output(output, ran.outputs[0], said)
        if as_json:
            from keras_unetmm.firmware.device.figures import identity, times, used

            ends = {"input": str(image), "fitted": done or None, "output": str(output)}
            figures = {**times(found.hello, ran), **used(ran), "retries": ran.retries}
            typer.echo(json.dumps({**identity(found.hello), **ends, **figures}, indent=2))
            return
        took = _time(ran.ticks - ran.transfer, said, found.hello)
        Console().print(
            f"{output}: {said['network']} on {said['board']}{f', {done}' if done else ''}; {took}, {ran.seconds:.1f} s with "
            f"the transfer here; {ran.arena + ran.carried:,} of {said['ram_bytes']:,} bytes"
            + (f", {ran.stack:,} of stack" if ran.stack else "")
            + (f"; {ran.retries} frames were sent again" if ran.retries else ""),
            highlight=False,
            soft_wrap=True,
        )


def _run_coral(image, output, file, fit, as_json):
    """Runs a file on a Coral Edge TPU and writes what comes out."""
    from keras_unetmm.firmware.device.coral import described, run_coral
    from keras_unetmm.firmware.device.images import loaded

    array, done = loaded(image, described(file)["inputs"][0], fit)
    with Console(stderr=True).status(f"running {file}"):
        ran = run_coral(file, [array])
    _write_output(output, ran.outputs[0], ran.ports)
    if as_json:
        ends = {"input": str(image), "fitted": done or None, "output": str(output)}
        said = {"file": str(file), "edge_tpu": not ran.word, "word": ran.word, **ends, "seconds_computing": ran.seconds}
        typer.echo(json.dumps(said, indent=2))
        return
    where = f"on the processor, for the Edge TPU is not there: {ran.word}" if ran.word else "on the Edge TPU"
    Console().print(
        f"{output}: {file} {where}{f', {done}' if done else ''}; {ran.seconds * 1000:,.1f} ms",
        highlight=False,
        soft_wrap=True,
    )


@device.command("test")
def selftest(
    port: Annotated[str | None, _PORT] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE.tflite", help="Compare with what TFLM, or LiteRT in its place, makes of it now."),
    ] = None,
    baud: Annotated[int, _BAUD] = 115200,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Run the self-test of a device: its bytes against the file's, its memory and stack.

    Exit status 1: a test failed.
    """
    with errors():
        from keras_unetmm.engine.ports import CASES
        from keras_unetmm.firmware.device.bench import selftest as tests
        from keras_unetmm.interpreters.runtime import TITLES, reference_runtime

        with _opened(port, baud) as found, Console(stderr=True).status("self-test") as status:
            tested = tests(found, model, lambda case, paint: status.update(f"input {case}: {CASES[case]}"))
            said = found.hello.description
        if as_json:
            from keras_unetmm.firmware.device.figures import identity, used

            each_test = [
                {
                    "input": CASES[each.case],
                    "wrong": each.wrong,
                    "ticks": each.ticks,
                    **used(each),
                    "checksums": each.checksums,
                }
                for each in tested
            ]
            good = all(not each.wrong for each in tested)
            where = None if model is None else str(model)
            typer.echo(json.dumps({**identity(found.hello), "model": where, "selftest": good, "tests": each_test}, indent=2))
        else:
            table = Table(title=f"{said['network']} on {said['board']}", title_justify="left")
            for column in ("input", "", f"memory of {said['ram_bytes']:,} B", "stack", said["ticks"]):
                table.add_column(column, justify="left" if column in ("input", "") else "right", no_wrap=True)
            for each in tested:
                stack = f"{each.stack:,}" if each.stack else "-"
                cells = each.wrong or "ok", f"{each.arena + each.carried:,}", stack, f"{each.ticks:,}"
                table.add_row(CASES[each.case], *cells)
            Console(width=None if sys.stdout.isatty() else 100).print(table)
            here = f"of {model} on {TITLES[reference_runtime()]}"
            where = "that were right when the firmware was written" if model is None else here
            good = all(not each.wrong for each in tested)
            Console().print(f"ok: the bytes {where}" if good else "FAILED", highlight=False, soft_wrap=True)
    if any(each.wrong for each in tested):
        raise typer.Exit(1)


@device.command()
def bench(
    port: Annotated[str | None, _PORT] = None,
    runs: Annotated[int, typer.Option(min=1, help="Images.")] = 1,
    baud: Annotated[int, _BAUD] = 115200,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Measure a device: time with and without transfer, memory, stack."""
    with errors():
        from keras_unetmm.firmware.device.bench import bench as benched

        with _opened(port, baud) as found, Console(stderr=True).status("measuring") as status:
            result = benched(found, runs, status.update).as_json()
            hello = found.hello
        if as_json:
            typer.echo(json.dumps(result, indent=2))
            return
        computing, moving = (_time(result[key], hello.description, hello) for key in ("ticks_computing", "ticks_transfer"))
        rows = {
            "core": f"{result['core']}, {hello.clock_hz / 1e6:,.0f} MHz" if hello.clock_hz else result["core"],
            "computing": computing,
            f"{result['ticks']} a multiply-accumulate": f"{result['ticks_per_mac']:.2f}",
            "waiting for rows and sending results": moving,
            "all of it, on this computer's clock": f"{result['seconds_with_transfer_here']:.2f} s",
            "memory, used of stated": f"{result['arena_bytes']:,} of {result['ram_bytes']:,} B",
            "stack of the firmware": f"{result['stack_bytes']:,} B" if result["stack_bytes"] else "not known",
            "self-test": "ok" if result["selftest"] else "FAILED",
        }
        table = Table(title=f"{result['network']} on {result['board']}", title_justify="left", show_header=False)
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        for row in rows.items():
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 100).print(table)


@contextlib.contextmanager
def _opened(port: str | None, baud: int) -> Iterator["Device"]:
    """The `Device` behind a port, or of a project that is started here."""
    from keras_unetmm.firmware.device.client import Device
    from keras_unetmm.firmware.device.emulator import Emulated

    if not port:
        raise ValueError("--port must be a serial port, socket://HOST:PORT or a project's folder. Received: none.")
    if not Path(port).is_dir():
        with Device(port, baud) as found:
            yield found
        return
    with Console(stderr=True).status(f"building {port}"):
        emulated = Emulated(port)
    with emulated, Device(emulated.port) as found:
        yield found


def _result_bytes(said):
    from keras_unetmm.firmware.device.client import port_bytes

    return sum(port_bytes(port) for port in said["outputs"])


def _write_output(output, values, said):
    from keras_unetmm.atomic_write import atomic_write
    from keras_unetmm.firmware.device.images import picture

    with atomic_write(output) as temporary:
        if output.suffix == ".npy":
            import numpy as np

            with open(temporary, "wb") as file:
                np.save(file, values)
        else:
            picture(values, said["outputs"][0], said.get("kind")).save(temporary, format="PNG")


def _time(ticks, said, hello):
    """Ticks of a device's counter, for people."""
    if said["ticks"] == "instructions":
        return f"{ticks / 1e6:,.1f} M instructions"
    return f"{ticks / hello.tick_hz:.3f} s"
