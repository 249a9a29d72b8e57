"""What a file says is what the scenario holds, to the last Wh and micro-euro."""

from pathlib import Path

import numpy as np
import pytest
from scenarios.street_files import ROWS, TOML, csv_lines, write_street

from decent_gym.clearing import Rules
from decent_gym.district import Battery, HeatPump
from decent_gym.errors import UnknownNameError
from decent_gym.scenarios import Forecasts, load_scenario, scenario


def test_the_small_street(tmp_path: Path) -> None:
    street = load_scenario(write_street(tmp_path))
    rounds = np.arange(ROWS)
    assert (street.name, street.rounds, street.start) == ("street", ROWS, 1_704_067_200)
    assert [member.name for member in street.members] == ["a", "b", "grid"]
    np.testing.assert_array_equal(street.load[:, 0], rounds)
    np.testing.assert_array_equal(np.cumsum(street.load[:, 1]), np.cumsum(rounds) // 2)
    np.testing.assert_array_equal(street.pv[:, 0], np.where(rounds % 96 > 40, 250, 0))
    assert street.heat[:, 1].sum() == 96_000
    assert not street.load[:, 2].any() and not street.heat[:, 0].any()
    np.testing.assert_array_equal(street.temperature, rounds)
    assert street.tariffs[5].tolist() == [
        [350_000, 80_000, 450_000, 30_000],
        [160_000, 0, 210_000, -10_000],
    ]
    a, b, grid = street.members
    assert a.battery == Battery(capacity_kwh=10, charge_kw=5.5, discharge_kw=5)
    assert a.heat_pump == HeatPump(thermal_kw=8, supply=45)
    assert b.trader == "zero_intelligence" and not b.flexible
    assert grid.organization.priority == 1
    assert street.rules == Rules(price_rule="3/10", tie_rule="time")
    assert street.forecasts == Forecasts(sigma_permille=50)


def test_a_variant_takes_prices_from_a_column(tmp_path: Path) -> None:
    path = write_street(tmp_path)
    dynamic = load_scenario(path, tariff="dynamic")
    spot = 1_000 * (np.arange(ROWS) - 50)
    exact = spot * 119 // 100  # 1.19 of whole EUR/MWh has no half micro-euro
    np.testing.assert_array_equal(dynamic.tariffs[:, 0, 0], exact + 200_000)
    np.testing.assert_array_equal(dynamic.tariffs[:, 1], load_scenario(path).tariffs[:, 1])


def test_scaled_prices_round_half_to_even(tmp_path: Path) -> None:
    lines = [csv_lines()[0]] + [
        f"{line.rpartition(',')[0]},{(i - 90) / 1000:.3f}" for i, line in enumerate(csv_lines()[1:])
    ]
    toml = TOML.replace("scale = 1.19", "scale = 0.5").replace("plus = 0.20", "plus = 0.2")
    half = load_scenario(write_street(tmp_path, toml, "\n".join(lines)), tariff="dynamic")
    expected = [round((i - 90) / 2) + 200_000 for i in range(ROWS)]  # round() is half to even
    assert half.tariffs[:, 0, 0].tolist() == expected


def test_a_time_of_use_tariff_repeats_every_day(tmp_path: Path) -> None:
    blocks = "{ time_of_use = [{ hours = [6, 24], price = 0.4 }, { hours = [0, 6], price = 0.3 }] }"
    street = load_scenario(
        write_street(tmp_path, TOML.replace("retail = 0.35", f"retail = {blocks}"))
    )
    day = [300_000] * 24 + [400_000] * 72
    assert street.tariffs[:, 0, 0].tolist() == day + day
    assert street.tariffs[:, 0, 2].tolist() == [price + 100_000 for price in day + day]


def test_a_price_may_come_from_smard(tmp_path: Path) -> None:
    rows = ["Datum von;Datum bis;Deutschland/Luxemburg [€/MWh] Berechnete Auflösungen"]
    for day in (1, 2, 3):
        rows += [
            f"0{day}.01.2024 {h:02}:00;0{day}.01.2024 {(h + 1) % 24:02}:00;{h},50"
            for h in range(24)
        ]
    (tmp_path / "smard.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    toml = TOML.replace("retail = 0.35", 'retail = { smard = "smard.csv", scale = 2, plus = 0.2 }')
    street = load_scenario(write_street(tmp_path, toml))
    # the profiles begin at 00:00 UTC, which is 01:00 in Germany
    hours = (np.arange(ROWS) // 4 + 1) % 24
    np.testing.assert_array_equal(street.tariffs[:, 0, 0], 2 * (1_000 * hours + 500) + 200_000)
    (tmp_path / "smard.csv").write_text("\n".join(rows[:40]), encoding="utf-8-sig")
    with pytest.raises(ValueError, match=r"smard\.csv covers .* download the whole time"):
        load_scenario(write_street(tmp_path, toml))


def test_a_local_midnight_and_a_few_days(tmp_path: Path) -> None:
    toml = TOML.replace('"air"', '"air"\nstart = 2024-01-02T00:00:00+01:00\ndays = 1')
    street = load_scenario(write_street(tmp_path, toml))
    assert street.start == 1_704_067_200 + 23 * 3600
    assert street.load[:, 0].tolist() == list(range(92, 188))


def test_a_file_in_local_time_with_its_own_offset(tmp_path: Path) -> None:
    text = "\n".join(csv_lines()).replace("+00:00", "+05:30")
    assert load_scenario(write_street(tmp_path, csv=text)).start == 1_704_067_200 - 19_800


def test_rules_given_by_the_caller_win(tmp_path: Path) -> None:
    street = load_scenario(write_street(tmp_path), price_rule=1, utility="residual")
    assert street.rules == Rules(price_rule=1, tie_rule="time", utility="residual")
    with pytest.raises(UnknownNameError, match="did you mean 'price_rule'"):
        load_scenario(write_street(tmp_path), price_rul=1)
    with pytest.raises(UnknownNameError, match="did you mean 'dynamic'"):
        load_scenario(write_street(tmp_path), tariff="dynamik")


def test_a_district_without_heat_needs_no_word_about_it(tmp_path: Path) -> None:
    toml = TOML.replace('heat = { column = "warmth", annual_kwh = 96 }\n', "")
    for section in ("[heat_network]", "[tariffs.heat]"):
        start = toml.index(section)
        toml = toml[:start] + toml[toml.index("\n[", start) + 1 :]
    street = load_scenario(write_street(tmp_path, toml))
    assert not street.heat.any()
    assert street.network.parameters() == (0, 0, 0)
    assert street.tariffs[0, 1].tolist() == [160_000, 0, 210_000, -10_000]


def test_a_district_without_utility(tmp_path: Path) -> None:
    toml = TOML.replace('[[organization]]\nname = "grid"\npriority = 1\n', "")
    toml = toml.replace('tie_rule = "time"', 'utility = "none"')
    assert load_scenario(write_street(tmp_path, toml)).rules.utility is None


def test_the_utility_leaves_if_the_caller_wants_none(tmp_path: Path) -> None:
    without = load_scenario(write_street(tmp_path), utility=None)
    assert [member.name for member in without.members] == ["a", "b"]
    assert without.load.shape == (ROWS, 2) and without.rules.utility is None
    assert without.digest == scenario(load_scenario(tmp_path / "street.toml"), utility=None).digest


def test_loading_does_not_depend_on_spelling(tmp_path: Path) -> None:
    one = load_scenario(write_street(tmp_path))
    text = "\ufeff" + "\r\n".join(csv_lines()).replace("+00:00", "Z") + "\r\n\r\n"
    toml = TOML.replace("capacity_kwh = 10", "capacity_kwh = 10.00").replace("0.35", "35e-2")
    two = load_scenario(write_street(tmp_path, toml, text))
    assert one.digest == two.digest
    other = load_scenario(
        write_street(tmp_path, TOML.replace("charge_kw = 5.5", "charge_kw = 5.4"))
    )
    assert one.digest != other.digest
