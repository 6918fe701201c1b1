"""The picture of benchmarks/engine_memory.py: memory against computing, on the engine, in tiles and on stock TFLM."""

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

STYLES = {"UNet--": ("C0", "o"), "full skips": ("C3", "^"), "no skips": ("C2", "s"), "SAT": ("C1", "D")}
U_NET, U_NET_SIDE = "U-Net, ", 128  # what the names of the second panel's rows begin with, and their size


def draw(path, rows, side):
    """Draws a curve of the engine for each kind of skips, tiles beside it, and stock TFLM; the U-Nets in a panel of theirs.

    Args:
        path: of the picture, a PNG.
        rows: list of dicts, as benchmarks/engine_memory.py writes them.
        side: int, height and width of the NAFNets to draw.
    """
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    panel(left, [row for row in rows if row["size"] == [side, side]], "UNet--")
    left.set_title(f"Denoising: NAFNet of width 16, {side}x{side}x3, int8", loc="left", fontsize=10)
    left.set_ylabel("multiply-accumulates, millions an image")
    u_nets = [row for row in rows if row["network"].startswith(U_NET) and row["size"] == [U_NET_SIDE, U_NET_SIDE]]
    panel(right, [{**row, "network": row["network"].removeprefix(U_NET)} for row in u_nets], "full skips")
    right.set_title(f"Segmentation: U-Net of width 8, {U_NET_SIDE}x{U_NET_SIDE}x3, int8", loc="left", fontsize=10)
    figure.savefig(path, dpi=150)


def panel(axes, rows, of_stock):
    """Draws one network with its kinds of skips.

    Args:
        axes: of matplotlib.
        rows: list of dicts, of one size; `network` is the kind of skips.
        of_stock: str, the kind of skips whose arena on stock TFLM is drawn.
    """
    if not rows:  # of a run with --only, so far
        axes.set_axis_off()
        return
    for name, (color, mark) in STYLES.items():
        here = [row for row in rows if row["network"] == name]
        if not here:
            continue
        engine = points(here, "engine, rows", "engine, strips")
        axes.plot(*engine, f"{mark}-", color=color, markersize=6, linewidth=2, label=f"engine, by rows: {name}")
        hollow = {"markerfacecolor": "white", "alpha": 0.8}
        axes.plot(*points(here, "tiles"), f"{mark}--", color=color, label=f"tiles: {name}", **hollow)
    stock = [row for row in rows if row["network"] == of_stock]
    axes.plot(*points(stock, "stock TFLM"), "k*", markersize=14, linestyle="none", label=f"stock TFLM: {of_stock}")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=2))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlim(right=axes.get_xlim()[1] * 1.3)
    axes.set_xlabel("RAM in KiB, all of it but image buffers")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="best")


def points(rows, *kinds):
    """KiB and millions of multiply-accumulates of some kinds of rows, the smallest first."""
    found = sorted((row["ram_bytes"] / 1024, row["macs"] / 1e6) for row in rows if row["kind"] in kinds)
    return [memory for memory, _ in found], [computing for _, computing in found]
