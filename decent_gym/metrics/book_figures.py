"""The figures of one mechanism over many books: sums per day, and what is computed from them.

Every figure is a function of sums, so one code gives the figure itself and its interval: sums of
the days as they were, or as often as a resample drew them.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from decent_gym.metrics.bootstrap import FloatArray
from decent_gym.metrics.fairness import gini, jain
from decent_gym.metrics.market_power import marginal_markup, withheld
from decent_gym.metrics.welfare import (
    best_welfare,
    energy_by_side,
    limits_passed,
    savings,
    surplus,
    welfare,
)
from decent_gym.models import Side, Tariff
from decent_gym.replay import BookSet, Recleared
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR, WH_PER_KWH, IntArray

Sums = Mapping[str, FloatArray]


def book_sums(book_set: BookSet, cleared: Recleared, best: IntArray | None = None) -> Sums:
    """What is added up, per book: arrays (B,), and per member (B, members).

    Parameters
    ----------
    best : int64 n-euro (B,), optional
        :func:`best_welfare`, which is the same for all mechanisms.
    """
    books, outcome, members = book_set.books, cleared.outcome, book_set.members
    own = surplus(book_set, cleared)
    inside = [n for n in range(len(book_set.names)) if n != book_set.utility]
    bought, sold = (energy_by_side(book_set, outcome.accepted, s) for s in (Side.BUY, Side.SELL))
    paid, earned = (energy_by_side(book_set, outcome.pays, s) for s in (Side.BUY, Side.SELL))
    traded = outcome.volume > 0
    retail = traded & (outcome.price == books.tariffs[:, Tariff.RETAIL])
    feed_in = traded & ~retail & (outcome.price == books.tariffs[:, Tariff.FEED_IN])
    price = outcome.price * traded / MICRO_EUR_PER_EUR
    markup = marginal_markup(book_set, cleared)
    weight = np.where(np.isnan(markup), 0, outcome.volume)
    sums = {
        "books": np.ones(len(book_set)),
        "used": book_set.live.any(axis=1),
        "welfare": welfare(book_set, cleared),
        "best": best_welfare(book_set) if best is None else best,
        "operator": outcome.surplus,
        "utility": own[:, book_set.utility]
        if book_set.utility is not None
        else 0 * outcome.surplus,
        "passed": limits_passed(book_set, cleared) > 0,
        "traded": traded,
        "volume": outcome.volume,
        "price": price,
        "price_squared": price**2,
        "price_volume": price * outcome.volume,
        "at_retail": retail,
        "at_feed_in": feed_in,
        "local": outcome.volume - _of_utility(book_set, cleared.inside),
        "handled": (bought + sold)[:, inside].sum(axis=1),
        "markup": np.nan_to_num(markup) * weight,
        "markup_volume": weight,
        "withheld": withheld(book_set, cleared),
        "surpluses": own[:, members],
        "savings": savings(book_set, cleared)[:, members],
        "sold": sold[:, members],
        "bought": bought[:, members],
        "earned": -earned[:, members],
        "paid": paid[:, members],
    }
    return {name: np.asarray(values, np.float64) for name, values in sums.items()}


def _of_utility(book_set: BookSet, inside: IntArray) -> IntArray:
    if book_set.utility is None:
        return np.zeros(len(book_set), np.int64)
    mine = book_set.books.owner == book_set.utility
    energy: IntArray = np.where(mine, inside, 0).sum(axis=1)
    return energy


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """NaN where there is no whole."""
    out = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=out, where=np.asarray(whole) > 0)
    return out


def _per_row(measure: Callable[[FloatArray], float | None], amounts: FloatArray) -> FloatArray:
    found = (measure(row) for row in np.atleast_2d(amounts))
    return np.array([np.nan if value is None else value for value in found])


def _volatility(s: Sums) -> FloatArray:
    mean = _share(s["price"], s["traded"])
    square = _share(s["price_squared"], s["traded"])
    return np.sqrt(np.maximum(square - mean**2, 0))


def _herfindahl(s: Sums) -> FloatArray:
    sold = s["sold"]
    return _share((sold**2).sum(axis=-1), sold.sum(axis=-1) ** 2)


def _eur(name: str) -> Callable[[Sums], FloatArray]:
    return lambda s: s[name] / NANO_EUR_PER_EUR


def _each(money: str, energy: str) -> Callable[[Sums], FloatArray]:
    """EUR/kWh."""
    unit = NANO_EUR_PER_EUR / WH_PER_KWH
    return lambda s: _share(s[money].sum(axis=-1), s[energy].sum(axis=-1)) / unit


def _of_books(name: str) -> Callable[[Sums], FloatArray]:
    return lambda s: _share(s[name], s["books"])


GAINS: Final[Mapping[str, Callable[[Sums], FloatArray]]] = {
    "efficiency": lambda s: _share(s["welfare"], s["best"]),
    "welfare_eur": _eur("welfare"),
    "best_welfare_eur": _eur("best"),
    "members_eur": lambda s: s["surpluses"].sum(axis=-1) / NANO_EUR_PER_EUR,
    "savings_eur": lambda s: s["savings"].sum(axis=-1) / NANO_EUR_PER_EUR,
    "network_eur": lambda s: (
        (s["welfare"] - s["utility"] - s["operator"] - s["surpluses"].sum(axis=-1))
        / NANO_EUR_PER_EUR
    ),
    "utility_eur": _eur("utility"),
    "operator_eur": _eur("operator"),
    "gini": lambda s: _per_row(gini, s["savings"]),
    "jain": lambda s: _per_row(jain, s["savings"]),
    "irrational_books": lambda s: _share(s["passed"], s["used"]),
    "withheld_kwh": lambda s: s["withheld"] / WH_PER_KWH,
}
"""Figures of any set of books.

``efficiency`` W/W*; W is shared out among members, the network's account, the utility, and the
operator, whose surplus or deficit is the mechanism's budget; ``irrational_books`` the share of
books with orders in which some order pays more than its bid or gets less than its ask; ``gini``
and ``jain`` of the members' savings, none if anybody loses.
"""

PRICES: Final[Mapping[str, Callable[[Sums], FloatArray]]] = {
    "price": lambda s: _share(s["price_volume"], s["volume"]),
    "paid": _each("paid", "bought"),
    "earned": _each("earned", "sold"),
    "volatility": _volatility,
    "at_retail": _of_books("at_retail"),
    "at_feed_in": _of_books("at_feed_in"),
    "no_trade": lambda s: 1 - _share(s["traded"], s["books"]),
    "local_share": lambda s: _share(2 * s["local"], s["handled"]),
    "herfindahl": _herfindahl,
    "lerner": lambda s: _share(s["markup"], s["markup_volume"]),
}
"""Figures of the books of one commodity.

``price`` by energy, ``volatility`` its standard deviation over books with trade; ``paid`` and
``earned`` what a kWh costs and brings members in all, the utility's rest included; ``at_retail``,
``at_feed_in`` and ``no_trade`` shares of books; ``local_share`` of the energy that members (and
the network) trade, what they trade with each other; ``herfindahl`` of the members' sales;
``lerner`` of the marginal member that sells, by volume.
"""
