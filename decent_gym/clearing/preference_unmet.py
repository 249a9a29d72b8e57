"""Which offers got nothing for want of what they wish for.

A wish is unmet if nothing of the offer was accepted, no offer of the other side that it may trade
with is there at its limit, but one that it may not trade with is.  So an offer that asks too much
or bids too little is not told to drop its wish, and one that others outbid is told the price.
A utility that serves the rest is there at its tariffs, for all that may trade with plain energy.
"""

from numba import njit

from decent_gym.clearing.batch import Books
from decent_gym.units import IntArray

_BUY = 1
_RETAIL = 0
_FEED_IN = 1
_VALUE_CAP = 10**8
_PERMILLE = 1_000


def unmet_wishes(
    books: Books,
    accepted: IntArray,
    unmet: IntArray,
    first: int,
    last: int,
    residual: bool = False,
) -> None:
    """Write 1 for every unmet wish of the books ``first <= b < last``, else 0.

    Parameters
    ----------
    books : Books
        Whose three columns of wishes are full.
    accepted : int64 (B, M)
    unmet : int64 (last - first, M)
    residual : bool
        Whether a utility serves at ``books.tariffs`` what is left.
    """
    _unmet(
        first, last, residual, books.orders, books.side, books.price, books.offered, books.owner,
        books.tariffs, books.attributes, books.premium, books.partner, accepted, unmet,
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False)
def _unmet(  # type: ignore[no-untyped-def]
    first, last, residual, count, side, price, offered, owner, tariffs, attributes, premium,
    partner, accepted, unmet,
):  # fmt: skip
    for b in range(first, last):
        n = count[b]
        unmet[b - first, :] = 0
        for i in range(n):
            if offered[b, i] == 0 or accepted[b, i] > 0:
                continue
            buys = side[b, i] == _BUY
            wishes = buys and attributes[b, i] > 0 and premium[b, i] < 0
            if not wishes and partner[b, i] < 0:
                continue
            served = False
            crossed = False
            if residual and buys:
                crossed = tariffs[b, _RETAIL] <= price[b, i]
            elif residual:
                crossed = tariffs[b, _FEED_IN] >= price[b, i]
            for j in range(n):
                if side[b, j] == side[b, i] or offered[b, j] == 0:
                    continue
                bid = i if buys else j
                ask = j if buys else i
                wish = attributes[b, bid]
                fits = (wish & attributes[b, ask]) == wish
                worth = price[b, bid]
                if fits and wish > 0 and premium[b, bid] > 0:
                    extra = abs(worth) * premium[b, bid] // _PERMILLE
                    worth = min(worth + extra, _VALUE_CAP)
                if price[b, ask] > worth:
                    continue
                crossed = True
                fits |= premium[b, bid] >= 0
                fits &= (partner[b, bid] < 0) | (partner[b, bid] == owner[b, ask])
                fits &= (partner[b, ask] < 0) | (partner[b, ask] == owner[b, bid])
                served |= fits
            unmet[b - first, i] = 1 if crossed and not served else 0
