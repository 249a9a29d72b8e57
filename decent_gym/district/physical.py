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
Between text and integer everything is a Fraction: Decimal arithmetic would round as the calling
thread's context says, and one scenario would give two batteries.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil, floor
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
DECIMALS_CAP: Final = 40
"""1e-999999999 is a number too, but its fraction would fill the memory."""


def quantity(place: str, value: object, low: Number, high: Number, unit: str = "") -> Fraction:
    """Return `value` as an exact fraction if it is a finite number in [low, high].

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
    if -int(number.as_tuple().exponent) > DECIMALS_CAP:
        raise InputError(f"{allowed} with at most {DECIMALS_CAP} decimals, got {value!r}")
    return Fraction(number)


def power(place: str, kw: object) -> int:
    """Power in kW as energy per round, Wh."""
    return round(quantity(place, kw, 0, POWER_CAP_KW, "kW") * WH_PER_KW)


def capacity(place: str, kwh: object) -> int:
    """Storage capacity in kWh as mWh."""
    return round(quantity(place, kwh, 0, CAPACITY_CAP_KWH, "kWh") * WH_PER_KWH * MWH_PER_WH)


def efficiency(place: str, eta: object) -> Fraction:
    """Output over input; at least 0.01, at most 1: a device is not a source of energy."""
    return quantity(place, eta, EFFICIENCY_FLOOR, 1)


def share(place: str, fraction: object) -> Fraction:
    """A fraction in [0, 1]."""
    return quantity(place, fraction, 0, 1)


def per_input(ratio: Fraction) -> int:
    """Output per input in mWh per Wh, rounded down."""
    return floor(ratio * MWH_PER_WH)


def per_output(eta: Fraction) -> int:
    """Input per output in mWh per Wh, rounded up."""
    return ceil(MWH_PER_WH / eta)


def part(whole: int, fraction: Fraction, *, up: bool = False) -> int:
    """`fraction` of `whole`, rounded down, or up."""
    return ceil(whole * fraction) if up else floor(whole * fraction)
