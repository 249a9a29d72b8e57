"""A scenario made by hand is checked like one from a file; equal facts have equal digests."""

from dataclasses import replace
from decimal import localcontext
from typing import Any

import numpy as np
import pytest

from decent_gym.clearing import Rules
from decent_gym.district import Battery, Boiler
from decent_gym.errors import InputError, ScenarioError
from decent_gym.models import Organization
from decent_gym.scenarios import Forecasts, Member, Prices, Scenario, Splits, scenario

SMALL = scenario("synthetic", organizations=4, days=2)


def with_battery(battery: Battery) -> Scenario:
    first, *others = SMALL.members
    return replace(SMALL, members=(replace(first, battery=battery), *others))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "my street/1"}, r"name must be .* got 'my street/1'"),
        ({"name": 5}, "name must be"),
        ({"start": 1_709_510_400.0}, r"start must be an integer, got float"),
        ({"start": -900}, r"start -900 .*\[0, "),
        ({"start": 1}, "15-minute grid"),
        ({"members": list(SMALL.members)}, "members must be a tuple of Member"),
        ({"members": ("a", "b", "c", "d")}, "members must be a tuple of Member"),
        ({"rules": {}}, "rules must be a Rules, got dict"),
        ({"network": None}, "network must be a HeatNetwork, got NoneType"),
        ({"rules": Rules(utility=None)}, "'utility' is a utility; leave it out"),
        ({"temperature": SMALL.temperature.astype(float)}, r"temperature must be int64 .*float64"),
        ({"temperature": np.zeros((192, 2), np.int64)}, r"temperature .* \(192,\), got int64"),
        ({"temperature": SMALL.temperature + 700}, "temperature in round 0 must be -600 to 600"),
        ({"temperature": [0] * 192}, "temperature must be an int64 array .* got list"),
        ({"load": SMALL.load.tolist()}, "load must be an int64 array .* got list"),
        ({"load": SMALL.load.astype(np.int32)}, r"load must be int64 .* got int32"),
        ({"heat": SMALL.heat - 10**6}, "heat of 'household_00001' in round 0 must be 0 to"),
        ({"tariffs": SMALL.tariffs[:, :1]}, r"tariffs must be int64 of shape \(192, 2, 4\)"),
        ({"balance": "markt"}, "balance must be 'market' or 'device', got 'markt'"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        replace(SMALL, **changes)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Prices(fuel=-1), r"prices.fuel must be in \[0, 100000000\], got -1"),
        (lambda: Prices(wear=0.5), "prices.wear must be an integer, got float 0.5"),
        (lambda: Forecasts(sigma_permille=1_001), r"sigma_permille must be in \[0, 1000\]"),
        (lambda: Forecasts(persistence_permille=1_000), r"persistence_permille .*\[0, 999\]"),
        (lambda: Splits((-1,), ()), "validation week must be in"),
        (lambda: Splits((), (1.5,)), "test week must be an integer"),
        (lambda: Splits("12", ()), "validation must be a tuple of weeks"),
        (lambda: Splits((3,), (3,)), "week 3 is in both"),
    ],
)
def test_its_parts_are_checked_when_made(make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


def test_one_battery_has_one_digest_however_its_numbers_are_written() -> None:
    expected = with_battery(Battery(6, 3.25, 3)).digest
    for kwh in (np.int64(6), 6.0, np.float64(6)):
        assert with_battery(Battery(kwh, np.float64(3.25), 3)).digest == expected
    assert with_battery(Battery(6, 3.5, 3)).digest != expected
    assert replace(SMALL, start=np.int64(SMALL.start)).digest == SMALL.digest


def test_the_thread_s_decimal_context_does_not_change_the_digest() -> None:
    district = with_battery(Battery(6.123456, 3, 3))
    expected = district.digest
    with localcontext(prec=2):
        assert district.digest == expected


def test_arrays_become_read_only() -> None:
    load = SMALL.load.copy()
    assert replace(SMALL, load=load).load is load
    assert not load.flags.writeable


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"battery": 5}, "'house': battery must be a Battery or None, got 5"),
        ({"chp": Boiler(thermal_kw=5)}, "'house': chp must be a CHP or None"),
        ({"organization": "house"}, "must be an Organization, got 'house'"),
        (
            {"organization": Organization("house", priority=1), "boiler": Boiler(thermal_kw=5)},
            "'house' is a utility .* cannot own devices",
        ),
    ],
)
def test_a_member_owns_devices_of_the_right_kind(fields, message) -> None:
    with pytest.raises(ScenarioError, match=message):
        Member(**{"organization": Organization("house"), **fields})
