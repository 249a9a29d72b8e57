"""What the scenario's profiles say about the open round of every world."""

from numba import njit


@njit(cache=True, nogil=True)
def read_profiles(  # type: ignore[no-untyped-def]
    first, last, rounds, load_table, pv_table, heat_table, cop_table, tariff_table,
    load, pv, heat, cop, tariffs,
):  # fmt: skip
    """Copy the rows of the open rounds into (W, N) arrays and tariffs (W, C, 4).

    Rounds beyond the profiles' end begin again at their start.
    """
    length = load_table.shape[0]
    for w in range(first, last):
        t = rounds[w] % length
        load[w, :] = load_table[t]
        pv[w, :] = pv_table[t]
        heat[w, :] = heat_table[t]
        cop[w, :] = cop_table[t]
        for c in range(tariffs.shape[1]):
            for k in range(4):
                tariffs[w, c, k] = tariff_table[t, c, k]


@njit(cache=True, nogil=True)
def remember_prices(  # type: ignore[no-untyped-def]
    first, last, rounds, volume, price, history, last_price, low, high
):
    """Keep a day of prices per book and the means of its lower and higher part.

    Parameters
    ----------
    volume, price : int64 (W, C) of the round just closed
    history : int64 (W, C, 96), a ring indexed by round
    last_price : int64 (W, C), the reference price: where nothing traded, the last one stays
    low, high : int64 (W, C), filled: means of the prices up to, and above, the mean of the ring
    """
    size = history.shape[2]
    for w in range(first, last):
        for c in range(volume.shape[1]):
            if volume[w, c] > 0:
                last_price[w, c] = price[w, c]
            ring = history[w, c]
            ring[rounds[w] % size] = last_price[w, c]
            total = 0
            for i in range(size):
                total += ring[i]
            mean = total // size
            below, upper = 0, 0
            for i in range(size):
                above = ring[i] > mean
                upper += ring[i] if above else 0
                below += 0 if above else 1
            low[w, c] = (total - upper) // below
            high[w, c] = upper // (size - below) if below < size else low[w, c]
