"""What the offers of a district are and wish for, under a mechanism that reads wishes.

A member's wish stands in all that it buys, fixed load and flexible energy.  What is sold is:

============================================  ===================
electricity
PV beyond the member's own fixed load         LOCAL and RENEWABLE
whatever else a member sells (battery, CHP)   LOCAL
heat
of a member that burns nothing                LOCAL and RENEWABLE
of a member with a boiler or a CHP            LOCAL
anything of the utility                       plain
============================================  ===================

A step of the net-demand curve is one offer and of one type.  Steps are counted as PV from the
lowest limit on, as long as they fit into what the roof makes beyond the fixed load: so nobody sells
more renewable energy than it has.

A soft wish makes green energy worth more than the limit, so a bid could meet the same member's own
ask.  Then its premium is lowered to just below: nobody pays more for green than it asks itself.
"""

import numpy as np
from numba import njit

from decent_gym.models import HARD, NO_WISH, NOBODY, WISH_FIELDS
from decent_gym.scenarios import Scenario
from decent_gym.units import IntArray

_BUY = 1
_LOCAL = 1
_RENEWABLE = 2


def wishes_of(scenario: Scenario) -> IntArray:
    """Columns of all members' wishes, int64 (3, N)."""
    table = np.empty((len(WISH_FIELDS), len(scenario.members)), np.int64)
    table[:] = np.array(NO_WISH)[:, None]
    for index, member in enumerate(scenario.members):
        wish = member.wish
        if wish is not None:
            premium = HARD if wish.premium is None else wish.premium
            partner = NOBODY if wish.partner is None else scenario.index(wish.partner)
            table[:, index] = wish.attributes, premium, partner
    return table


def burning(scenario: Scenario) -> IntArray:
    """1 for members whose heat may come from a boiler or a CHP, int64 (N,)."""
    members = scenario.members
    return np.array([m.boiler is not None or m.chp is not None for m in members], np.int64)


@njit(cache=True, nogil=True, _nrt=False)
def say_wishes(  # type: ignore[no-untyped-def]
    first,
    last,
    utility,
    wish,
    burns,
    load,
    pv,
    pump_firm,
    count,
    owner,
    side,
    price,
    energy,
    wishes,
):
    """Fill the wishes (3, W, C, R) of orders that stand member by member, in rising limits.

    `utility` is the index of who quotes, or -1; orders of accounts beyond the members are plain.
    """
    members = burns.shape[0]
    for w in range(first, last):
        for c in range(count.shape[1]):
            before = -1
            green = 0
            for r in range(count[w, c]):
                n = owner[w, c, r]
                wishes[0, w, c, r] = 0
                wishes[1, w, c, r] = -1
                wishes[2, w, c, r] = -1
                if n >= members or n == utility:
                    continue
                if n != before:
                    before = n
                    green = pv[w, n] - load[w, n] - pump_firm[w, n]
                if side[w, c, r] == _BUY:
                    for k in range(wishes.shape[0]):
                        wishes[k, w, c, r] = wish[k, n]
                elif c == 0:
                    wishes[0, w, c, r] = _LOCAL
                    if energy[w, c, r] <= green:
                        wishes[0, w, c, r] |= _RENEWABLE
                        green -= energy[w, c, r]
                else:
                    wishes[0, w, c, r] = _LOCAL if burns[n] > 0 else _LOCAL | _RENEWABLE
            _spare_own(w, c, count[w, c], owner, side, price, wishes)


@njit(cache=True, nogil=True, _nrt=False)
def _spare_own(w, c, n, owner, side, price, wishes):  # type: ignore[no-untyped-def]
    """Lower premiums so far that no bid reaches an ask of the same owner, which comes after it."""
    for r in range(n):
        bid, attributes = price[w, c, r], wishes[0, w, c, r]
        if side[w, c, r] != _BUY or wishes[1, w, c, r] <= 0 or wishes[2, w, c, r] >= 0:
            continue
        i = r + 1
        while i < n and owner[w, c, i] == owner[w, c, r]:
            fits = attributes & wishes[0, w, c, i] == attributes
            if side[w, c, i] != _BUY and fits and bid != 0:
                most = (price[w, c, i] - 1 - bid) * 1_000 // abs(bid)
                wishes[1, w, c, r] = min(wishes[1, w, c, r], most)
            i += 1
