"""Scales, caps, dtypes and the one place where floats become integers.

Energy is int64 Wh, price int64 micro-euro per kWh, money int64 nano-euro, because then
``energy * price`` is money without a rounding: 1 Wh x 1 ue/kWh = 1 ne.  Sums are exact and the
same on every machine and thread count, which floats are not.
"""

import operator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Real
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError, shown

IntArray = npt.NDArray[np.int64]

ROUND_MINUTES: Final = 15
ROUND_SECONDS: Final = ROUND_MINUTES * 60
ROUNDS_PER_HOUR: Final = 60 // ROUND_MINUTES
ROUNDS_PER_DAY: Final = 24 * ROUNDS_PER_HOUR

WH_PER_KWH: Final = 1_000
MICRO_EUR_PER_EUR: Final = 1_000_000
NANO_EUR_PER_EUR: Final = 1_000_000_000

ENERGY_CAP: Final = 10**8
"""Largest energy of one offer, Wh."""
PRICE_CAP: Final = 10**8
"""Largest absolute limit price, micro-euro per kWh (100 euro per kWh)."""
PRODUCT_CAP: Final = 2**62
"""No sum of a book's energies times a price or an energy may pass this: int64 wraps silently."""
BOOK_ENERGY_CAP: Final = PRODUCT_CAP // max(ENERGY_CAP, PRICE_CAP)
"""Largest sum of energies in one book, Wh; shared out among its organizations at submission."""
JSON_INTEGER_CAP: Final = 2**53 - 1
"""Largest integer that every reader of JSON understands; caps ids and device numbers."""

_DECADES: Final = 20


def exact_int(value: object, name: str) -> int:
    """Return `value` as an int if it is one (not a bool, float or str) and fits int64.

    Raises
    ------
    InputError
        Naming `name` and the value.
    """
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be an integer, got the bool {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # refuses what is not an integer
    except TypeError:
        raise InputError(
            f"{name} must be an integer, got {type(value).__name__} {shown(value)}"
        ) from None
    if not -(2**63) < number < 2**63:
        # Python refuses to print an integer of thousands of digits
        text = number if number.bit_length() < 1024 else f"one of {number.bit_length()} bits"
        raise InputError(f"{name} must fit 64 bits, got {text}")
    return number


def checked_int(value: object, name: str, low: int, high: int) -> int:
    """Return `value` as an int if it is an integer (not a bool, float or str) in [low, high].

    Raises
    ------
    InputError
        Naming `name`, the value and the range.
    """
    number = exact_int(value, name)
    if not low <= number <= high:
        raise InputError(f"{name} must be in [{low}, {high}], got {number}")
    return number


def wh(kwh: float | str | Decimal) -> int:
    """Convert kWh to Wh, once, rounding half to even."""
    return _scaled(kwh, WH_PER_KWH, "energy in kWh", ENERGY_CAP)


def micro_eur_per_kwh(eur_per_kwh: float | str | Decimal) -> int:
    """Convert a price in euro per kWh to micro-euro per kWh, once, rounding half to even."""
    return _scaled(eur_per_kwh, MICRO_EUR_PER_EUR, "price in EUR/kWh", PRICE_CAP)


def _scaled(value: float | str | Decimal, scale: int, name: str, cap: int) -> int:
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be a number, got the bool {value!r}")
    if not isinstance(value, str | Decimal | Real):
        raise InputError(f"{name} must be a number, got {type(value).__name__} {shown(value)}")
    try:
        # repr of a float is the shortest text that means it: 0.285 becomes 285000, not 284999.99
        number = Decimal(value if isinstance(value, str | Decimal) else repr(float(value)))
    except InvalidOperation:
        raise InputError(f"{name} must be a number, got {shown(value)}") from None
    except OverflowError:  # an integer that no float can hold
        raise InputError(f"{name} must be within +-{cap / scale:g}, got more") from None
    if not number.is_finite() or (number.is_zero() and number.is_signed()):
        raise InputError(f"{name} must be finite and not -0.0, got {shown(value)}")
    # an exponent far out would make the Fraction huge; a Fraction is exact whatever the thread's
    # decimal context says, and round() goes half to even
    exponent = number.adjusted() if number else 0
    scaled = round(Fraction(number) * scale) if -_DECADES < exponent < _DECADES else 0
    if exponent >= _DECADES or abs(scaled) > cap:
        raise InputError(f"{name} must be within +-{cap / scale:g}, got {shown(value)}")
    return scaled


def eur(nano_eur: int | np.integer) -> float:
    """Money in euro, for people; never computed with again."""
    return int(nano_eur) / NANO_EUR_PER_EUR


def eur_per_kwh(price: int | np.integer) -> float:
    """A price in euro per kWh, for people; never computed with again."""
    return int(price) / MICRO_EUR_PER_EUR
