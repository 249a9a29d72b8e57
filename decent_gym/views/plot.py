"""Many rounds as one picture: prices, volumes, and where electricity and heat came from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from decent_gym.errors import InputError
from decent_gym.models import Commodity, Round
from decent_gym.units import ROUND_MINUTES
from decent_gym.views.figures import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    dress,
    legend,
    new_figure,
)
from decent_gym.views.series import FloatArray, MarketSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT = 0.07, 0.8
_SECONDS_PER_DAY: Final = 86_400
_COLOURS: Final = {Commodity.ELECTRICITY: BLUE, Commodity.HEAT: VERMILION}
_UTILITY_WORDS: Final = {
    Commodity.ELECTRICITY: "net: from (+) or\nto (–) the main grid",
    Commodity.HEAT: "net: from (+) or to (–)\nthe backup boiler",
}
_METER_WORDS: Final = {
    Commodity.ELECTRICITY: "electricity: metered by members",
    Commodity.HEAT: "heat: metered by members and the network",
}


def plot_rounds(
    rounds: Sequence[Round], names: Sequence[str], path: str | Path, *, title: str | None = None
) -> Path:
    """Draw rounds over time into a PNG of 1200 x 1000 pixels.

    Four panels: prices of both commodities between their tariffs, traded volumes, and the
    district's balance of electricity and of heat from the meters.  Where there are more rounds
    than can be told apart, neighbours are drawn as one step, which the axis says; gaps in time
    stay empty.

    Parameters
    ----------
    rounds : sequence of Round, in order of time
    names : sequence of str
        The organizations in the order of their account index.
    path : str or Path
        Where to write; must end in ``.png``; an existing file is replaced.
    title : str, optional
        The default says from when to when.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        For no rounds, rounds out of order, or a path that does not end in ``.png``.
    MissingExtraError
        Without matplotlib.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"path of a plot must end in '.png', got {str(path)!r}")
    rounds = list(rounds)
    series = MarketSeries.of(rounds, names)
    figure = new_figure("plotting rounds", 12, 10)
    panels = [figure.add_axes((_LEFT, bottom, _RIGHT - _LEFT, 0.195)) for bottom in _BOTTOMS]
    _draw_prices(panels[0], series)
    _draw_volumes(panels[1], series)
    _draw_balance(panels[2], series, Commodity.ELECTRICITY)
    _draw_balance(panels[3], series, Commodity.HEAT)
    _draw_time(panels, series)
    _draw_title(figure, rounds, title)
    # the version of matplotlib in the file would make equal pictures differ
    figure.savefig(path, format="png", metadata={"Software": None})
    return path


_BOTTOMS: Final = (0.735, 0.51, 0.285, 0.06)


def _days(edges: FloatArray) -> Any:
    """Matplotlib counts time in days since 1970 UTC."""
    return edges / _SECONDS_PER_DAY


def _draw_prices(axes: "Axes", series: MarketSeries) -> None:
    from matplotlib.patches import Patch

    _dress(axes, "price", "EUR/kWh")
    x = _days(series.edges)
    handles: list[Any] = []
    for commodity, colour in _COLOURS.items():
        name = commodity.name.lower()
        band = axes.stairs(
            series.retail[commodity], x, baseline=series.feed_in[commodity], fill=True,
            color=colour, alpha=0.1, linewidth=0, label=f"{name}:\nfeed-in to retail",
        )  # fmt: skip
        axes.stairs(series.retail[commodity], x, baseline=None, color=colour, lw=0.8, ls=":")
        axes.stairs(series.feed_in[commodity], x, baseline=None, color=colour, lw=0.8, ls=":")
        if series.group > 1:
            axes.stairs(
                series.price_high[commodity], x, baseline=series.price_low[commodity], fill=True,
                color=colour, alpha=0.3, linewidth=0,
            )  # fmt: skip
        line = axes.stairs(
            series.price[commodity], x, baseline=None, color=colour, linewidth=1.3, label=name
        )
        handles += [line, band]
    if series.group > 1:
        words = "lowest to highest\nprice of a step"
        handles.append(Patch(color=GREY, alpha=0.3, linewidth=0, label=words))
    _legend(axes, handles)


