"""From the data sheet to integers per round: kW, kWh and efficiencies, converted once and checked.

======================  =======================================================  ==========
what a data sheet says  what the kernels compute with                            rounding
======================  =======================================================  ==========
power, kW               energy of one round, Wh (1 kW is 250 Wh in 15 minutes)   half even
capacity, kWh           stored energy, mWh (1/1000 Wh)                           half even
output per input, eta   mWh of output per Wh of input: ``1000 * eta``            down
input per output        mWh of input per Wh of output: ``1000 / eta``            up
======================  =======================================================  ==========

Both efficiencies round against their owner, so that no rounding is ever a source of energy.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import numpy as np

from decent_gym.errors import InputError
from decent_gym.units import ENERGY_CAP, ROUNDS_PER_HOUR, WH_PER_KWH

Number = int | float | str | Decimal
"""A physical quantity as people write it; floats are taken at their shortest decimal text."""

MWH_PER_WH: Final = 1_000
WH_PER_KW: Final = WH_PER_KWH // ROUNDS_PER_HOUR
"""Energy of 1 kW in one round, Wh."""
POWER_CAP_KW: Final = ENERGY_CAP // WH_PER_KW
CAPACITY_CAP_KWH: Final = ENERGY_CAP // WH_PER_KWH
EFFICIENCY_FLOOR: Final = "0.01"


def quantity(place: str, value: object, low: Number, high: Number, unit: str = "") -> Decimal:
    """Return `value` as an exact decimal if it is a finite number in [low, high].

    Parameters
    ----------
    place : str
        Device and field, such as ``"battery.charge_kw"``; opens the message.

    Raises
    ------
    InputError
        Naming the place, the value and the allowed range.
    """
    allowed = f"{place} must be a number in [{low}, {high}]{' ' if unit else ''}{unit}"
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise InputError(f"{allowed}, got {type(value).__name__} {value!r}")
    try:
        number = Decimal(repr(float(value)) if isinstance(value, float) else value)
    except InvalidOperation:
        raise InputError(f"{allowed}, got {value!r}") from None
    # Decimal(str(...)) as in the message: a float bound would not be the number it shows
    if not number.is_finite() or not Decimal(str(low)) <= number <= Decimal(str(high)):
        raise InputError(f"{allowed}, got {value!r}")
    return number


def power(place: str, kw: object) -> int:
    """Power in kW as energy per round, Wh."""
    number = quantity(place, kw, 0, POWER_CAP_KW, "kW")
    return int((number * WH_PER_KW).to_integral_value(ROUND_HALF_EVEN))


def capacity(place: str, kwh: object) -> int:
    """Storage capacity in kWh as mWh."""
    number = quantity(place, kwh, 0, CAPACITY_CAP_KWH, "kWh")
    return int((number * WH_PER_KWH * MWH_PER_WH).to_integral_value(ROUND_HALF_EVEN))


def efficiency(place: str, eta: object) -> Decimal:
    """Output over input; at least 0.01, at most 1: a device is not a source of energy."""
    return quantity(place, eta, EFFICIENCY_FLOOR, 1)


def share(place: str, fraction: object) -> Decimal:
    """A fraction in [0, 1]."""
    return quantity(place, fraction, 0, 1)


def per_input(ratio: Decimal) -> int:
    """Output per input in mWh per Wh, rounded down."""
    return int((ratio * MWH_PER_WH).to_integral_value(ROUND_FLOOR))


def per_output(eta: Decimal) -> int:
    """Input per output in mWh per Wh, rounded up."""
    return int((MWH_PER_WH / eta).to_integral_value(ROUND_CEILING))


def part(whole: int, fraction: Decimal, rounding: str = ROUND_FLOOR) -> int:
    """`fraction` of `whole`, rounded down unless told otherwise."""
    return int((whole * fraction).to_integral_value(rounding))
