"""Wishes in scenarios: from files, as keywords, as recordings keep them."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from decent_gym import Wish, load_scenario, scenario
from decent_gym.errors import DecentGymError, ScenarioError
from decent_gym.scenarios.wishes import plain_options, read_wish, with_wishes

RURAL = Path(__file__).parents[2] / "decent_gym" / "scenarios" / "data" / "rural.toml"


@pytest.mark.parametrize(
    ("table", "wish"),
    [
        ({"renewable": True, "premium": Decimal("0.10")}, Wish(renewable=True, premium=100)),
        ({"renewable": True, "premium": 0.001}, Wish(renewable=True, premium=1)),
        ({"local": True, "premium": 1}, Wish(local=True, premium=1000)),
        ({"local": True, "hard": True}, Wish(local=True)),
        ({"local": True, "renewable": True, "hard": True}, Wish(local=True, renewable=True)),
        ({"partner": "farm"}, Wish(partner="farm")),
        (
            {"local": True, "premium": 0, "partner": "farm"},
            Wish(local=True, premium=0, partner="farm"),
        ),
    ],
)
def test_tables(table, wish) -> None:
    assert read_wish(table, "here") == wish
    kept = plain_options({"wishes": {"x": wish, "y": None}, "tariff": "flat"})
    assert kept["tariff"] == "flat"
    assert {"x": read_wish(json.loads(kept["wishes"])["x"], "kept")} == {"x": wish}
    assert plain_options(kept) == kept


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "here: wish: says nothing"),
        ({"local": True}, "one of premium .* and hard = true .* got neither"),
        ({"local": True, "hard": True, "premium": 0.1}, "got both"),
        ({"hard": True}, "here: wish: says nothing"),
        ({"premium": 0.1}, "here: wish: says nothing"),
        ({"local": 1, "hard": True}, "local must be True or False, got 1"),
        ({"local": True, "hard": "yes"}, "hard must be true or false, got 'yes'"),
        ({"local": True, "premium": 1.001}, "premium must be a share of the limit, 0 to 1"),
        ({"local": True, "premium": 0.0001}, "in steps of 0.001, got 0.0001"),
        ({"local": True, "premium": -0.1}, "got -0.1"),
        ({"local": True, "premium": float("nan")}, "got nan"),
        ({"local": True, "premium": float("inf")}, "got inf"),
        ({"local": True, "premium": "0.1"}, "got 0.1"),
        ({"local": True, "premium": True}, "got True"),
        ({"partner": 5}, "partner must be an organization's name, got 5"),
        ({"locals": True}, "key of here.*'locals'.*'local'"),
    ],
)
def test_tables_that_are_refused_by_name(table, says) -> None:
    with pytest.raises(DecentGymError, match=says):
        read_wish(table, "here")


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"building_33": Wish(local=True)}, "'building_33'.*building_"),
        ({"building_03": Wish(partner="building_33")}, "partner that 'building_03'.*building_33"),
        ({"building_03": Wish(partner="building_03")}, "wishes for itself"),
        ({"utility": Wish(local=True)}, "utility .* has no wish"),
        ({"building_03": "green"}, "wishes must say for organizations"),
        ([Wish(local=True)], "wishes must say for organizations"),
        ("building_03", "wishes: is no JSON"),
        ('["building_03"]', "wishes must say for organizations"),
        ({"building_03": {"local": True}}, "wishes: building_03: a wish for a type"),
    ],
)
def test_keywords_that_are_refused_by_name(wishes, says) -> None:
    with pytest.raises(DecentGymError, match=says):
        scenario("rural", mechanism="preference", wishes=wishes)


def test_a_misspelt_keyword_is_told_the_right_one() -> None:
    with pytest.raises(DecentGymError, match=r"'wish'.*'wishes'"):
        scenario("rural", wish={})


def test_a_partner_who_leaves_is_missed() -> None:
    wishes = {"building_03": Wish(partner="utility")}
    assert scenario("rural", wishes=wishes)
    with pytest.raises(DecentGymError, match="partner that 'building_03'"):
        scenario("rural", utility=None, wishes=wishes)


def test_digests_are_older_than_wishes() -> None:
    plain = scenario("rural")
    wishing = with_wishes(plain, {"building_03": Wish(local=True)})
    assert wishing.digest != plain.digest
    assert with_wishes(wishing, {"building_03": None}).digest == plain.digest
    both = [Wish(renewable=True, premium=p) for p in (100, 101)]
    assert len({with_wishes(plain, {"building_03": wish}).digest for wish in both}) == 2


def test_a_file_says_the_same_as_keywords(tmp_path: Path) -> None:
    for file in RURAL.parent.iterdir():
        if file.suffix in (".npz", ".csv"):
            (tmp_path / file.name).symlink_to(file)
    text = RURAL.read_text(encoding="utf-8")
    marked = 'name = "building_03"\n'
    assert text.count(marked) == 1
    path = tmp_path / "rural.toml"
    wish = marked + "wish = { renewable = true, premium = 0.25 }\n"
    path.write_text(text.replace(marked, wish), encoding="utf-8")
    made = load_scenario(path)
    named = scenario("rural", wishes={"building_03": {"renewable": True, "premium": 0.25}})
    assert made.digest == named.digest
    again = scenario("rural", wishes=plain_options({"wishes": named.origin[1]["wishes"]})["wishes"])
    assert again.digest == named.digest
    assert scenario(path, wishes={"building_03": None}).digest == scenario("rural").digest
    path.write_text(text.replace(marked, marked + "wish = { renewable = true }\n"))
    with pytest.raises(ScenarioError, match=r"rural.toml.*building_03.*wish.*got neither"):
        load_scenario(path)


def test_wishes_add_up_in_what_a_recording_keeps() -> None:
    first = scenario("rural", wishes={"building_03": Wish(local=True)})
    second = scenario(first, wishes={"building_05": Wish(local=True)})
    name, options = second.origin
    assert name == "rural" and set(options["wishes"]) == {"building_03", "building_05"}
    assert scenario(name, **options).digest == second.digest
    assert "wishes" not in (scenario("rural").origin or ("", {}))[1]
