"""Laws that one clearing must keep: energy, money, limits, and the figures that follow from them.

Source: MARKET rules of the project, the properties that every mechanism must have; the figures of
:class:`decent_gym.clearing.Outcome`.
"""

from typing import Final

import numpy as np

from decent_gym.models import TYPES, Side, wished_value
from decent_gym.models import Case as Cleared
from decent_gym.testing.case import BoolArray, Case, Law, flagged
from decent_gym.units import IntArray

_BEYOND: Final = 2**62


def _fills(case: Case) -> BoolArray:
    accepted = case.outcome.accepted
    return flagged((accepted < 0) | (accepted > case.offered))


def _energy(case: Case) -> BoolArray:
    return flagged((case.outcome.accepted * case.sign).sum(axis=1) != 0)


def _money(case: Case) -> BoolArray:
    return flagged(case.outcome.pays.sum(axis=1) != case.outcome.surplus)


def _budget(case: Case) -> BoolArray:
    surplus = case.outcome.surplus
    broken = {"balanced": surplus != 0, "surplus": surplus < 0, "deficit": surplus > 0}
    return flagged(broken.get(case.kind.budget, np.zeros(len(surplus))))


def _idle(case: Case) -> BoolArray:
    return flagged((case.outcome.pays != 0) & (case.outcome.accepted == 0))


def _limits(case: Case) -> BoolArray:
    if not case.kind.respects_limits:
        return np.zeros(len(case.books.orders), np.bool_)
    worth = case.books.price * case.outcome.accepted * case.sign
    if case.outcome.origin.size:
        worth += _premia(case)
    return flagged(case.outcome.pays > worth)


def _premia(case: Case) -> IntArray:
    """What soft wishes add to the limit for the energy of their type that they got."""
    books = case.books
    wish = books.attributes[..., None]
    as_wished = np.where(np.arange(TYPES) & wish == wish, case.outcome.origin, 0).sum(axis=2)
    more = wished_value(books.price, books.premium) - books.price
    soft = (books.side == Side.BUY) & (books.attributes > 0)
    return np.where(soft, more * as_wished, 0)


def _volume(case: Case) -> BoolArray:
    bought = np.where(case.books.side == Side.BUY, case.outcome.accepted, 0).sum(axis=1)
    return flagged(bought != case.outcome.volume)


def _no_price(case: Case) -> BoolArray:
    outcome = case.outcome
    nothing = outcome.volume == 0
    figures = (outcome.price_low != 0) | (outcome.price != 0) | (outcome.price_high != 0)
    none = outcome.case == Cleared.NONE
    return flagged(np.where(nothing, figures | ~none, none))


def _prices(case: Case) -> BoolArray:
    """Brackets every order's price; the mean; where orders have their own, the ends are theirs."""
    outcome, taken = case.outcome, case.outcome.accepted > 0
    energy = np.where(taken, outcome.accepted, 1)
    paid = np.where(taken, case.sign * outcome.pays, 0)
    low, price, high = outcome.price_low, outcome.price, outcome.price_high
    lowest = np.where(taken, paid // energy, _BEYOND).min(axis=1, initial=_BEYOND)
    highest = np.where(taken, -(-paid // energy), -_BEYOND).max(axis=1, initial=-_BEYOND)
    wrong = (low > price) | (price > high) | (low > lowest) | (high < highest)
    wrong |= price != paid.sum(axis=1) // np.maximum(2 * outcome.volume, 1)
    if not case.kind.uniform:
        # with wishes, a book that trades at one price reports the interval of valid ones
        own = (lowest < highest) | (not case.kind.wishes)
        wrong |= own & ((low != lowest) | (high != highest))
    return flagged(wrong & (outcome.volume > 0))


def _uniform(case: Case) -> BoolArray:
    if not case.kind.uniform:
        return np.zeros(len(case.books.orders), np.bool_)
    at_price = case.outcome.price[:, None] * case.outcome.accepted * case.sign
    return flagged(case.outcome.pays != at_price)


def _interval(case: Case) -> BoolArray:
    """Where there is one price: somebody accepted would lose at an end of the valid prices."""
    if not (case.kind.uniform and case.kind.respects_limits):
        return np.zeros(len(case.books.orders), np.bool_)
    low, high = (end[:, None] for end in (case.outcome.price_low, case.outcome.price_high))
    limit = case.books.price
    loses = np.where(case.books.side == Side.BUY, limit < high, limit > low)
    return flagged(loses & (case.outcome.accepted > 0))


def _rationed(case: Case) -> BoolArray:
    short_asks = _is_short(case, Side.SELL, -1)
    short_bids = _is_short(case, Side.BUY, 1)
    expected = np.where(short_bids, Cleared.MARGINAL_BUY, Cleared.EXACT)
    expected = np.where(short_asks, Cleared.MARGINAL_SELL, expected)
    return flagged((case.outcome.volume > 0) & (case.outcome.case != expected))


def _is_short(case: Case, side: Side, sign: int) -> BoolArray:
    """Whether an order of `side` at the worst accepted limit did not get all of its energy."""
    on_side = case.books.side == side
    limit: IntArray = sign * case.books.price
    taken = on_side & (case.outcome.accepted > 0)
    worst = np.where(taken, limit, _BEYOND).min(axis=1, initial=_BEYOND)
    at_worst = on_side & (limit == worst[:, None])
    return flagged(at_worst & (case.outcome.accepted < case.offered))


OUTCOME_LAWS: Final = (
    Law("fills", "no offer is filled beyond its energy, or below 0", _fills),
    Law("energy", "what is bought is what is sold, to the Wh", _energy),
    Law("money", "payments sum to the surplus that is stated, to the nano-euro", _money),
    Law("budget", "the surplus has the sign that Mechanism.budget declares", _budget),
    Law("idle", "who trades nothing pays nothing", _idle),
    Law("limits", "nobody pays more than the bid or gets less than the ask", _limits),
    Law("volume", "the volume is what the buyers got", _volume),
    Law("no_price", "volume 0 is case NONE and no price, and nothing else is", _no_price),
    Law("prices", "price_low, price, price_high: lowest, mean and highest price paid", _prices),
    Law("interval", "nobody accepted would lose at price_low or price_high", _interval),
    Law("uniform", "Mechanism.uniform: everybody pays the one price", _uniform),
    Law("case", "the case says which side was rationed at its worst accepted limit", _rationed),
)


def _at_the_caps(case: Case) -> BoolArray:
    return flagged(np.stack([law.find(case) for law in OUTCOME_LAWS], axis=1))


def _which(case: Case) -> str:
    return "breaks there: " + ", ".join(law.name for law in OUTCOME_LAWS if law.find(case)[0])


CAPS: Final = Law(
    "caps", "all of this holds in the largest book, at the caps of energy and price", _at_the_caps,
    _which,
)  # fmt: skip
