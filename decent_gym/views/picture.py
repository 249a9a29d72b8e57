"""A round as a picture: both merit-order curves and the learner's state, 900 x 600 pixels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.models import Case, ClearedBook, Commodity, Money, Round, Side, Tariff
from decent_gym.units import eur, eur_per_kwh
from decent_gym.views.figures import (
    BLUE,
    DPI,
    GREY,
    INK,
    PALE,
    VERMILION,
    YELLOW,
    dress,
    legend,
    new_figure,
)
from decent_gym.views.merit import MeritSteps, energy_range, price_range
from decent_gym.views.wording import (
    kilowatt_hours,
    shortened,
    split_unit,
    time_words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 900
HEIGHT: Final = 600

_LEFT, _RIGHT = 0.755, 0.98
# Where both curves run along one tariff, the broader one shows on both sides of the other.
_SIDES: Final = ((Side.SELL, BLUE, 5.0), (Side.BUY, VERMILION, 2.8))
_CASE_WORDS: Final = {
    Case.NONE: "no trade",
    Case.EXACT: "nobody rationed",
    Case.MARGINAL_SELL: "sellers rationed",
    Case.MARGINAL_BUY: "buyers rationed",
}
_DASHES: Final = (0, (4, 3))
_MOST_STATES: Final = 4


def round_picture(
    record: Round, learner: str, index: int, state: Mapping[str, float]
) -> npt.NDArray[np.uint8]:
    """uint8 (600, 900, 3); see :func:`render_round`."""
    figure = new_figure("render_mode='rgb_array'", WIDTH / DPI, HEIGHT / DPI)
    for commodity, bottom in ((Commodity.ELECTRICITY, 0.59), (Commodity.HEAT, 0.095)):
        axes = figure.add_axes((0.075, bottom, 0.595, 0.345))
        _draw_book(axes, commodity, record, index)
    _draw_learner(figure, record, learner, index, state)
    _draw_legend(figure)
    canvas: Any = figure.canvas
    canvas.draw()
    return np.array(np.asarray(canvas.buffer_rgba())[..., :3])


# -- one book ----------------------------------------------------------------------------------


def _draw_book(axes: "Axes", commodity: Commodity, record: Round, index: int) -> None:
    book = record.books[commodity]
    retail, feed_in = (int(record.tariffs[commodity, k]) for k in (Tariff.RETAIL, Tariff.FEED_IN))
    dress(axes)
    axes.set_xlim(0, energy_range(book))
    low, high = price_range(book, retail, feed_in)
    axes.set_ylim(low, high)
    axes.locator_params(axis="y", nbins=7)
    axes.set_ylabel("EUR/kWh", fontsize=8, color=INK)
    axes.set_xlabel("kWh, cumulative", fontsize=8, color=INK, labelpad=2)
    _draw_title(axes, commodity, book)
    _draw_tariffs(axes, eur_per_kwh(retail), eur_per_kwh(feed_in), (high - low) / 15)
    _draw_price(axes, book)
    for side, colour, broad in _SIDES:
        steps = MeritSteps.of(book, side)
        _draw_own(axes, steps, index)
        x, y = steps.line(high if side == Side.SELL else low)
        axes.plot(x, y, color=colour, linewidth=1.0, zorder=4)
        x, y = steps.accepted_line()
        axes.plot(x, y, color=colour, linewidth=broad, solid_capstyle="butt", zorder=5)
    if not len(book.offered):
        _centred(axes, "no orders in this book")


def _draw_title(axes: "Axes", commodity: Commodity, book: ClearedBook) -> None:
    axes.set_title(commodity.name.lower(), fontsize=10, color=INK, loc="left", weight="bold")
    text = _CASE_WORDS[book.case]
    if book.price is not None:
        energy, price = kilowatt_hours(book.volume), eur_per_kwh(book.price)
        text = f"{energy:.3f} kWh at {price:.4f} EUR/kWh, {text}"
    axes.set_title(text, fontsize=9, color=INK, loc="right")


def _draw_tariffs(axes: "Axes", retail: float, feed_in: float, apart: float) -> None:
    """Dotted lines with their names, which share a place where they would overlap."""
    names = [(retail, "retail"), (feed_in, "feed-in")]
    if retail - feed_in < apart:
        names = [((retail + feed_in) / 2, "tariffs")]
    for price in (retail, feed_in):
        axes.axhline(price, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2)
    for y, name in names:
        axes.text(
            1.01, y, name, fontsize=7, color=GREY, va="center", transform=axes.get_yaxis_transform()
        )


def _draw_price(axes: "Axes", book: ClearedBook) -> None:
    """The traded stretch, the interval of valid prices and the price itself."""
    if book.price is None:
        return
    axes.axvspan(0, kilowatt_hours(book.volume), color=PALE, alpha=0.45, linewidth=0, zorder=0)
    if book.price_low is not None and book.price_high is not None:
        low, high = eur_per_kwh(book.price_low), eur_per_kwh(book.price_high)
        axes.axhspan(low, high, color=GREY, alpha=0.3, linewidth=0, zorder=1)
    axes.axhline(eur_per_kwh(book.price), color=INK, linewidth=1.0, linestyle=_DASHES, zorder=5.5)


def _draw_own(axes: "Axes", steps: MeritSteps, index: int) -> None:
    """A highlighter along the learner's steps, and a dot so that the shortest is seen."""
    for row in np.flatnonzero(steps.owner == index):
        x, y = [steps.begin[row], steps.end[row]], [steps.price[row]] * 2
        axes.plot(x, y, color=YELLOW, linewidth=9, solid_capstyle="butt", zorder=3)
        axes.plot(
            [sum(x) / 2], y[:1], "o", color=YELLOW, markersize=6, markeredgecolor=INK,
            markeredgewidth=1, zorder=6,
        )  # fmt: skip


