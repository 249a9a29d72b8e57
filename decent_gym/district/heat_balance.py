"""Both ends of the heat side of a round: what is missing at first, what the meters show at last.

======================  ==============================================================  ======
quantity                formula                                                         unit
======================  ==============================================================  ======
surplus, at first       pipe + heat pump + CHP + 1000 * (traded - demand)               mWh
drawn, if negative      ceil(-surplus / 1000), more than the trades                     Wh
kept, if less than      max(1000, cop, heat_rate): less than one step of what follows   mWh
fed in, otherwise       surplus // 1000, less than the trades                           Wh
pipe                    surplus + 1000 * drawn - 1000 * fed in                          mWh
metered heat            traded + drawn - fed in                                         Wh
fuel                    (residue + boiler + CHP) // 1000, the rest is the new residue   Wh
metered electricity     battery + heat pump - CHP (devices only)                        Wh
======================  ==============================================================  ======

The pipe and the fuel residue hold what is less than the meter's unit, so nothing is ever rounded
away.  The utility has no devices here: its meter shows what it traded.

Source: conservation of energy.
"""

from numba import njit

from decent_gym.units import IntArray


@njit(cache=True, nogil=True, _nrt=False)
def begin(
    first: int,
    last: int,
    demand: IntArray,
    traded: IntArray,
    pipe: IntArray,
    pump_heat: IntArray,
    chp_heat: IntArray,
    surplus: IntArray,
) -> None:
    """Fill the heat that is too much (+) or missing (-) at the set-points.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    demand : Wh
    traded : Wh of heat bought minus sold
    pipe, pump_heat, chp_heat : mWh
    surplus : mWh, filled
    """
    for w in range(first, last):
        for n in range(surplus.shape[1]):
            made = pipe[w, n] + pump_heat[w, n] + chp_heat[w, n]
            surplus[w, n] = made + 1000 * (traded[w, n] - demand[w, n])


@njit(cache=True, nogil=True, _nrt=False)
def close(
    first: int,
    last: int,
    traded: IntArray,
    utility: IntArray,
    pump_max: IntArray,
    cop: IntArray,
    chp_max: IntArray,
    chp_heat_rate: IntArray,
    surplus: IntArray,
    pipe: IntArray,
    metered: IntArray,
) -> None:
    """Draw what is still missing from the network, feed in what is too much, keep the rest.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    traded : Wh of heat bought minus sold
    utility : 1 for the utility, else 0
    pump_max, chp_max : Wh per round, 0 where there is none
    cop, chp_heat_rate : mWh of heat per Wh of electricity
    surplus : mWh
    pipe : mWh, filled
    metered : Wh of heat drawn minus fed in, filled
    """
    for w in range(first, last):
        for n in range(surplus.shape[1]):
            left = surplus[w, n]
            wh = 0
            if utility[w, n] != 0:
                left = 0
            elif left < 0:
                wh = -(left // 1000)
            else:
                step = 1000
                if pump_max[w, n] > 0:
                    step = max(step, cop[w, n])
                if chp_max[w, n] > 0:
                    step = max(step, chp_heat_rate[w, n])
                if left >= step:
                    wh = -(left // 1000)
            pipe[w, n] = left + 1000 * wh
            metered[w, n] = traded[w, n] + wh


@njit(cache=True, nogil=True, _nrt=False)
def meter(
    first: int,
    last: int,
    battery: IntArray,
    pump: IntArray,
    chp: IntArray,
    chp_fuel_rate: IntArray,
    boiler: IntArray,
    boiler_fuel_rate: IntArray,
    residue: IntArray,
    electricity: IntArray,
    fuel: IntArray,
) -> None:
    """Fill the devices' electricity and the billed fuel.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    battery, pump : Wh drawn
    chp : Wh made
    boiler : Wh of heat
    chp_fuel_rate, boiler_fuel_rate : mWh of fuel per Wh made
    residue : mWh of fuel burnt and not billed yet, modified in place
    electricity : Wh drawn minus made, filled
    fuel : Wh, filled
    """
    for w in range(first, last):
        for n in range(electricity.shape[1]):
            electricity[w, n] = battery[w, n] + pump[w, n] - chp[w, n]
            burnt = chp[w, n] * chp_fuel_rate[w, n] + boiler[w, n] * boiler_fuel_rate[w, n]
            burnt += residue[w, n]
            fuel[w, n] = burnt // 1000
            residue[w, n] = burnt % 1000
