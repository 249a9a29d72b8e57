"""Machines whose heat is a fixed multiple of their electricity: heat pumps and CHPs.

Off, or between two powers:

==============  ======================================================================
quantity        formula
==============  ======================================================================
heat            electricity (Wh) * rate (mWh per Wh) = mWh, exact
operation       0, or from ``minimum`` to ``maximum`` Wh of electricity per round
set-point       clipped to [0, maximum]; below ``minimum`` the nearer of 0 and
                ``minimum`` (half-way: 0)
following       h = heat it makes minus the surplus it is asked to remove;
                h <= 0: off.  Otherwise ceil(h / rate), at most ``maximum``;
                below ``minimum`` it idles there if it is running and stays off if it is not
==============  ======================================================================

So following never turns a surplus into a deficit, and never starts a machine for less than its
minimum.

Source: part-load limits as a semi-continuous range of operation, the usual model of unit
commitment (e.g. A. J. Wood, B. F. Wollenberg, G. B. Sheble, "Power Generation, Operation, and
Control", 3rd ed., 2014, chapter 4).
"""

from numba import njit

from decent_gym.units import IntArray


@njit(cache=True, nogil=True, _nrt=False)
def run(
    first: int,
    last: int,
    setpoint: IntArray,
    rate: IntArray,
    maximum: IntArray,
    minimum: IntArray,
    electricity: IntArray,
    heat: IntArray,
) -> None:
    """Operate every machine as near to its set-point as physics allows.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    setpoint : Wh of electricity, any int64
    rate : mWh heat per Wh electricity (a COP per mille)
    maximum, minimum : Wh per round
    electricity : Wh drawn or made, filled
    heat : mWh, filled
    """
    for w in range(first, last):
        for n in range(setpoint.shape[1]):
            wish = min(max(setpoint[w, n], 0), maximum[w, n])
            if wish < minimum[w, n]:
                wish = minimum[w, n] if 2 * wish > minimum[w, n] else 0
            electricity[w, n] = wish
            heat[w, n] = wish * rate[w, n]


@njit(cache=True, nogil=True, _nrt=False)
def follow(
    first: int,
    last: int,
    rate: IntArray,
    maximum: IntArray,
    minimum: IntArray,
    surplus: IntArray,
    electricity: IntArray,
    heat: IntArray,
) -> None:
    """Change the operation to cover a deficit or to remove a surplus, within the limits.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    rate : mWh heat per Wh electricity (a COP per mille), more than 0 where there is a machine
    maximum, minimum : Wh per round
    surplus : mWh, negative where heat is missing, modified in place
        A deficit is covered with less than `rate` mWh too much, which stays as a surplus.
    electricity : Wh drawn or made, modified in place
    heat : mWh, modified in place
    """
    for w in range(first, last):
        for n in range(surplus.shape[1]):
            if maximum[w, n] == 0 or surplus[w, n] == 0:
                continue
            wanted = heat[w, n] - surplus[w, n]
            level = 0
            if wanted > 0:
                level = min(-(-wanted // rate[w, n]), maximum[w, n])
                if level < minimum[w, n]:
                    level = minimum[w, n] if electricity[w, n] > 0 else 0
            electricity[w, n] = level
            heat[w, n] = level * rate[w, n]
            surplus[w, n] = heat[w, n] - wanted
