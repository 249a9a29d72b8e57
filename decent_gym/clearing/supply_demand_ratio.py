"""Supply-demand ratio: the price falls from retail to feed-in as supply comes to meet demand.

With retail price R, feed-in tariff f (0 < f < R), supply S, demand D and r = S / D:

    r <= 1:  sellers get p = f R / ((R - f) r + f), buyers pay p r + R (1 - r);
    r > 1:   both trade at f.

Inside the community a kWh thus costs p (or f); the buyers' blend with R is complete once the
utility has served what supply is short of (``utility="residual"``), and above r = 1 it takes the
sellers' rest at f.  All offers trade whatever their limits, the longer side in proportion to its
energy.  Where f <= 0, which the formula does not allow, p is f.

The total that buyers pay and sellers get is rounded down to whole n-euro, and shared by energy.

Properties: budget balance to 0 n-euro, inside and with the utility; f <= p <= R, so nobody is
worse off than with the utility alone.  No limit is read; withholding supply raises the price.
Price rule, tie rule, priority and seed are not read.

Source: Liu, Yu, Wang, Li, Ma and Lei, "Energy-sharing model with price-based demand response for
microgrids of peer-to-peer prosumers", IEEE Trans. Power Systems 32 (2017).

>>> from decent_gym.clearing import clear
>>> # r = 1400 / 1500: 15 x 35 / (20 r + 15) = 15.594
>>> tariffs = {"retail": 35, "feed_in": 15}
>>> result = clear([1, 0], [35, 15], [1500, 1400], mechanism="supply_demand_ratio", **tariffs)
>>> result.volume, result.pays.tolist(), result.prices.round(3).tolist()
(1400, [21831, -21831], [15.594, 15.594])
"""

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.price_taking import clear_at, totals_offered
from decent_gym.clearing.rules import Rules

_RETAIL = 0
_FEED_IN = 1


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    supply, demand = totals_offered(books, first, last)
    money = np.empty(last - first, np.int64)
    _charge(supply, demand, books.tariffs[first:last], money)
    clear_at(books, outcome, money, first, last)


SUPPLY_DEMAND_RATIO = Mechanism(
    "supply_demand_ratio",
    clear_books,
    uniform=False,
    summary="Price-taking: from retail to feed-in as supply comes to meet demand.",
    needs=("retail", "feed_in"),
    members_only=True,
    respects_limits=False,
)


@njit(cache=True, nogil=True)
def _charge(supply, demand, tariffs, money):  # type: ignore[no-untyped-def]
    """What the buyers of each book pay in total, rounded down once."""
    for r in range(money.shape[0]):
        retail, feed_in = tariffs[r, _RETAIL], tariffs[r, _FEED_IN]
        if supply[r] > demand[r] or feed_in <= 0:
            money[r] = feed_in * min(supply[r], demand[r])
        elif supply[r] == 0:
            money[r] = 0
        else:
            # p = f R D / ((R - f) S + f D) as whole + rest / scale; a product would pass 64 bits
            scale = (retail - feed_in) * supply[r] + feed_in * demand[r]
            whole, rest = _times(feed_in * demand[r], retail, scale)
            money[r] = whole * supply[r] + _times(rest, supply[r], scale)[0]


@njit(cache=True, nogil=True)
def _times(a, b, c):  # type: ignore[no-untyped-def]
    """Quotient and remainder of a b / c without forming a b; 0 <= a, b and 0 < c <= 2^62."""
    whole = a // c
    part = a - whole * c
    quotient = 0
    remainder = 0
    for bit in range(62, -1, -1):
        quotient *= 2
        remainder *= 2
        if remainder >= c:
            remainder -= c
            quotient += 1
        if (b >> bit) & 1:
            remainder += part
            quotient += whole
            if remainder >= c:
                remainder -= c
                quotient += 1
    return quotient, remainder
