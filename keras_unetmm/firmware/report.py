# SPDX-License-Identifier: Apache-2.0
"""What a network takes on the engine, as a table for people."""

from rich.table import Table


def as_table(title, result):
    """Returns the `rich.table.Table` of a network.

    Args:
        title: str.
        result: dict that `keras_unetmm.firmware.write.write` returned.
    """
    table = _table(title)
    table.add_row("memory", f"{result['ram_bytes']:,} B")
    if result["carried_bytes"]:
        table.add_row("  of it fast", f"{result['fast_bytes']:,} B")
        table.add_row("  of it carried, may be slow", f"{result['carried_bytes']:,} B")
    table.add_row("its lower bound, for this schedule", f"{result['ram_bound']:,} B")
    table.add_row("images in and out, if they are kept", f"{sum(map(sum, result['io_bytes'].values())):,} B")
    table.add_row("input is read", "x, ".join(map(str, result["input_reads"])) + "x")
    table.add_row("flash, constants", f"{result['flash_bytes']:,} B")
    stack = f"stack of the firmware on {result['board']}" if "board" in result else "stack on a Cortex-M7"
    for key, label in (("code_bytes", "flash, code on a Cortex-M7"), ("stack_bytes", stack)):
        value = result[key]
        table.add_row(label, "not measured: no cross-compiler" if value is None else f"{value:,} B")
    table.add_row("multiply-accumulates", f"{result['macs']:,}, {result['macs_ratio']:.2f} x the file's")
    for core, said in result["predicted"].items():
        time = said["estimate"]
        at = f"{time['clock_mhz']} MHz and {time['instructions_per_cycle']} instructions a cycle"
        table.add_row(f"instructions on a {core.replace('cortex-m', 'Cortex-M')}, predicted", f"{said['instructions']:,}")
        table.add_row(f"  estimate at {at}", f"{time['milliseconds']:,.0f} ms")
    table.add_row("schedule", f"{result['schedule']}, {len(result['passes'])} passes")
    for memory, said in result.get("memories", {}).items():
        if said["used"]:
            parts = ", ".join(part for part, name in result["placement"].items() if name == memory)
            table.add_row(f"{memory}: {parts}", f"{said['used']:,} of {said['bytes']:,} B")
    return table


def as_npu_table(title, result):
    """Returns the `rich.table.Table` of a network on an Ethos-U.

    Args:
        title: str.
        result: dict that `keras_unetmm.firmware.npu.write_npu` returned.
    """
    table = _table(title)
    table.add_row("operators, all on the NPU", f"{result['operators']:,}")
    table.add_row("arena, images included", f"{result['arena_bytes']:,} B")
    if result["fast_bytes"]:
        table.add_row("SRAM that is the NPU's alone", f"{result['fast_bytes']:,} B")
    table.add_row("weights, compressed", f"{result['weights_bytes']:,} B")
    table.add_row("command stream", f"{result['commands_bytes']:,} B")
    table.add_row("SRAM in all", f"{result['sram_bytes']:,} B")
    table.add_row("cycles of the NPU, predicted by Vela", f"{result['cycles']:,}")
    table.add_row("system and memory mode", f"{result['system_config']}, {result['memory_mode']}")
    if result["shuffles"]:
        table.add_row("pixel shuffles as convolutions, the same bytes", f"{result['shuffles']:,}")
    return table


def _table(title):
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    return table
