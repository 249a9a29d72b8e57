"""Mechanisms side by side as one picture: efficiency, who gets the gains, prices, who gains."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError
from decent_gym.views.figures import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    YELLOW,
    dress,
    legend,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.float64]
Report = Mapping[str, Any]

_WHO: Final = (
    ("members_eur", BLUE, "members"),
    ("network_eur", SKY, "heat network"),
    ("utility_eur", YELLOW, "utility"),
    ("operator_eur", ORANGE, "operator's budget"),
)
_COLOURS: Final = {"electricity": BLUE, "heat": VERMILION}
_WIDTH: Final = 14.0
_LEFT, _RIGHT = 0.16, 0.985
_ROW: Final = 0.3  # inches a mechanism
_MOST_NUMBERS, _MOST_NAMES = 24, 40


def plot_comparison(
    report: Report, prices: Mapping[str, Mapping[str, FloatArray]], path: str | Path
) -> Path:
    """Draw a comparison into a PNG.

    Above, a row a mechanism: efficiency with its interval, who gets the gains, and how prices are
    spread (5 to 95 % thin, the middle half thick, the median white).  Below, every member's
    savings under each mechanism.

    Parameters
    ----------
    report : mapping
        What ``decent-gym compare --json`` prints.
    prices : mapping
        EUR/kWh of the books with trade, by commodity and mechanism.
    path : str or Path
        Must end in ``.png``; an existing file is replaced.

    Raises
    ------
    InputError
        For a path that does not end in ``.png``.
    MissingExtraError
        Without matplotlib.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"path of a plot must end in '.png', got {str(path)!r}")
    entries = [entry for entry in report["mechanisms"] if entry["rules"] is not None]
    names = [entry["name"] for entry in entries]
    members = list(entries[0]["savings_eur"])
    upper, lower = _ROW * len(names) + 0.2, 0.24 * len(names) + 0.2
    height = upper + lower + 3.1
    figure = new_figure("drawing a comparison", _WIDTH, height)
    _title(figure, report, height)
    bottom = 1 - (0.95 + upper) / height
    panels = _row_of_axes(figure, 2 + len(prices), bottom, upper / height)
    for axes in panels:
        _rows(axes, names, labels=axes is panels[0])
    _draw_efficiency(panels[0], entries)
    _draw_gains(panels[1], entries)
    for axes, (commodity, by_name) in zip(panels[2:], prices.items(), strict=True):
        _draw_prices(axes, commodity, [by_name[name] for name in names])
    spread = "line: 5 to 95 % of books, bar: the middle half, circle: median"
    figure.text(panels[2].get_position().x0, bottom - 0.42 / height, spread, fontsize=8, color=GREY)
    area = (_LEFT, 1.1 / height, _RIGHT - _LEFT, lower / height)
    _draw_savings(figure.add_axes(area), entries, members)
    # the version of matplotlib in the file would make equal pictures differ
    figure.savefig(path, format="png", metadata={"Software": None})
    return path


def _row_of_axes(figure: "Figure", count: int, bottom: float, height: float) -> list["Axes"]:
    gap = 0.025
    width = (_RIGHT - _LEFT - gap * (count - 1)) / count
    return [
        figure.add_axes((_LEFT + k * (width + gap), bottom, width, height)) for k in range(count)
    ]


def _title(figure: "Figure", report: Report, height: float) -> None:
    interval = report["interval"]
    count = len(report["mechanisms"]) - 1  # the first is no rule
    big = f"the same {report['books']:,} books under {count} {'rule' if count == 1 else 'rules'}"
    small = f"{report['static']}; values: {report['values']}; intervals: 95 % over "
    small += f"{interval['units']} {interval['unit']}s"
    top = 1 - 0.15 / height
    figure.text(_LEFT, top, big, fontsize=13, color=INK, weight="bold", va="top")
    figure.text(_RIGHT, top, small, fontsize=9, color=GREY, ha="right", va="top", parse_math=False)


def _rows(axes: "Axes", names: Sequence[str], *, labels: bool) -> None:
    dress(axes, 9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names if labels else [""] * len(names))
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)