def _draw_volumes(axes: "Axes", series: MarketSeries) -> None:
    _dress(axes, "traded volume", "kWh per round")
    handles = [
        axes.stairs(
            series.volume[commodity], _days(series.edges), baseline=None, color=colour,
            linewidth=1.3, label=commodity.name.lower(),
        )
        for commodity, colour in _COLOURS.items()
    ]  # fmt: skip
    axes.set_ylim(0, 1.08 * max(float(np.nanmax(series.volume)), 0.01))
    _legend(axes, handles)


def _draw_balance(axes: "Axes", series: MarketSeries, commodity: Commodity) -> None:
    """Drawn upwards, fed in downwards, the difference as a line."""
    _dress(axes, _METER_WORDS[commodity], "kWh per round")
    words = _UTILITY_WORDS[commodity] if series.utility else "net: drawn less fed in"
    x = _days(series.edges)
    handles: list[Any] = [
        axes.stairs(series.drawn[commodity], x, fill=True, color=SKY, lw=0, label="drawn"),
        axes.stairs(-series.fed_in[commodity], x, fill=True, color=ORANGE, lw=0, label="fed in"),
        axes.stairs(
            series.net[commodity], x, baseline=None, color=INK, linewidth=1.1, label=words,
        ),
    ]  # fmt: skip
    if commodity == Commodity.HEAT and np.nansum(series.unserved) > 0:
        drawn = series.drawn[commodity]
        wanted = drawn + series.unserved
        missing = axes.stairs(
            wanted, x, baseline=drawn, fill=True, color=VERMILION, lw=0, label="unserved"
        )
        handles.append(missing)
    axes.axhline(0, color=GREY, linewidth=0.8)
    _legend(axes, handles)


def _draw_time(panels: Sequence["Axes"], series: MarketSeries) -> None:
    """One time axis for all panels, in UTC; only the lowest is labelled."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    x = _days(series.edges)
    for axes in panels:
        axes.set_xlim(x[0], x[-1])
        locator = AutoDateLocator(tz=UTC, minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
        axes.tick_params(labelbottom=axes is panels[-1])
        axes.xaxis.get_offset_text().set_color(INK)
    step = "one round"
    if series.group > 1:
        hours = series.group * ROUND_MINUTES / 60
        step = f"the mean of {series.group} rounds ({hours:g} h), prices weighted by volume"
    panels[-1].set_xlabel(f"time, UTC; a step is {step}", fontsize=9, color=INK)


def _draw_title(figure: "Figure", rounds: Sequence[Round], title: str | None) -> None:
    first, last = rounds[0], rounds[-1]
    end = datetime.fromtimestamp(last.timestamp + ROUND_MINUTES * 60, UTC)
    span = f"{first.time:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    rounds_word = "round" if len(rounds) == 1 else "rounds"
    small = f"{span}, {len(rounds):,} {rounds_word}"
    if title is not None:
        figure.text(
            _LEFT, 0.98, title, fontsize=13, color=INK, weight="bold", va="top", parse_math=False
        )
        figure.text(_RIGHT, 0.975, small, fontsize=9, color=GREY, ha="right", va="top")
    else:
        figure.text(_LEFT, 0.98, small, fontsize=12, color=INK, va="top")


def _dress(axes: "Axes", title: str, unit: str) -> None:
    dress(axes, 9)
    axes.set_title(title, fontsize=10, color=INK, loc="left", weight="bold", pad=4)
    axes.set_ylabel(unit, fontsize=9, color=INK)
    axes.use_sticky_edges = False
    axes.margins(y=0.08)


def _legend(axes: "Axes", handles: Sequence[Any]) -> None:
    legend(
        axes, handles, loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=9, borderaxespad=0
    )
