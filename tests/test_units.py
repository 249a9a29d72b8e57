"""Exact integers inside, one conversion at the edge."""

import decimal
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym import units
from decent_gym.errors import InputError
from decent_gym.units import checked_int, eur, eur_per_kwh, exact_int, micro_eur_per_kwh, wh

NAN, INF = float("nan"), float("inf")


def test_the_units_fit_each_other():
    assert units.WH_PER_KWH * units.MICRO_EUR_PER_EUR == units.NANO_EUR_PER_EUR
    assert units.ROUND_SECONDS == 900 and units.ROUNDS_PER_DAY == 96
    assert units.PRODUCT_CAP < 2**63
    assert units.BOOK_ENERGY_CAP * units.PRICE_CAP <= units.PRODUCT_CAP
    assert units.BOOK_ENERGY_CAP * units.ENERGY_CAP <= units.PRODUCT_CAP
    assert (units.BOOK_ENERGY_CAP + 1) * units.PRICE_CAP > units.PRODUCT_CAP


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1_000), (0.25, 250), ("0.25", 250), (Decimal("0.25"), 250), (Fraction(1, 4), 250),
        (np.float64(0.25), 250), (np.float32(0.25), 250), (np.int64(2), 2_000), (0, 0),
        (-1.5, -1_500), (0.0005, 0), (0.0015, 2), (0.0025, 2), (0.0035, 4), (-0.0005, 0),
        (-0.0015, -2), (1.0005, 1_000), ("1e-7", 0), ("-1e-999999", 0), ("0E+99", 0),
        (100_000, 10**8), (-100_000, -(10**8)), ("100000.0005", 10**8), (" 1.5 ", 1_500),
        ("1_000", 10**6),
        (0.285, 285), (4.35, 4_350), (2.675, 2_675), (1e-320, 0),
        ("0.000500000000000000000000000000000000000000001", 1),
    ],
)  # fmt: skip
def test_kwh_become_wh_once_half_to_even(value, expected):
    assert wh(value) == expected
    assert type(wh(value)) is int


BAD_NUMBERS = [
    NAN, INF, -INF, -0.0, "nan", "sNaN", "inf", "-Infinity", "-0", "-0.000", "", " ", "x", "1,5",
    "0x10", "1e", True, False, np.True_, None, b"1", [1.0], (1,), {}, 1j, np.array(1.0),
    np.array([1.0]), None, Decimal("NaN"), Decimal("-0"), Decimal("sNaN"), np.float64("nan"),
]  # fmt: skip
TOO_LARGE = [
    100_000.001, "100000.00051", -100_001, 1e300, 10**30, 10**400, 10**5000, -(10**5000),
    "1e20", "1e21", "1e999999", "-1e999999", Decimal("1e999999"), sys.float_info.max,
]  # fmt: skip


@pytest.mark.parametrize("convert", [wh, micro_eur_per_kwh])
@pytest.mark.parametrize("value", BAD_NUMBERS, ids=repr)
def test_what_is_no_number_is_refused(convert, value):
    with pytest.raises(InputError, match=r"in (kWh|EUR/kWh) must be (a number|finite)") as caught:
        convert(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", TOO_LARGE, ids=lambda value: type(value).__name__)
def test_what_is_too_large_is_refused(value):
    with pytest.raises(InputError, match=r"energy in kWh must be within \+-100000, got"):
        wh(value)


def test_prices_and_their_cap():
    assert micro_eur_per_kwh("0.285") == micro_eur_per_kwh(0.285) == 285_000
    assert micro_eur_per_kwh(-0.0000015) == -2
    assert micro_eur_per_kwh(100) == units.PRICE_CAP
    with pytest.raises(InputError, match=r"price in EUR/kWh must be within \+-100, got 100.1"):
        micro_eur_per_kwh(100.1)


@given(st.integers(-(10**8), 10**8))
def test_every_whole_wh_survives_the_trip(energy):
    assert wh(energy / 1_000) == wh(Decimal(energy) / 1_000) == energy


@given(st.decimals(-99_999, 99_999, allow_nan=False, places=12))
def test_rounding_is_exact(kwh):
    if kwh.is_zero() and kwh.is_signed():
        return
    assert wh(kwh) == round(Fraction(kwh) * 1_000)


def test_the_threads_decimal_context_does_not_matter():
    with decimal.localcontext() as context:
        context.prec, context.rounding = 2, decimal.ROUND_UP
        context.Emax = 3
        assert wh("12.3456") == 12_346
        assert micro_eur_per_kwh(0.28512) == 285_120


@pytest.mark.parametrize(
    "value", [0, 1, -1, 2**63 - 1, 1 - 2**63, np.int64(-5), np.uint64(7), np.array(3)]
)
def test_integers_are_taken(value):
    assert exact_int(value, "x") == int(value) and type(exact_int(value, "x")) is int


BAD_INTEGERS = [
    (True, "x must be an integer, got the bool True"),
    (np.False_, "x must be an integer, got the bool"),
    (1.0, "x must be an integer, got float 1.0"),
    (-0.0, "x must be an integer, got float -0.0"),
    (NAN, "x must be an integer, got float nan"),
    (INF, "x must be an integer, got float inf"),
    ("1", "x must be an integer, got str '1'"),
    (b"1", "x must be an integer, got bytes b'1'"),
    (None, "x must be an integer, got NoneType None"),
    (np.float64(1), "x must be an integer, got float64"),
    (np.array([1, 2]), "x must be an integer, got ndarray"),
    (np.array(True), "x must be an integer, got ndarray"),
    (Decimal(1), "x must be an integer, got Decimal"),
    (Fraction(1), "x must be an integer, got Fraction"),
    (2**63, f"x must fit 64 bits, got {2**63}"),
    (-(2**63), f"x must fit 64 bits, got {-(2**63)}"),
    (10**5000, "x must fit 64 bits, got one of 16610 bits"),
]


@pytest.mark.parametrize(("value", "text"), BAD_INTEGERS, ids=lambda v: type(v).__name__)
def test_what_is_no_integer_is_refused(value, text):
    for check in (exact_int, lambda v, name: checked_int(v, name, -5, 5)):
        with pytest.raises(InputError) as caught:
            check(value, "x")
        assert text in str(caught.value)


@pytest.mark.parametrize(("value", "fits"), [(2, True), (5, True), (1, False), (6, False)])
def test_ranges_are_closed(value, fits):
    if fits:
        assert checked_int(value, "x", 2, 5) == value
        return
    with pytest.raises(InputError, match=rf"x must be in \[2, 5\], got {value}"):
        checked_int(value, "x", 2, 5)


def test_money_for_people():
    assert eur(1_500_000_000) == 1.5 and eur(np.int64(-1)) == -1e-9
    assert eur_per_kwh(285_000) == 0.285
