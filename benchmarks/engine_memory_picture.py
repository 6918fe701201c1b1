"""The picture of benchmarks/engine_memory.py: memory against computing, on the engine, in tiles and on stock TFLM."""

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

STYLES = {"UNet--": ("C0", "o"), "full skips": ("C3", "^"), "no skips": ("C2", "s")}


def draw(path, rows, side):
    """Draws a curve of the engine for each kind of skips, tiles beside it, and stock TFLM.

    Args:
        path: of the picture, a PNG.
        rows: list of dicts, as benchmarks/engine_memory.py writes them.
        side: int, height and width of the networks to draw.
    """
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    axes = figure.subplots()
    for name, (color, mark) in STYLES.items():
        here = [row for row in rows if row["network"] == name and row["size"] == [side, side]]
        if not here:
            continue
        engine = points(here, "engine, rows", "engine, strips")
        axes.plot(*engine, f"{mark}-", color=color, markersize=6, linewidth=2, label=f"engine, by rows: {name}")
        axes.plot(
            *points(here, "tiles"), f"{mark}--", color=color, markerfacecolor="white", alpha=0.8, label=f"tiles: {name}"
        )
    stock = [r for r in rows if r["kind"] == "stock TFLM" and r["network"] == "UNet--" and r["size"] == [side, side]]
    axes.plot(*points(stock, "stock TFLM"), "k*", markersize=14, linestyle="none", label="stock TFLM, whatever the skips")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=2))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlim(right=axes.get_xlim()[1] * 1.3)
    axes.set(xlabel="RAM in KiB, all of it but image buffers", ylabel="multiply-accumulates, millions an image")
    axes.set_title(
        f"NAFNet of width 16, four levels, {side}x{side}x3 in int8: memory against computing", loc="left", fontsize=10
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    figure.savefig(path, dpi=150)


def points(rows, *kinds):
    """KiB and millions of multiply-accumulates of some kinds of rows, the smallest first."""
    found = sorted((row["ram_bytes"] / 1024, row["macs"] / 1e6) for row in rows if row["kind"] in kinds)
    return [memory for memory, _ in found], [computing for _, computing in found]