def _centred(axes: "Axes", text: str) -> None:
    axes.text(
        0.5, 0.5, text, fontsize=10, color=GREY, ha="center", va="center",
        transform=axes.transAxes,
    )  # fmt: skip


# -- the side panel ----------------------------------------------------------------------------


def _draw_learner(
    figure: "Figure", record: Round, learner: str, index: int, state: Mapping[str, float]
) -> None:
    size = 12.0 if len(learner) <= 16 else 8.0
    _words(figure, 0.955, shortened(learner, 24), size=size, weight="bold")
    _words(figure, 0.92, time_words(record))
    _words(figure, 0.89, f"round {record.number}")
    y = _draw_state(figure, 0.83, state)
    y = _draw_energy(figure, y - 0.03, record, index)
    _draw_money(figure, y - 0.03, record, index)


def _draw_state(figure: "Figure", y: float, state: Mapping[str, float]) -> float:
    """Levels as bars, everything else as numbers; returns where the next block may begin."""
    from matplotlib.patches import Rectangle

    for name, value in list(state.items())[:_MOST_STATES]:
        label, unit = split_unit(name)
        _words(figure, y, shortened(label, 18))
        if unit != "%":
            _words(figure, y, f"{value:+z.3f} {unit}", right=True)
            y -= 0.04
            continue
        _words(figure, y, f"{value:.0f} %", right=True)
        wide = _RIGHT - _LEFT
        share = min(max(value, 0.0), 100.0) / 100
        for width, colour in ((wide, PALE), (wide * share, BLUE)):
            figure.add_artist(Rectangle((_LEFT, y - 0.03), width, 0.016, color=colour, linewidth=0))
        y -= 0.065
    return y


def _draw_energy(figure: "Figure", y: float, record: Round, index: int) -> float:
    _words(figure, y, "kWh drawn", colour=GREY)
    _words(figure, y, "traded", right=True, x=0.9, colour=GREY)
    _words(figure, y, "metered", right=True, colour=GREY)
    for commodity in Commodity:
        y -= 0.033
        _words(figure, y, commodity.name.lower())
        for table, x in ((record.traded, 0.9), (record.metered, _RIGHT)):
            _words(figure, y, f"{kilowatt_hours(table[index, commodity]):+z.3f}", right=True, x=x)
    return y - 0.033


def _draw_money(figure: "Figure", y: float, record: Round, index: int) -> None:
    _words(figure, y, "EUR received", colour=GREY)
    rows = [(kind.name.lower(), int(record.money[kind, index])) for kind in Money]
    for name, amount in [*rows, ("this round", int(record.money[:, index].sum()))]:
        y -= 0.033
        _words(figure, y, name)
        _words(figure, y, f"{eur(amount):+z.4f}", right=True)


def _words(
    figure: "Figure", y: float, text: str, *, x: float | None = None, right: bool = False,
    size: float = 9, weight: str = "normal", colour: str = INK,
) -> None:  # fmt: skip
    where = x if x is not None else (_RIGHT if right else _LEFT)
    figure.text(
        where, y, text, fontsize=size, color=colour, weight=weight, va="center",
        ha="right" if right else "left",
    )  # fmt: skip


def _draw_legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=BLUE, linewidth=5.0, label="supply (thick: accepted)"),
        Line2D([], [], color=VERMILION, linewidth=2.8, label="demand (thick: accepted)"),
        Line2D([], [], color=YELLOW, linewidth=9, marker="o", markersize=6, markeredgecolor=INK,
               label="own offers"),
        Line2D([], [], color=INK, linewidth=1.0, linestyle=_DASHES, label="clearing price"),
        Patch(color=GREY, alpha=0.3, linewidth=0, label="valid prices"),
        Patch(color=PALE, alpha=0.6, linewidth=0, label="traded volume"),
    ]  # fmt: skip
    legend(figure, handles, loc="lower left", bbox_to_anchor=(_LEFT - 0.012, 0.03), fontsize=8)
