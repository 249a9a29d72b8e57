"""SBBA: truthful at one price, so that no money is left over; a lot falls when a deal is dropped.

With unit offers, k efficient deals (b_k >= s_k) and the next seller's limit s_{k+1}:

* s_{k+1} <= b_k: the k deals trade at s_{k+1};
* else, or if there is no such seller: the price is b_k, buyer k is dropped, and one of the k
  sellers is dropped by lot, so that k - 1 deals trade.

Energies need not be equal: k is counted on each side as in `mcafee`; when the marginal buyer is
dropped, the sellers drawn last lose what is too much.

Properties, for unit offers: truthful whatever the lot; budget balance to 0 n-euro; individual
rationality; gains of at least (1 - 1/k) of the optimum in expectation.  The lot is keyed by the
seed, the round and the order of arrival; the price rule is not read, and the tie rule only as far
as it ranks equal limits (``random``: by lot, else by arrival).

Source: Segal-Halevi, Hassidim and Aumann, "SBBA: a strongly-budget-balanced double-auction
mechanism", SAGT 2016.

>>> from decent_gym.clearing import clear
>>> side, limits = [1, 1, 0, 0, 0], [9, 8, 3, 4, 7]  # k = 2, and the next seller's 7 is below 8
>>> clear(side, limits, [1] * 5, mechanism="sbba").pays.tolist()
[7, 7, -7, -7, 0]
>>> [clear(side[:4], limits[:4], [1] * 4, mechanism="sbba", seed=s).pays.tolist() for s in (0, 3)]
[[8, 0, 0, -8], [8, 0, -8, 0]]
"""

from typing import Final

from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.ranking import merit_ranking
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals

SELLERS_FIRST: Final = 0
BUYERS_FIRST: Final = 1
SHORT_SIDE_FIRST: Final = 2
_SELLERS_FIRST = 0
_BUYERS_FIRST = 1


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    clear_in_order(books, rules, outcome, first, last, BUYERS_FIRST)


def clear_in_order(
    books: Books, rules: Rules, outcome: Outcome, first: int, last: int, order: int
) -> None:
    """As :func:`clear_books`, where `order` says which side's marginal order may be dropped."""
    ranking = merit_ranking(books, rules, first, last)
    _clear(first, last, order, *ranking, books.price, books.offered, outcome.accepted, outcome.pays)
    write_totals(books, outcome, first, last)


SBBA = Mechanism(
    "sbba",
    clear_books,
    uniform=False,
    summary="Truthful, one price, no money left over; a dropped deal's seller is drawn by lot.",
    members_only=True,
    draws=True,
    truthful="unit",
)


@njit(cache=True, nogil=True)
def _clear(  # type: ignore[no-untyped-def]
    first, last, order, counts, margins, asks, bids, lots, price, offered, accepted, pays
):
    for b in range(first, last):
        r = b - first
        for i in range(pays.shape[1]):
            accepted[b, i] = 0
            pays[b, i] = 0
        sellers, buyers, volume = margins[r]
        if volume == 0:
            continue
        buyers_first = order == _BUYERS_FIRST or (
            order != _SELLERS_FIRST and counts[r, 1] <= counts[r, 0]
        )
        if buyers_first:
            one, n_one, other, n_other = bids[r], buyers, asks[r], sellers
            rivals, sign = counts[r, 0], 1
        else:
            one, n_one, other, n_other = asks[r], sellers, bids[r], buyers
            rivals, sign = counts[r, 1], -1
        paid = price[b, one[n_one - 1]]
        # does the next of the other side still come to terms with the marginal one of this?
        if n_other < rivals and sign * (paid - price[b, other[n_other]]) >= 0:
            paid = price[b, other[n_other]]
            _fill(n_one, volume, one, offered[b], accepted[b])
            _fill(n_other, volume, other, offered[b], accepted[b])
        else:
            taken = 0
            for j in range(n_one - 1):
                accepted[b, one[j]] = offered[b, one[j]]
                taken += offered[b, one[j]]
            _draw(n_other, taken, other, lots[r], offered[b], accepted[b])
        for j in range(n_one):
            pays[b, one[j]] = sign * accepted[b, one[j]] * paid
        for j in range(n_other):
            pays[b, other[j]] = -sign * accepted[b, other[j]] * paid


@njit(cache=True, nogil=True)
def _fill(n, volume, ranked, offered, accepted):  # type: ignore[no-untyped-def]
    """Take `volume` of the first `n` in merit order."""
    for j in range(n):
        accepted[ranked[j]] = min(volume, offered[ranked[j]])
        volume -= accepted[ranked[j]]


@njit(cache=True, nogil=True)
def _draw(n, volume, ranked, lots, offered, accepted):  # type: ignore[no-untyped-def]
    """Take `volume` of the first `n`, who offer more: those drawn last lose."""
    excess = -volume
    for j in range(n):
        accepted[ranked[j]] = offered[ranked[j]]
        excess += offered[ranked[j]]
    while excess > 0:
        loser = -1
        for j in range(n):
            slot = ranked[j]
            if accepted[slot] > 0 and (loser < 0 or lots[slot] > lots[loser]):
                loser = slot
        lost = min(excess, accepted[loser])
        accepted[loser] -= lost
        excess -= lost
