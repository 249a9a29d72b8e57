"""The rule by hand says what its table says, whatever devices there are."""

import numpy as np
import pytest

import decent_gym
from agents.storage_rule import StorageRule

AT = {field.name: i for i, field in enumerate(decent_gym.observation_fields())}
ALL = ("battery", "battery_limit", "pump", "pump_limit", "store", "store_limit")
RETAIL, FEED_IN, HEAT_RETAIL = 0.35, 0.08, 0.16


def seen(price: float, heat: float, cop: float) -> np.ndarray:
    """An observation in which prices are EUR/kWh."""
    obs = np.zeros(len(AT), np.float32)
    electricity = {"retail": RETAIL, "feed_in": FEED_IN, "last_price": price}
    for name, value in electricity.items():
        obs[AT[name]] = value / RETAIL
    obs[AT["heat_retail"]], obs[AT["last_heat_price"]] = 1, heat / HEAT_RETAIL
    obs[AT["cop"]] = cop / 5
    return obs


def limit(lever: float, low: float, high: float) -> float:
    return low + (lever + 1) / 2 * (high - low)


@pytest.mark.parametrize("price", [0.08, 0.15, 0.21, 0.22, 0.30, 0.35])
@pytest.mark.parametrize("cop", [2.0, 3.0, 4.5])
def test_says_what_the_table_says(price: float, cop: float) -> None:
    rule = StorageRule.of(decent_gym.scenario("rural"), ALL)
    action = dict(zip(ALL, rule.predict(seen(price, 0.10, cop)).tolist(), strict=True))
    cheap, makes = price < 0.215, price < 0.10 * cop
    assert action["battery"] == (1 if cheap else -1)
    wanted = 0.215 * 0.95 if cheap else 0.215 / 0.95
    assert limit(action["battery_limit"], FEED_IN, RETAIL) == pytest.approx(wanted, abs=1e-6)
    assert (action["pump"], action["store"]) == ((1, -1) if makes else (-1, 1))
    wanted = min(0.10 * cop * 0.95, RETAIL)
    assert limit(action["pump_limit"], FEED_IN, RETAIL) == pytest.approx(wanted, abs=1e-6)
    wanted = 0.10 * 0.95 if makes else 0.10 / 0.95
    assert limit(action["store_limit"], 0, HEAT_RETAIL) == pytest.approx(wanted, abs=1e-6)


def test_any_devices_and_any_number_of_observations() -> None:
    district = decent_gym.scenario("rural")
    whole = StorageRule.of(district, ALL)
    part = StorageRule.of(district, ("store_limit", "chp", "battery"))
    many = np.stack([seen(0.1, 0.1, 3), seen(0.3, 0.1, 2), seen(0.35, 0.1, 0)])
    assert whole.predict(many).shape == (3, 6)
    assert (np.abs(whole.predict(many)) <= 1).all()
    np.testing.assert_array_equal(part.predict(many)[:, 0], whole.predict(many)[:, 5])
    np.testing.assert_array_equal(part.predict(many)[:, 1], 0)
    np.testing.assert_array_equal(part.predict(many[1]), part.predict(many)[1])
