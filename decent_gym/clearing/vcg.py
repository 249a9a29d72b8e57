"""VCG: the efficient allocation, and everybody gains what its presence is worth to all.

The pivots are organizations (owners).  With W the welfare of the merit order's allocation and W_-i
that of the book without the offers of organization i, i as a whole pays

    (value of what i buys - cost of what i sells) - (W - W_-i),

so that its gain is W - W_-i, if it reported the truth.  An organization with several accepted
offers gains the same per Wh on each, rounded down; the rest of a few n-euro goes to the earliest.

Properties: truthful, also for divisible offers and for organizations with several offers, in the
prices they report; efficient; individually rational.  Not budget-balanced: the operator usually
has to add money, which `surplus` reports as a number below zero.  The allocation is that of
`merit_order` with its tie rules; the price rule is not read.

Cost: one walk through the book per organization that trades.

Source: Vickrey (1961), Clarke (1971), Groves (1973); its deficit in double auctions: Myerson and
Satterthwaite, "Efficient mechanisms for bilateral trading", J. Econ. Theory 29 (1983).

>>> from decent_gym.clearing import clear
>>> side, limits = [1, 1, 1, 0, 0, 0], [100, 90, 80, 80, 85, 95]  # two deals
>>> result = clear(side, limits, [1] * 6, mechanism="vcg")
>>> result.pays.tolist(), result.surplus  # buyers pay the second seller's 85, sellers get 90
([85, 85, 0, -90, -90, 0], -10)
"""

from numba import njit

from decent_gym.clearing import merit_order
from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.ranking import merit_ranking
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals

_BUY = 1


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    merit_order.clear_books(books, rules, outcome, first, last)
    ranking = merit_ranking(books, rules, first, last)
    _clarke(
        first, last, ranking.counts, ranking.asks, ranking.bids, books.orders, books.side,
        books.price, books.offered, books.sequence, books.owner, outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


VCG = Mechanism(
    "vcg",
    clear_books,
    uniform=False,
    summary="Truthful and efficient; everybody gains its worth to all, the operator adds money.",
    members_only=True,
    budget="deficit",
    truthful="several",
)


@njit(cache=True, nogil=True)
def _clarke(  # type: ignore[no-untyped-def]
    first, last, counts, asks, bids, count, side, price, offered, sequence, owner, accepted, pays
):
    for b in range(first, last):
        r = b - first
        n = count[b]
        welfare = 0
        for i in range(n):
            signed = accepted[b, i] if side[b, i] == _BUY else -accepted[b, i]
            welfare += signed * price[b, i]
            pays[b, i] = 0
        for i in range(n):
            if accepted[b, i] == 0 or not _leads(i, owner[b], accepted[b]):
                continue
            alone = _welfare_without(
                owner[b, i], counts[r, 0], counts[r, 1], asks[r], bids[r], price[b], offered[b],
                owner[b],
            )  # fmt: skip
            _share(
                n, owner[b, i], welfare - alone, side[b], price[b], sequence[b], owner[b],
                accepted[b], pays[b],
            )  # fmt: skip


@njit(cache=True, nogil=True)
def _leads(i, owner, accepted):  # type: ignore[no-untyped-def]
    """Whether no earlier slot trades for the same owner."""
    leads = True
    for j in range(i):
        leads &= (owner[j] != owner[i]) | (accepted[j] == 0)
    return leads


@njit(cache=True, nogil=True)
def _welfare_without(who, n_asks, n_bids, asks, bids, price, offered, owner):  # type: ignore[no-untyped-def]
    """The welfare of the efficient allocation of the book without one owner's orders."""
    welfare = 0
    a = -1
    d = -1
    ask_left = 0
    bid_left = 0
    while True:
        while ask_left == 0:
            a += 1
            if a == n_asks:
                return welfare
            if owner[asks[a]] != who:
                ask_left = offered[asks[a]]
        while bid_left == 0:
            d += 1
            if d == n_bids:
                return welfare
            if owner[bids[d]] != who:
                bid_left = offered[bids[d]]
        gain = price[bids[d]] - price[asks[a]]
        if gain <= 0:
            return welfare
        energy = min(ask_left, bid_left)
        welfare += gain * energy
        ask_left -= energy
        bid_left -= energy


@njit(cache=True, nogil=True)
def _share(n, who, gain, side, price, sequence, owner, accepted, pays):  # type: ignore[no-untyped-def]
    """Let the accepted orders of one owner pay their limits less `gain`, shared by energy."""
    total = 0
    earliest = -1
    for i in range(n):
        if owner[i] == who and accepted[i] > 0:
            total += accepted[i]
            if earliest < 0 or sequence[i] < sequence[earliest]:
                earliest = i
    each = gain // total
    rest = gain - each * total
    left = gain
    for i in range(n):
        if owner[i] == who and accepted[i] > 0:
            part = each * accepted[i] + rest * accepted[i] // total
            left -= part
            value = accepted[i] * price[i]
            pays[i] = (value if side[i] == _BUY else -value) - part
    pays[earliest] -= left
