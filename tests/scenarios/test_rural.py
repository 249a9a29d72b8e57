"""The embedded district holds what its README says."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from decent_gym.district import CHP, Battery, Boiler, HeatPump, ThermalStore
from decent_gym.errors import UnknownNameError
from decent_gym.scenarios import scenario
from decent_gym.scenarios.catalogue import DATA

GOLDEN = "a6f6fe6899605ca6c17c5e752547894927c445dd04728c39868b5e26344255ee"
README = (DATA / "README.md").read_text(encoding="utf-8")


def test_the_digest_never_changes_unnoticed() -> None:
    assert scenario("rural").digest.hex() == GOLDEN


def test_the_file_is_the_one_in_the_readme() -> None:
    digest = hashlib.sha256((DATA / "rural.npz").read_bytes()).hexdigest()
    assert f"`{digest}`" in README


def test_sums_are_those_of_the_readme() -> None:
    rural = scenario("rural")
    found = re.search(r"([\d.]+) MWh of heat beside ([\d.]+) MWh of electricity", README)
    assert found is not None
    assert f"{rural.heat.sum() / 1e6:.1f}" == found[1]
    assert f"{rural.load.sum() / 1e6:.1f}" == found[2]
    assert f"{rural.pv.sum() / 1e6:.1f}" == "104.1"  # as SimBench gives it
    assert f"{rural.temperature.mean() / 10:.1f}" == "12.6"
    assert rural.temperature.min() == -57
    assert rural.rounds == 366 * 96
    assert rural.start == 1_451_602_800  # 2015-12-31 23:00 UTC


def test_columns_are_those_of_the_archive() -> None:
    rural = scenario("rural")
    with np.load(DATA / "rural.npz", allow_pickle=False) as data:
        np.testing.assert_array_equal(rural.load[:, :13], data["load_wh"])
        np.testing.assert_array_equal(rural.heat[:, :13], data["heat_wh"])
        np.testing.assert_array_equal(rural.temperature, data["temperature_dc"])
        sunny = dict(enumerate(data["pv_load"].tolist()))
        for plant, building in sunny.items():
            np.testing.assert_array_equal(rural.pv[:, building], data["pv_wh"][:, plant])
    assert np.flatnonzero(rural.pv.any(axis=0)).tolist() == sorted(sunny.values())
    for profile in (rural.load, rural.pv, rural.heat):
        assert not profile[:, 13:].any()


def test_who_owns_what() -> None:
    rural = scenario("rural")
    names = [f"building_{i:02}" for i in range(1, 14)] + ["heat_plant", "utility"]
    assert [member.name for member in rural.members] == names
    batteries = {m.name: m.battery.capacity_kwh for m in rural.members if m.battery}
    assert batteries == {
        "building_02": 11,
        "building_03": 22.1,
        "building_04": 13.8,
        "building_08": 22.1,
        "building_09": 22.1,
        "building_11": 44.2,
    }
    pumps = {m.name: m.heat_pump.thermal_kw for m in rural.members if m.heat_pump}
    assert pumps == {
        "building_02": 8,
        "building_03": 14,
        "building_04": 8,
        "building_05": 18,
        "building_09": 16,
        "building_11": 8,
    }
    assert {m.name for m in rural.members if m.thermal_store} == {*pumps, "heat_plant"}
    learner = rural.members[rural.index("building_03")]
    assert learner.battery == Battery(capacity_kwh=22.1, charge_kw=11, discharge_kw=11)
    assert learner.heat_pump == HeatPump(thermal_kw=14, supply="radiator")
    assert not rural.pv[:, 2].any()
    assert f"{rural.load[:, 2].sum() / 1e6:.1f}" == "10.9"
    plant = rural.members[13]
    assert plant.chp == CHP(
        electric_kw=20, electric_efficiency=0.31, thermal_efficiency=0.62, minimum_load=0
    )
    assert plant.boiler == Boiler(thermal_kw=160, efficiency=0.95)
    assert isinstance(plant.thermal_store, ThermalStore)
    assert rural.network.parameters() == (50_000, 2_000, 50_000)


def test_heat_pumps_cover_the_peak_of_their_building() -> None:
    rural = scenario("rural")
    for index, member in enumerate(rural.members):
        if member.heat_pump is not None:
            most = member.heat_pump.parameters()["pump_max"]
            coldest = int(rural.heat[:, index].argmax())
            cop = member.heat_pump.cop(rural.temperature[coldest : coldest + 1])[0]
            assert most * cop >= 1000 * rural.heat[coldest, index]


def test_tariffs() -> None:
    flat, blocks = scenario("rural"), scenario("rural", tariff="time_of_use")
    assert np.unique(flat.tariffs, axis=0).tolist() == [
        [[350_000, 80_000, 450_000, 30_000], [160_000, 0, 210_000, -10_000]]
    ]
    assert blocks.tariffs[:96, 0, 0].sum() == 96 * 350_000, "the flat price on average"
    assert any("synthetic" in source for source in blocks.sources)
    assert not any("synthetic" in source for source in flat.sources)
    np.testing.assert_array_equal(flat.tariffs[:, 1], blocks.tariffs[:, 1])


def test_episodes_of_the_splits_never_overlap() -> None:
    rural = scenario("rural")
    used = {}
    for split in ("train", "validation", "test"):
        starts = rural.splits.starts(split, rural.rounds, 96)
        rounds = (starts[:, None] + np.arange(96)).ravel().tolist()
        used[split] = set(rounds)
        assert len(used[split]) == len(rounds)
    assert not used["train"] & used["validation"]
    assert not used["train"] & used["test"]
    assert not used["validation"] & used["test"]


def test_it_is_built_once() -> None:
    assert scenario("rural") is scenario("rural")
    assert scenario("rural", price_rule="midpoint") is scenario("rural", price_rule=0.5)
    assert scenario("rural", price_rule=0) is not scenario("rural")
    with pytest.raises(ValueError, match="read-only"):
        scenario("rural").load[0, 0] = 1


def test_without_the_utility() -> None:
    rural = scenario("rural", utility=None)
    assert [member.name for member in rural.members][-1] == "heat_plant"
    assert rural.load.shape == (35_136, 14)
    with pytest.raises(UnknownNameError):
        rural.index("utility")


def test_licences_lie_beside_the_data() -> None:
    for name in ("LICENSE-rural.txt", "LICENSE-dwd.txt", "README.md", "rural.toml"):
        assert Path(DATA / name).stat().st_size > 0
