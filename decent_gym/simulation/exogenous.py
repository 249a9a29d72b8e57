"""What the scenario's profiles say about the open round of every world."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, _nrt=False)
def read_profiles(  # type: ignore[no-untyped-def]
    first, last, rounds, load_table, pv_table, heat_table, cop_table, tariff_table,
    low_table, high_table, load, pv, heat, cop, tariffs, price_low, price_high,
):  # fmt: skip
    """Copy the rows of the open rounds into (W, N) arrays and tariffs (W, C, 4).

    Electricity's part of `price_low` and `price_high` (W, C) comes from the tables (T,).

    Rounds beyond the profiles' end begin again at their start.
    """
    length = load_table.shape[0]
    for w in range(first, last):
        t = rounds[w] % length
        for n in range(load.shape[1]):
            load[w, n] = load_table[t, n]
            pv[w, n] = pv_table[t, n]
            heat[w, n] = heat_table[t, n]
            cop[w, n] = cop_table[t, n]
        price_low[w, 0] = low_table[t]
        price_high[w, 0] = high_table[t]
        for c in range(tariffs.shape[1]):
            for k in range(4):
                tariffs[w, c, k] = tariff_table[t, c, k]


@njit(cache=True, nogil=True, _nrt=False)
def remember_prices(  # type: ignore[no-untyped-def]
    first, last, rounds, volume, price, history, ranked, last_price, low, high, price_low,
    price_high,
):  # fmt: skip
    """Keep a day of prices per book, and the means of its cheapest and dearest three hours.

    Three hours are about what a district's batteries and tanks can be filled or emptied in.

    Parameters
    ----------
    volume, price : int64 (W, C) of the round just closed
    history : int64 (W, C, 96), a ring indexed by round
    ranked : int64 (W, C, 96), the same prices in rising order
    last_price : int64 (W, C), the reference price: where nothing traded, the last one stays
    low, high : int64 (W, C), filled: means of the 12 lowest and of the 12 highest prices
    price_low, price_high : int64 (W, C), heat's part filled with these
    """
    size = history.shape[2]
    for w in range(first, last):
        for c in range(volume.shape[1]):
            if volume[w, c] > 0:
                last_price[w, c] = price[w, c]
            new = last_price[w, c]
            old = history[w, c, rounds[w] % size]
            history[w, c, rounds[w] % size] = new
            order = ranked[w, c]
            at = np.searchsorted(order, old)
            while at + 1 < size and order[at + 1] < new:
                order[at] = order[at + 1]
                at += 1
            while at > 0 and order[at - 1] > new:
                order[at] = order[at - 1]
                at -= 1
            order[at] = new
            cheap, dear = 0, 0
            for i in range(12):
                cheap += order[i]
                dear += order[size - 1 - i]
            low[w, c] = cheap // 12
            high[w, c] = dear // 12
        price_low[w, 1], price_high[w, 1] = low[w, 1], high[w, 1]
