"""What the meters of a round show, and what fuel and the heat network cost."""

from numba import njit


@njit(cache=True, nogil=True, _nrt=False)
def meter(  # type: ignore[no-untyped-def]
    first, last, load, pv, device_electricity, device_heat, fuel_used, traded, utility, loss,
    fuel_price, heat_fee, metered, fuel_cost, fees,
):  # fmt: skip
    """Fill metered energy (W, A, C), Wh, and fuel and fees (W, N), n-euro.

    The utility (index or -1) is the grid: it delivers whatever it sold.  The network's account
    draws the network's loss (W,).
    """
    organizations = load.shape[1]
    for w in range(first, last):
        for n in range(organizations):
            if n == utility:
                metered[w, n, 0] = traded[w, n, 0]
                metered[w, n, 1] = traded[w, n, 1]
            else:
                metered[w, n, 0] = load[w, n] - pv[w, n] + device_electricity[w, n]
                metered[w, n, 1] = device_heat[w, n]
            fuel_cost[w, n] = fuel_used[w, n] * fuel_price
            fees[w, n] = max(metered[w, n, 1], 0) * heat_fee if n != utility else 0
        metered[w, organizations + 1, 1] = loss[w]
