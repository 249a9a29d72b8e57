"""A trained policy trades over MQTT as it does in the environment: the same offers."""

from pathlib import Path

import numpy as np
import pytest

import decent_gym
from agents.description import Description
from agents.learned import LearnedPolicy
from agents.participant import learned, scripted
from decent_gym.errors import DataError, InputError, UnknownNameError
from decent_gym.live import Opening, acted_offers, scripted_offers

VIEW = {
    **dict.fromkeys(["pv", "cop", "pump_max", "store_in", "store_out"], 0),
    **dict.fromkeys(["chp_max", "boiler_max"], 0),
    **dict.fromkeys(["chp_heat_rate", "chp_fuel_rate", "boiler_fuel_rate", "charge_rate"], 1000),
    "discharge_rate": 1000,
    "load": 400,
    "heat": 900,
    "max_charge": 500,
    "max_discharge": 300,
    "fuel_price": 100_000,
    **{
        f"{name}_prices": {
            "retail": 300_000, "feed_in": 80_000, "short": 400_000, "long": 30_000,
            "price_low": 80_000, "price_high": 300_000,
        }
        for name in ("electricity", "heat")
    },
}  # fmt: skip


@pytest.fixture
def opening() -> Opening:
    width = len(decent_gym.observation_fields())
    seen = np.random.default_rng(0).normal(size=width).astype(np.float32)
    return Opening(round=5, ledger="0" * 64, closes_in=1000, observation=seen, view=VIEW)


def test_a_policy_offers_what_its_action_means(
    folder: Path, description: Description, opening: Opening
) -> None:
    offers = learned(str(folder), description.learner)(opening)
    action = LearnedPolicy.load(folder / "policy.json").predict(opening.observation)
    named = dict(zip(description.actions, action.tolist(), strict=True))
    assert offers == acted_offers(opening, named)
    assert {offer["commodity"] for offer in offers} == {"electricity", "heat"}


def test_a_script_offers_what_it_always_does(opening: Opening) -> None:
    assert scripted("truthful")(opening) == scripted_offers(opening, "truthful")
    with pytest.raises(UnknownNameError, match="truthful"):
        scripted("truthfull")


def test_a_policy_trades_for_its_own_organization(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not for building_99"):
        learned(str(folder), "building_99")
    with pytest.raises(DataError, match=r"policy\.json"):
        learned(str(tmp_path / "nothing"), "building_03")
