"""What makes a conversion inadmissible: one rule for single calls and for whole markets.

A conversion turns so much of one commodity into so much of the other.  It must not create energy:
a heat pump's heat per electricity is bounded by Carnot's between its temperatures (by 30 where
none are stated), a heat engine's electricity per heat by the inverse, so that no pump and engine
between the same temperatures run each other, and a plant's output by its fuel where that is stated.
"""

from typing import Final

from numba import njit

from decent_gym.units import ENERGY_CAP, PRICE_CAP

RATIO_CAP: Final = 10**5
"""Largest absolute electricity or heat per 1000 of activity."""
COP_CAP: Final = 30_000
"""Heat per 1000 of electricity where no temperatures are stated: Carnot's for a lift of 10 K."""
CONDENSING: Final = 1_110
"""Energy out per 1000 of fuel by its lower heating value: condensing boilers pass 1000."""
ALONE: Final = -1
GROUP_CAP: Final = 2**31
COLDEST_DC: Final = -2_731
HOTTEST_DC: Final = 100_000

_ENERGY_CAP = 10**8
_PRICE_CAP = 10**8

BAD_ELECTRICITY = 1
BAD_HEAT = 2
BAD_COST = 3
BAD_MAX = 4
BAD_GROUP = 5
BAD_FUEL = 6
BAD_TEMPERATURE = 7
MAKES_NOTHING = 8
ABOVE_CARNOT = 9
ABOVE_ENGINE = 10
ABOVE_FUEL = 11


@njit(cache=True, nogil=True, _nrt=False)
def _carnot(cold, hot):  # type: ignore[no-untyped-def]
    if hot <= cold:
        return 30_000
    return min(100_000, 1_000 * (2 * hot + 5_463) // (2 * (hot - cold)))


@njit(cache=True, nogil=True, _nrt=False)
def judge_conversions(  # type: ignore[no-untyped-def]
    first, last, count, electricity, heat, cost, most, group, fuel, source, supply, status
):
    """Write what is wrong with each conversion taken by itself, 0 if nothing.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    count : int64 (W,)
    electricity, heat, cost, most, group, fuel : int64 (W, K)
        What 1000 of activity give (above 0) or take; micro-euro per kWh of activity; Wh; a label
        or -1; fuel per 1000 of activity or -1.
    source, supply : int64 (W, K)
        Temperatures, tenths of a degree Celsius; without a lift none are stated.
    status : int64 (W, K)
        Out: a code of this module.
    """
    for w in range(first, last):
        for k in range(count[w]):
            e, h = electricity[w, k], heat[w, k]
            cold, hot, burnt = source[w, k], supply[w, k], fuel[w, k]
            code = 0
            if not -100_000 <= e <= 100_000:
                code = 1
            elif not -100_000 <= h <= 100_000:
                code = 2
            elif not -_PRICE_CAP <= cost[w, k] <= _PRICE_CAP:
                code = 3
            elif not 1 <= most[w, k] <= _ENERGY_CAP:
                code = 4
            elif not -1 <= group[w, k] <= 2**31:
                code = 5
            elif not -1 <= burnt <= 100_000:
                code = 6
            elif not (-2_731 <= cold <= 100_000 and -2_731 <= hot <= 100_000):
                code = 7
            elif e <= 0 and h <= 0:
                code = 8
            elif e < 0:
                code = 9 if h * 1_000 > _carnot(cold, hot) * -e else 0
            elif h < 0:
                code = 10 if e * _carnot(cold, hot) > -h * 1_000 else 0
            elif burnt >= 0 and (e + h) * 1_000 > 1_110 * burnt:
                code = 11
            status[w, k] = code


def carnot(cold: int, hot: int) -> int:
    """Most heat per 1000 of electricity between two temperatures, tenths of a degree Celsius.

    Source: Carnot's bound, T_hot / (T_hot - T_cold) in kelvin; without a lift :data:`COP_CAP`.
    """
    return int(_carnot(cold, hot))


def conversion_fault(code: int, row: dict[str, int]) -> tuple[str, str]:
    """The field that a code blames, and what is wrong with it.

    Parameters
    ----------
    code : int, not 0
    row : dict
        The conversion's columns by the names of :func:`judge_conversions`.
    """
    ranges = {
        BAD_ELECTRICITY: ("electricity", -RATIO_CAP, RATIO_CAP),
        BAD_HEAT: ("heat", -RATIO_CAP, RATIO_CAP),
        BAD_COST: ("cost", -PRICE_CAP, PRICE_CAP),
        BAD_MAX: ("max", 1, ENERGY_CAP),
        BAD_GROUP: ("group", ALONE, GROUP_CAP),
        BAD_FUEL: ("fuel", ALONE, RATIO_CAP),
    }
    if code in ranges:
        field, low, high = ranges[code]
        return field, f"must be in [{low}, {high}], got {row['most' if field == 'max' else field]}"
    if code == BAD_TEMPERATURE:
        got = f"{row['source']} and {row['supply']}"
        return (
            "temperatures",
            f"must be in [{COLDEST_DC}, {HOTTEST_DC}] tenths of a degree, got {got}",
        )
    if code == MAKES_NOTHING:
        return "electricity", "produces nothing: one of the two must be above 0"
    cold, hot = row["source"], row["supply"]
    if code == ABOVE_CARNOT:
        return "heat", (
            f"creates energy: {row['heat'] / -row['electricity']:.3f} heat per electricity is "
            f"above {carnot(cold, hot) / 1_000:g}; {_bound('from {:g} to {:g}', cold, hot)}"
        )
    if code == ABOVE_ENGINE:
        return "heat", (
            f"creates energy: {row['electricity'] / -row['heat']:.3f} electricity per heat is "
            f"above {1_000 / carnot(cold, hot):.3f}; {_bound('between {:g} and {:g}', cold, hot)}"
        )
    return "fuel", (
        f"creates energy: at most {CONDENSING} per 1000 of its fuel ({row['fuel']}) can come out"
    )


def _bound(words: str, cold: int, hot: int) -> str:
    """Where the bound of a conversion comes from, temperatures in tenths of a degree."""
    if hot <= cold:
        return "state the temperatures of a better one"
    return f"Carnot's bound {words.format(cold / 10, hot / 10)} degrees Celsius"
