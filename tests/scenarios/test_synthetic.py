"""Synthetic districts are the same everywhere, and what they claim to be."""

import subprocess
import sys

import numpy as np
import pytest

from decent_gym.errors import InputError
from decent_gym.scenarios import scenario
from decent_gym.scenarios.synthetic import randoms

GOLDEN = "907d76b8af2f397c83fd737eceae43defe2021a60dbbfb300b1d415d7ae11cff"


def splitmix64(state: int) -> int:
    """One output of the published generator, in Python's own integers."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_splitmix64_gives_the_published_numbers() -> None:
    # first outputs for seed 1234567, as published for implementers of the algorithm
    state, outputs = 1234567, []
    for _ in range(3):
        outputs.append(splitmix64(state))
        state = (state + 0x9E3779B97F4A7C15) % 2**64
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_the_random_numbers_are_those_of_slow_integers() -> None:
    who, when = np.arange(7), np.array([0, 1, 95, 2687])[:, None]
    fast = randoms(2**63 - 1, 3, who, when, 1_001)
    key = splitmix64(splitmix64(2**63 - 1) ^ 3)
    for (row, column), value in np.ndenumerate(fast):
        first = splitmix64((key + int(who[column])) % 2**64)
        second = splitmix64((first + int(when[row, 0])) % 2**64)
        assert value == (second >> 1) % 1_001


def test_the_default_district_never_changes() -> None:
    assert scenario("synthetic").digest.hex() == GOLDEN


def test_another_process_gives_the_same() -> None:
    code = "from decent_gym.scenarios import scenario; print(scenario('synthetic').digest.hex())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == GOLDEN


@pytest.mark.parametrize(("number", "plants"), [(3, 1), (20, 1), (21, 2), (40, 2), (101, 6)])
def test_who_lives_there(number: int, plants: int) -> None:
    district = scenario("synthetic", organizations=number, days=2)
    kinds = [member.organization.attributes["kind"] for member in district.members]
    homes = number - plants - 1
    assert kinds == ["household"] * homes + ["heat_plant"] * plants + ["utility"]
    members = district.members[:homes]
    sunny = district.pv.any(axis=0)
    assert sunny.sum() == -(-homes // 2)
    assert sum(m.battery is not None for m in members) == -(-homes // 3)
    assert sum(m.heat_pump is not None and m.thermal_store is not None for m in members) == (
        (homes + 1) // 3
    )
    assert (district.heat[:, :homes].sum(axis=0) > 0).all()
    assert (district.load[:, :homes] > 0).all()
    assert not district.load[:, homes:].any() and not district.heat[:, homes:].any()
    assert not district.pv.reshape(2, 96, -1)[:, :12].any(), "no sun at night"


def test_neighbours_do_not_depend_on_the_size_or_length() -> None:
    small = scenario("synthetic", organizations=20, days=2)
    large = scenario("synthetic", organizations=200, days=5)
    for name in ("load", "pv", "heat"):
        np.testing.assert_array_equal(getattr(small, name)[:, :18], getattr(large, name)[:192, :18])
    assert small.members[:18] == large.members[:18]


def test_seeds_matter() -> None:
    one, two = (scenario("synthetic", seed=seed, days=1) for seed in (1, 2))
    assert one.rules.seed == 1
    assert (one.load != two.load).any() and (one.temperature != two.temperature).any()


def test_without_a_utility() -> None:
    district = scenario("synthetic", utility=None, days=1)
    assert all(member.organization.priority == 0 for member in district.members)
    assert len(district.members) == 20


def test_a_large_district_is_plausible() -> None:
    district = scenario("synthetic", organizations=1_000, days=7)
    homes = district.load[:, :949].sum(axis=0) * 52 / 1e6  # MWh a year
    assert 2 < homes.mean() < 6
    assert homes.min() > 1 and homes.max() < 9
    assert -150 < district.temperature.min() < district.temperature.max() < 350
    assert district.pv.max() * 4 <= 12_000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"organizations": 2}, "organizations"),
        ({"organizations": 20.0}, "organizations"),
        ({"organizations": True}, "organizations"),
        ({"days": 0}, "days"),
        ({"days": 366, "organizations": 100_000}, "organizations x days"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"tie_rule": "tim"}, "did you mean 'time'"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        scenario("synthetic", **options)
