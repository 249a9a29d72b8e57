"""One function for names, files and objects; slips name the nearest right word."""

from pathlib import Path

import pytest
from scenarios.street_files import write_street

from decent_gym.errors import DecentGymError
from decent_gym.scenarios import SCENARIOS, Scenario, scenario


def test_the_catalogue() -> None:
    assert sorted(SCENARIOS) == ["rural", "synthetic"]


def test_a_scenario_passes_through() -> None:
    rural = scenario("rural")
    assert scenario(rural) is rural
    changed = scenario(rural, price_rule=0)
    assert changed.rules.price_rule == "0/1"
    assert changed.digest == scenario("rural", price_rule=0).digest
    assert scenario(rural, utility=None).digest == scenario("rural", utility=None).digest


def test_a_path_is_loaded(tmp_path: Path) -> None:
    path = write_street(tmp_path)
    assert scenario(path).digest == scenario(str(path)).digest
    assert scenario(path, tariff="dynamic", price_rule=1).rules.price_rule == "1/1"


@pytest.mark.parametrize(
    ("which", "options", "says"),
    [
        ("rurl", {}, "did you mean 'rural'"),
        ("", {}, "known: rural, synthetic"),
        ("rural", {"tarif": "flat"}, "did you mean 'tariff'"),
        ("rural", {"tariff": "flatt"}, "did you mean 'flat'"),
        ("rural", {"mechanism": "merit_ordr"}, "did you mean 'merit_order'"),
        ("rural", {"utility": "residul"}, "did you mean 'residual'"),
        ("rural", {"price_rule": [1]}, r"list \[1\]"),
        ("synthetic", {"organisations": 5}, "did you mean 'organizations'"),
        ("nowhere.toml", {}, "nowhere.toml: cannot be read"),
        ("nowhere.toml", {"seeed": 1}, "did you mean 'seed'"),
        (5, {}, "int 5"),
        (None, {}, "NoneType"),
    ],
)
def test_slips_are_named(which: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(DecentGymError, match=says):
        scenario(which, **options)


def test_a_scenario_takes_rules_only() -> None:
    with pytest.raises(DecentGymError, match="did you mean 'tie_rule'"):
        scenario(scenario("rural"), tie_rul="time")
    with pytest.raises(DecentGymError, match="unknown rule 'tariff'"):
        scenario(scenario("rural"), tariff="flat")


def test_everything_in_the_catalogue_builds() -> None:
    for name in SCENARIOS:
        assert isinstance(scenario(name), Scenario)