def _draw_efficiency(axes: "Axes", entries: Sequence[Mapping[str, Any]]) -> None:
    figures = [entry["figures"]["all"]["efficiency"] for entry in entries]
    for row, figure in enumerate(figures):
        value = 100 * (figure["value"] or 0)
        axes.barh(row, value, height=0.62, color=BLUE, alpha=0.85)
        if figure["low"] is not None:
            ends = [100 * figure["low"], 100 * figure["high"]]
            axes.plot(ends, [row, row], color=INK, linewidth=1.3, marker="|", markersize=5)
        words = "" if figure["value"] is None else f" {value:.1f}"
        right = max(value, 100 * (figure["high"] or 0))
        axes.text(right, row, words, fontsize=8, color=INK, va="center")
    axes.set_xlim(min(0, *(100 * (f["low"] or f["value"] or 0) for f in figures)), 118)
    axes.set_xticks(range(0, 101, 25))
    _heading(axes, "efficiency, % of all gains")


def _draw_gains(axes: "Axes", entries: Sequence[Mapping[str, Any]]) -> None:
    """Gains to the right, losses and deficits to the left; they sum to the welfare."""
    for row, entry in enumerate(entries):
        figures = entry["figures"]["all"]
        ends = [0.0, 0.0]
        for name, colour, _ in _WHO:
            value = figures[name]["value"] or 0.0
            side = int(value < 0)
            axes.barh(row, value, left=ends[side], height=0.62, color=colour)
            ends[side] += value
        axes.plot(figures["welfare_eur"]["value"], row, marker="|", color=INK, markersize=11)
    axes.axvline(0, color=GREY, linewidth=0.8)
    _heading(axes, "who gets the gains, EUR")
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown = [who for who in _WHO if any(_seen(entry, who[0]) for entry in entries)]
    handles: list[Any] = [Patch(color=colour, label=words) for _, colour, words in shown]
    total = Line2D([], [], color=INK, marker="|", linestyle="none", markersize=9, label="all")
    axes.locator_params(axis="x", nbins=5)
    below = axes.get_position().y0 - 0.45 / axes.figure.get_figheight()  # type: ignore[union-attr]
    legend(
        axes.figure, [*handles, total], ncols=5, columnspacing=1.0, handlelength=1.2, fontsize=8,
        loc="center right", bbox_to_anchor=(axes.get_position().x1 + 0.01, below + 0.01),
    )  # fmt: skip


def _seen(entry: Mapping[str, Any], name: str) -> bool:
    value: float = entry["figures"]["all"][name]["value"] or 0.0
    return abs(value) >= 0.005


def _draw_prices(axes: "Axes", commodity: str, prices: Sequence[FloatArray]) -> None:
    colour = _COLOURS.get(commodity, BLUE)
    for row, values in enumerate(prices):
        if not len(values):
            axes.text(0.02, row, "no trade", fontsize=8, color=GREY, va="center",
                      transform=axes.get_yaxis_transform())  # fmt: skip
            continue
        low, lower, middle, upper, high = 100 * np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
        axes.plot([low, high], [row, row], color=colour, linewidth=1.5)
        axes.plot([lower, upper], [row, row], color=colour, linewidth=8, solid_capstyle="butt")
        axes.plot(middle, row, marker="o", color="white", markeredgecolor=colour, markersize=5)
    axes.margins(x=0.06)
    _heading(axes, f"prices of {commodity}, ct/kWh")


def _draw_savings(
    axes: "Axes", entries: Sequence[Mapping[str, Any]], members: Sequence[str]
) -> None:
    """Savings in EUR as numbers on a colour: blue gains, red losses."""
    table = np.array([[entry["savings_eur"][name] for name in members] for entry in entries])
    most = max(float(np.abs(table).max()), 1e-9)
    shade = np.sign(table) * np.sqrt(np.abs(table) / most)  # small ones are to be seen beside large
    axes.imshow(shade, cmap="RdBu", vmin=-1.3, vmax=1.3, aspect="auto")
    dress(axes, 9)
    axes.grid(False)
    axes.set_yticks(range(len(entries)), [entry["name"] for entry in entries])
    if len(members) <= _MOST_NAMES:
        axes.set_xticks(range(len(members)), members, rotation=30, ha="right")
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(members)} members", fontsize=9, color=INK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(members) <= _MOST_NUMBERS:
        digits = 0 if most >= 100 else 2
        for (row, column), value in np.ndenumerate(table):
            words = f"{value + 0.0:,.{digits}f}"
            words = words.replace("-0", "0") if float(words.replace(",", "")) == 0 else words
            ink = "white" if abs(shade[row, column]) > 0.85 else INK
            axes.text(column, row, words, fontsize=8, ha="center", va="center", color=ink)
    _heading(axes, "who gains: members' savings against no local market, EUR")


def _heading(axes: "Axes", text: str) -> None:
    axes.set_title(text, fontsize=10, color=INK, loc="left", weight="bold", pad=5)
