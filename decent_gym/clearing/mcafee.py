"""McAfee's double auction: truth is the best report, at the cost of at most one deal.

With unit offers, bids b_1 >= b_2 >= ... and asks s_1 <= s_2 <= ..., let k be the last deal with
b_k >= s_k, and

    p = b_{k+1} + c (s_{k+1} - b_{k+1}),

c the price rule: the mean of the two by default.  If s_k <= p <= b_k, the k deals trade at p,
rounded down.  Otherwise, or if b_{k+1} or s_{k+1} is missing, the least efficient deal is dropped:
k - 1 buyers pay b_k, k - 1 sellers get s_k, and the operator keeps the difference.

Energies need not be equal: k is then counted on each side, as the last order that the efficient
allocation takes at least in part, and a dropped deal drops the last order of either side; what the
two sides offer is matched in merit order.  With equal energies that is the rule above.

Properties, for unit offers: truthful (nobody gains by another limit, whatever the others do);
individually rational; no deficit; gains of at least (1 - 1/k) of the optimum.  With unequal
energies it is individually rational and without deficit, but only nearly truthful: `huang` is the
rule for these.  Ties go by priority class, then by order of arrival, or by lot (tie rule
``random``); the sharing tie rules act as arrival, because a deal is not split.

Source: McAfee, "A dominant strategy double auction", J. Econ. Theory 56 (1992).

>>> from decent_gym.clearing import clear
>>> side = [1] * 5 + [0] * 5
>>> limits = [17, 14, 13, 9, 6] + [1, 4, 5, 8, 13]  # k = 4, (6 + 13) / 2 is not in [8, 9]
>>> result = clear(side, limits, [1] * 10, mechanism="mcafee")
>>> result.pays.tolist(), result.surplus
([9, 9, 9, 0, 0, -8, -8, -8, 0, 0], 3)
>>> clear([1, 1, 0, 0], [9, 4, 8, 3], [1] * 4, mechanism="mcafee").price  # (4 + 8) / 2 in [3, 9]
6
"""

from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.ranking import merit_ranking
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    clear_or_reduce(books, rules, outcome, first, last, try_one_price=True)


def clear_or_reduce(
    books: Books, rules: Rules, outcome: Outcome, first: int, last: int, try_one_price: bool
) -> None:
    """As :func:`clear_books`; without `try_one_price`, a deal is always dropped."""
    ranking = merit_ranking(books, rules, first, last)
    _, num, den = rules.codes
    _clear(
        first, last, try_one_price, num, den, ranking.counts, ranking.margins, ranking.asks,
        ranking.bids, books.price, books.offered, outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


MCAFEE = Mechanism(
    "mcafee",
    clear_books,
    uniform=False,
    summary="Truthful: one price where it can be had, else the least efficient deal is dropped.",
    members_only=True,
    budget="surplus",
    truthful="unit",
)


@njit(cache=True, nogil=True)
def _clear(  # type: ignore[no-untyped-def]
    first, last, try_one_price, num, den, counts, margins, asks, bids, price, offered, accepted,
    pays,
):  # fmt: skip
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
        one_price = False
        if try_one_price and sellers < counts[r, 0] and buyers < counts[r, 1]:
            low = price[b, bids[r, buyers]]
            high = price[b, asks[r, sellers]]
            share = num * (high - low)
            # compared before it is rounded down: nobody's report moves the rounding
            one_price = den * (ask - low) <= share <= den * (bid - low)
            if one_price:
                ask = low + share // den
                bid = ask
        if not one_price:
            sellers -= 1
            buyers -= 1
            volume = min(
                _energy(sellers, asks[r], offered[b]), _energy(buyers, bids[r], offered[b])
            )
        _fill(volume, -ask, asks[r], offered[b], accepted[b], pays[b])
        _fill(volume, bid, bids[r], offered[b], accepted[b], pays[b])


@njit(cache=True, nogil=True)
def _energy(n, ranked, offered):  # type: ignore[no-untyped-def]
    total = 0
    for j in range(n):
        total += offered[ranked[j]]
    return total


@njit(cache=True, nogil=True)
def _fill(volume, price, ranked, offered, accepted, pays):  # type: ignore[no-untyped-def]
    """Take `volume` in merit order at `price`, which is negative for what sellers get."""
    j = 0
    while volume > 0:
        slot = ranked[j]
        energy = min(volume, offered[slot])
        accepted[slot] = energy
        pays[slot] = energy * price
        volume -= energy
        j += 1
