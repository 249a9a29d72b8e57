"""Files that are wrong in one place: the error names file, place, value and remedy."""

import re
from pathlib import Path

import pytest
from scenarios.street_files import HEADER, TOML, csv_lines, write_street

from decent_gym.errors import InputError
from decent_gym.scenarios import load_scenario


def gap(lines: list[str]) -> list[str]:
    return [*lines[:49], *lines[50:]]


def unordered(lines: list[str]) -> list[str]:
    return [lines[0], *reversed(lines[1:])]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param("\n".join(gap(csv_lines())), ["line 50", "T12:00"], id="gap"),
        pytest.param("\n".join(unordered(csv_lines())), ["line 3", "2024-01-03"], id="unordered"),
        pytest.param("\n".join(csv_lines()[:96]), ["95 rows", "96"], id="too few rows"),
        pytest.param(HEADER, ["0 rows", "96"], id="header alone"),
        pytest.param("", ["empty"], id="empty"),
        pytest.param("\n\n", ["empty"], id="blank lines"),
        pytest.param(
            "\n".join(csv_lines()).replace("air", "außen").encode("latin-1"),
            ["line 1", "UTF-8", "0xdf"],
            id="latin-1",
        ),
        pytest.param(b"\xff\xfe" + b"t\0i\0", ["line 1", "UTF-8", "0xff"], id="utf-16"),
        pytest.param(
            "\n".join([HEADER, *csv_lines()[5:]]),
            ["first row", "midnight", "2024-01-01T01:00+00:00", "scenario.start"],
            id="begins at one o'clock",
        ),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, data: str | bytes, says: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario(write_street(tmp_path, csv=data))
    for part in ["street.csv", *says]:
        assert part in str(caught.value)


BLOCKS = (
    "retail = { time_of_use = "
    "[ { hours = [0, 6], price = 0.3 }, { hours = [6, 24], price = 0.4 } ] }"
)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("[0, 6]", "[0, 5]", ["hour 5", "no block"], id="hole"),
        pytest.param("[0, 6]", "[0, 7]", ["hour 6", "two blocks"], id="overlap"),
        pytest.param("[0, 6]", "[6, 0]", ["[6, 0]", "midnight"], id="backwards"),
        pytest.param("[6, 24]", "[6, 25]", ["[6, 25]"], id="25 o'clock"),
        pytest.param("[0, 6]", "[0.0, 6]", ["hours", "an integer"], id="float hour"),
        pytest.param("price = 0.3 ", "prize = 0.3 ", ["did you mean 'price'"], id="key"),
        pytest.param(", price = 0.3 ", " ", ["price", "missing"], id="no price"),
        pytest.param("{ hours = [0, 6], price = 0.3 }", "3", ["a table"], id="no block"),
    ],
)
def test_bad_hours_are_named(tmp_path: Path, old: str, new: str, says: list[str]) -> None:
    toml = TOML.replace("retail = 0.35", BLOCKS.replace(old, new, 1), 1)
    with pytest.raises(InputError) as caught:
        load_scenario(write_street(tmp_path, toml))
    for part in ["street.toml: tariffs.electricity.retail", *says]:
        assert part in str(caught.value)


def test_a_toml_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = write_street(tmp_path)
    path.write_bytes(b"# fu\xdf\n" + TOML.encode())
    with pytest.raises(InputError, match=r"street\.toml line 1: is not UTF-8"):
        load_scenario(path)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_scenario(tmp_path / "street.toml")


ODD = ("-1", "0", "1e30", "nan", '"x"', "true", "[]", "{}", "1979-05-27", "9223372036854775808")


def test_an_odd_value_anywhere_is_an_input_error_or_harmless(tmp_path: Path) -> None:
    places = list(re.finditer(r"= ([^{\[\s,}][^\n,}]*)", TOML))
    assert len(places) > 35
    refused = 0
    for place in places:
        for odd in ODD:
            toml = TOML[: place.start(1)] + odd + TOML[place.end(1) :]
            try:
                load_scenario(write_street(tmp_path, toml))
            except InputError as error:
                assert "street" in str(error) or ".csv" in str(error), toml
                refused += 1
    assert refused > 8 * len(places)
