"""Reasons in a market that reads wishes: prices are many, and a wish can go unmet.

Takes up what :mod:`decent_gym.clearing.reasons` says of orders that lost and got nothing: if their
wish was unmet, PREFERENCE_UNMET; else OUT_OF_THE_MONEY if the limit is worse than what the energy
cost that the order could have traded (``Outcome.bar``), or nothing traded, and MARGINAL if not.
"""

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.preference_unmet import unmet_wishes
from decent_gym.units import IntArray

_BUY = 1
_MARGINAL = 2
_OUT_OF_THE_MONEY = 3
_PREFERENCE_UNMET = 7


def give_wish_reasons(
    books: Books, outcome: Outcome, residual: bool, reason: IntArray, first: int, last: int
) -> None:
    """Correct the reasons of the books ``first <= b < last``.

    Parameters
    ----------
    books : Books
        With wishes.
    outcome : Outcome
        With bars; ``accepted`` after the utility has served what was left.
    residual : bool
        Whether it has, at ``books.tariffs``.
    reason : int64 (B, M)
        Modified in place.
    """
    unmet = np.empty((last - first, reason.shape[1]), np.int64)
    unmet_wishes(books, outcome.accepted, unmet, first, last, residual)
    _correct(
        first, last, books.orders, books.side, books.price, outcome.accepted, outcome.volume,
        outcome.bar, unmet, reason,
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False)
def _correct(first, last, count, side, limit, accepted, volume, bar, unmet, reason):  # type: ignore[no-untyped-def]
    for b in range(first, last):
        for i in range(count[b]):
            lost = reason[b, i] == _MARGINAL or reason[b, i] == _OUT_OF_THE_MONEY
            if not lost or accepted[b, i] > 0:
                continue
            buys = side[b, i] == _BUY
            worse = limit[b, i] < bar[b, i] if buys else limit[b, i] > bar[b, i]
            reason[b, i] = _OUT_OF_THE_MONEY if worse or volume[b] == 0 else _MARGINAL
            if unmet[b - first, i] > 0:
                reason[b, i] = _PREFERENCE_UNMET
