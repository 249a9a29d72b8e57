"""Huang, Scheller-Wolf and Sycara: trade reduction for divisible offers of any size.

Bids and asks in merit order; let K and L be the last bid and the last ask that the efficient
allocation takes at least in part.  These two do not trade; their limits are the prices: the bids
before K pay b_K, the asks before L get s_L, and the operator keeps the difference.  The longer side
gives up what is too much in equal parts: every order loses the same Wh, one that is smaller than
that loses all, and the Wh that cannot be split are lost by the latest arrivals.

Properties: truthful in limits for one divisible offer per organization, whatever the energies,
because neither the price nor the share of an order depends on its own limit as long as it trades;
individually rational; no deficit.  With unit offers it is `trade_reduction`.  Price rule and tie
rule are not read (equal limits rank by priority, then arrival, or by lot under ``random``).

Source: Huang, Scheller-Wolf and Sycara, "Design of a multi-unit double auction e-market",
Computational Intelligence 18 (2002); the equal parts are its footnote on page 8.

>>> from decent_gym.clearing import clear
>>> # bids 10@9, 4@8 against asks 6@2, 9@3: of each side the first trades, buyers have 4 too many
>>> result = clear([1, 1, 0, 0], [9, 8, 2, 3], [10, 4, 6, 9], mechanism="huang")
>>> result.accepted.tolist(), result.pays.tolist(), result.surplus
([6, 0, 6, 0], [48, 0, -18, 0], 30)
>>> clear([1, 0], [10, 5], [10, 6], mechanism="huang").volume  # nobody is left to set prices
0
"""

from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.ranking import merit_ranking
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    ranking = merit_ranking(books, rules, first, last)
    _clear(
        first, last, ranking.margins, ranking.asks, ranking.bids, books.price, books.offered,
        books.sequence, outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


HUANG = Mechanism(
    "huang",
    clear_books,
    uniform=False,
    summary="Truthful for divisible offers: the marginal pair sets the prices and stays out.",
    members_only=True,
    budget="surplus",
    truthful="divisible",
)


@njit(cache=True, nogil=True)
def _clear(first, last, margins, asks, bids, price, offered, sequence, accepted, pays):  # type: ignore[no-untyped-def]
    for b in range(first, last):
        r = b - first
        for i in range(pays.shape[1]):
            accepted[b, i] = 0
            pays[b, i] = 0
        sellers, buyers, volume = margins[r]
        if volume == 0:
            continue
        ask = price[b, asks[r, sellers - 1]]
        bid = price[b, bids[r, buyers - 1]]
        supply = _take(sellers - 1, asks[r], offered[b], accepted[b])
        demand = _take(buyers - 1, bids[r], offered[b], accepted[b])
        if supply > demand:
            _cut(sellers - 1, supply - demand, asks[r], offered[b], sequence[b], accepted[b])
        elif demand > supply:
            _cut(buyers - 1, demand - supply, bids[r], offered[b], sequence[b], accepted[b])
        for j in range(sellers - 1):
            pays[b, asks[r, j]] = -ask * accepted[b, asks[r, j]]
        for j in range(buyers - 1):
            pays[b, bids[r, j]] = bid * accepted[b, bids[r, j]]


@njit(cache=True, nogil=True)
def _take(n, ranked, offered, accepted):  # type: ignore[no-untyped-def]
    total = 0
    for j in range(n):
        accepted[ranked[j]] = offered[ranked[j]]
        total += offered[ranked[j]]
    return total


@njit(cache=True, nogil=True)
def _cut(n, excess, ranked, offered, sequence, accepted):  # type: ignore[no-untyped-def]
    """Take `excess` from the first `n` in equal parts, of none more than it offers."""
    low = 0
    high = excess
    while low < high:  # the largest part that does not take too much
        part = (low + high + 1) >> 1
        if _lost(n, part, ranked, offered) <= excess:
            low = part
        else:
            high = part - 1
    excess -= _lost(n, low, ranked, offered)
    for j in range(n):
        accepted[ranked[j]] -= min(low, offered[ranked[j]])
    if excess > 0:
        earliest = _nth_latest(n, excess, ranked, sequence, accepted)
        for j in range(n):
            if accepted[ranked[j]] > 0 and sequence[ranked[j]] >= earliest:
                accepted[ranked[j]] -= 1


@njit(cache=True, nogil=True)
def _lost(n, part, ranked, offered):  # type: ignore[no-untyped-def]
    total = 0
    for j in range(n):
        total += min(part, offered[ranked[j]])
    return total


@njit(cache=True, nogil=True)
def _nth_latest(n, wanted, ranked, sequence, accepted):  # type: ignore[no-untyped-def]
    """The sequence at or above which exactly `wanted` orders still hold energy."""
    low = 0
    high = 0
    for j in range(n):
        high = max(high, sequence[ranked[j]])
    while low < high:
        middle = low + (high - low + 1) // 2
        reach = 0
        for j in range(n):
            if accepted[ranked[j]] > 0 and sequence[ranked[j]] >= middle:
                reach += 1
        if reach >= wanted:
            low = middle
        else:
            high = middle - 1
    return low
