"""Devices of one organization, slow and obvious: fractions, and search instead of formulas.

Shares nothing with ``decent_gym.district``: operations are found by trying every level, the COP is
computed with fractions, shares of a cut are handed out Wh by Wh.
"""

from fractions import Fraction
from math import floor

MWH = 1000


def battery_step(p, soc, setpoint):
    """New state of charge (mWh) and energy at the meter (Wh)."""
    if setpoint >= 0:
        best = 0
        for wh in range(min(setpoint, p["charge"]) + 1):
            if soc + wh * p["charge_rate"] <= p["capacity"]:
                best = wh
        return soc + best * p["charge_rate"], best
    best = 0
    for wh in range(min(-setpoint, p["discharge"]) + 1):
        if soc - wh * p["discharge_rate"] >= 0:
            best = wh
    return soc - best * p["discharge_rate"], -best


def levels(maximum, minimum):
    """Every operation a machine can run at, off included."""
    return [0] + [e for e in range(minimum, maximum + 1) if e > 0]


def at_setpoint(setpoint, maximum, minimum):
    """The nearest possible operation; off if two are equally near."""
    return min(levels(maximum, minimum), key=lambda e: (abs(e - setpoint), e))


def following(level, surplus, rate, maximum, minimum):
    """The operation that covers a deficit, or removes a surplus without making a deficit."""
    if maximum == 0:
        return 0
    wanted = level * rate - surplus
    enough = [e for e in levels(maximum, minimum) if e * rate >= wanted]
    if not enough:
        return maximum
    chosen = min(enough)
    if level == 0 and chosen > 0 and (chosen - 1) * rate >= wanted:
        return 0  # it would have to start for less than its minimum
    return chosen


def heat_round(p, state, demand, traded, pump_setpoint, chp_setpoint, cop):
    """One round of one organization; changes `state`, returns what flowed."""
    pump = at_setpoint(pump_setpoint, p["pump_max"], p["pump_min"])
    chp = at_setpoint(chp_setpoint, p["chp_max"], p["chp_min"])
    surplus = state["pipe"] + pump * cop + chp * p["chp_heat_rate"] + MWH * (traded - demand)

    lost = floor(Fraction(state["store"] * p["store_loss_ppm"], 10**6))
    state["store"] -= lost
    flow = 0
    if surplus > 0:
        room = p["store_capacity"] - state["store"]
        flow = min(surplus, room, MWH * p["store_charge"])
    elif surplus < 0:
        flow = -min(-surplus, state["store"], MWH * p["store_discharge"])
    state["store"] += flow
    surplus -= flow

    boiler = 0
    while surplus < 0 and boiler < p["boiler_max"]:
        boiler += 1
        surplus += MWH

    before, pump = pump, following(pump, surplus, cop, p["pump_max"], p["pump_min"])
    surplus += (pump - before) * cop
    rate = p["chp_heat_rate"]
    before, chp = chp, following(chp, surplus, rate, p["chp_max"], p["chp_min"])
    surplus += (chp - before) * rate

    metered = traded
    while surplus < 0:
        metered += 1
        surplus += MWH
    step = max([MWH] + [cop] * (p["pump_max"] > 0) + [rate] * (p["chp_max"] > 0))
    if surplus >= step:
        metered -= surplus // MWH
        surplus %= MWH
    state["pipe"] = surplus

    burnt = chp * p["chp_fuel_rate"] + boiler * p["boiler_fuel_rate"]
    state["fuel"] += burnt
    billed = state["fuel"] // MWH
    state["fuel"] -= MWH * billed
    return {
        "pump": pump,
        "chp": chp,
        "boiler": boiler,
        "flow": flow,
        "lost": lost,
        "heat": metered,
        "fuel": billed,
        "burnt": burnt,
    }


def largest_remainder(cut, weights):
    """`cut` whole units in proportion to `weights`; ties go to the lower index."""
    total = sum(weights)
    exact = [Fraction(cut * weight, total) for weight in weights]
    shares = [floor(x) for x in exact]
    order = sorted(range(len(weights)), key=lambda n: (shares[n] - exact[n], n))
    for n in order[: cut - sum(shares)]:
        shares[n] += 1
    return shares


def unserved(traded, metered, utility, max_flow, loss, backup):
    """What of every organization's heat the network cannot bring, Wh."""
    members = [n for n in range(len(metered)) if not utility[n]]
    got = list(metered)
    for stage in ("drawn beyond trades", "all drawn"):
        drawn = [max(got[n], 0) if n in members else 0 for n in range(len(got))]
        backup_makes = sum(got[n] for n in members) + loss
        cut = max(backup_makes - backup, sum(drawn) - max_flow, 0)
        weights = drawn
        if stage == "drawn beyond trades":
            weights = [min(d, max(g - t, 0)) for d, g, t in zip(drawn, got, traded, strict=True)]
        cut = min(cut, sum(weights))
        if cut:
            shares = largest_remainder(cut, weights)
            got = [g - s for g, s in zip(got, shares, strict=True)]
    return [m - g for m, g in zip(metered, got, strict=True)]


def cop_per_mille(outdoor, source, supply, ground=Fraction(10)):
    """Ruhnau, Hirth, Praktiknjo 2019, in fractions; temperatures in degrees Celsius."""
    a, b, c = {
        "air": ("6.08", "0.09", "0.0005"),
        "ground": ("10.29", "0.21", "0.0012"),
        "water": ("9.97", "0.20", "0.0012"),
    }[source]
    a, b, c = Fraction(a), Fraction(b), Fraction(c)
    cold = {"air": outdoor, "ground": ground - 5, "water": Fraction(10 - 5)}[source]
    if supply == "floor":
        hot = 30 - outdoor / 2
    elif supply == "radiator":
        hot = 40 - outdoor
    elif supply == "water":
        hot = Fraction(50)
    else:
        hot = Fraction(supply)
    lift = max(hot - cold, Fraction(15))
    d = min(lift, b / (2 * c))
    cop = Fraction("0.85") * (a - b * d + c * d * d)
    carnot = (hot + Fraction("273.15")) / lift
    return floor(1000 * min(max(cop, Fraction(1)), carnot))
