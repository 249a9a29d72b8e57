"""Files that are wrong in one place: the error names file, place, value and remedy."""

import re
from pathlib import Path

import pytest
from scenarios.street_files import HEADER, TOML, csv_lines, write_street

from decent_gym.errors import InputError
from decent_gym.scenarios import load_scenario

# what is wrong, the text replaced in line n of the CSV file, what the message must say
CSV_CASES = [
    ("no unit", 1, "load [Wh]", "load", ["line 1", "column 2", "'load'", "[unit]", "kWh"]),
    ("empty unit", 1, "[Wh]", "[]", ["line 1", "'load'", "''", "known: ", "Wh"]),
    ("unknown unit", 1, "[Wh]", "[kWhh]", ["line 1", "'load'", "did you mean 'kWh'"]),
    ("megawatts", 1, "[kW]", "[MW]", ["line 1", "'sun'", "'MW'", "did you mean"]),
    ("no name", 1, "load [Wh]", "[Wh]", ["line 1", "column 2", "name [unit]"]),
    ("two units", 1, "load [Wh]", "load [Wh] [W]", ["line 1", "column 2"]),
    ("twice", 1, "sun [kW]", "load [kW]", ["line 1", "'load'", "twice", "rename"]),
    ("no time", 1, "time", "date", ["line 1", "first column", "'date'"]),
    ("only time", 1, HEADER, "time", ["line 1", "no column but 'time'"]),
    ("semicolons", 1, HEADER, HEADER.replace(",", ";"), ["line 1", "semicolons", "commas"]),
    ("nan", 50, ",48,", ",nan,", ["line 50", "'load'", "'nan'", "finite"]),
    ("infinity", 50, ",48,", ",-Infinity,", ["line 50", "'load'", "'-Infinity'", "finite"]),
    ("empty cell", 50, ",48,", ",,", ["line 50", "'load'", "empty", "not guessed"]),
    ("blank cell", 50, ",48,", ", ,", ["line 50", "'load'", "empty"]),
    ("dash", 50, ",48,", ",-,", ["line 50", "'load'", "'-'", "not guessed"]),
    ("text", 50, ",48,", ",much,", ["line 50", "'load'", "'much'", "not a number"]),
    ("decimal comma", 50, ",48,", ',"4,8",', ["line 50", "'load'", "'4,8'", "write 4.8"]),
    ("underscore", 50, ",48,", ",4_8,", ["line 50", "'load'", "not a number"]),
    ("hexadecimal", 50, ",48,", ",0x30,", ["line 50", "'load'", "not a number"]),
    ("other digits", 50, ",48,", ",٤٨,", ["line 50", "'load'", "not a number"]),
    ("endless number", 50, ",48,", f",{'1' * 41},", ["line 50", "'load'", "40 characters"]),
    ("negative load", 50, ",48,", ",-48,", ["line 50", "'load'", "'-48'", "negative"]),
    ("negative sun", 60, ",0.5,", ",-0.5,", ["line 60", "'sun'", "columns of their own"]),
    ("huge load", 50, ",48,", ",1e9,", ["line 50", "'load'", "'1e9'", "check the unit"]),
    ("absurd load", 50, ",48,", ",1e999,", ["line 50", "'load'", "'1e999'", "check the unit"]),
    ("warm air", 50, ",4.8,", ",61,", ["line 50", "'air'", "'61'", "check the unit"]),
    ("dear energy", 50, ",-2", ",100001", ["line 50", "'spot'", "'100001'", "check the unit"]),
    ("cell missing", 50, ",48,", ",", ["line 50", "5 cells", "6"]),
    ("cell too many", 50, ",48,", ",48,48,", ["line 50", "7 cells", "6"]),
    ("no offset", 50, "+00:00", "", ["line 50", "time", "2024-01-01T12:00", "offset"]),
    ("no time of day", 2, "2024-01-01T00:00:00+00:00", "Monday", ["line 2", "Monday", "ISO 8601"]),
    ("off the grid", 2, "00:00:00+", "00:01:00+", ["line 2", "15-minute grid", "00, 15, 30 or 45"]),
    ("year 9999", 2, "2024-01-01T00:00", "9999-12-31T23:45", ["line 2", "9999", "check the year"]),
    ("before 1970", 2, "2024-01-01", "1969-12-31", ["line 2", "1969", "check the year"]),
    ("seconds", 50, "12:00:00+", "12:00:07+", ["line 50", "15-minute grid"]),
    ("repetition", 50, "T12:00", "T11:45", ["line 50", "T12:00+00:00", "without gaps"]),
    ("hourly", 3, "T00:15", "T01:00", ["line 3", "T00:15+00:00", "hourly", "quarter hour"]),
    ("wild quote", 50, ",48,", ',"4"8,', ["line 50", "no CSV"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "old", "new", "says"), [c[1:] for c in CSV_CASES], ids=[c[0] for c in CSV_CASES]
)
def test_a_bad_cell_is_named(
    tmp_path: Path, line: int, old: str, new: str, says: list[str]
) -> None:
    lines = csv_lines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    with pytest.raises(InputError) as caught:
        load_scenario(write_street(tmp_path, csv="\n".join(lines)))
    for part in ["street.csv", *says]:
        assert part in str(caught.value)


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


# what is wrong, the text replaced in the TOML file, what the message must say
TOML_CASES = [
    ("top key", "[prices]", "[price]", ["'price'", "did you mean 'prices'"]),
    ("scenario key", "temperature =", "temprature =", ["scenario", "did you mean 'temperature'"]),
    ("tariff key", "retail = 0.35", "retial = 0.35", ["tariffs.electricity", "mean 'retail'"]),
    ("commodity", "[tariffs.heat]", "[tariffs.heta]", ["tariffs", "did you mean 'heat'"]),
    ("variant key", "plus = 0.20", "pluss = 0.2", ["variants.dynamic", "'plus'"]),
    ("price key", "fuel =", "fule =", ["prices", "did you mean 'fuel'"]),
    ("forecast key", "sigma_permille", "sigma", ["forecasts", "did you mean 'sigma_"]),
    ("rule key", "tie_rule", "tie_rul", ["rules", "did you mean 'tie_rule'"]),
    ("split key", "test = []", "tests = []", ["splits", "did you mean 'test'"]),
    ("network key", "loss_kw", "los_kw", ["heat_network", "did you mean 'loss_kw'"]),
    ("member key", 'load = "load"', 'lod = "load"', ["'a'", "did you mean 'load'"]),
    ("device key", "charge_kw = 5.5", "charge = 5.5", ["'a'.battery", "did you mean 'charge_kw'"]),
    ("profile key", "peak_kw", "peak", ["'a'.pv", "did you mean 'peak_kw'"]),
    ("column", 'load = "load"', 'load = "laod"', ["street.csv", "'a': load", "mean 'load'"]),
    ("price as load", 'load = "load"', 'load = "spot"', ["'spot'", "EUR/MWh", "energy", "kWh"]),
    ("load as price", 'column = "spot"', 'column = "load"', ["'load'", "Wh", "price"]),
    ("load as air", '"air"', '"load"', ["scenario: temperature", "'load'", "degC"]),
    ("no profiles", 'profiles = "street.csv"\n', "", ["scenario", "profiles", "missing"]),
    ("profile file", '"street.csv"', '"steet.csv"', ["steet.csv", "cannot be read"]),
    ("profile format", '"street.csv"', '"street.xlsx"', ["street.xlsx", ".csv, .parquet or .npz"]),
    ("climbing", '"street.csv"', '"../street.csv"', ["../street.csv", "beside or below"]),
    ("absolute", '"street.csv"', '"/street.csv"', ["/street.csv", "beside or below"]),
    ("no name", 'name = "street"\n', "", ["scenario", "name", "missing"]),
    ("odd name", '"street"', '"my street/1"', ["scenario", "my street/1", "letters"]),
    ("name type", '"street"', "5", ["scenario", "name", "text", "an integer 5"]),
    ("price type", "fuel = 0.1", 'fuel = "0.1"', ["prices", "fuel", "a number", "'0.1'"]),
    ("price bool", "fuel = 0.1", "fuel = true", ["prices", "fuel", "true or false"]),
    ("price nan", "fuel = 0.1", "fuel = nan", ["prices", "fuel", "NaN"]),
    ("price inf", "fuel = 0.1", "fuel = -inf", ["prices", "fuel", "Infinity"]),
    ("price -0.0", "fuel = 0.1", "fuel = -0.0", ["prices", "fuel", "-0.0"]),
    ("price exponent", "fuel = 0.1", "fuel = 1e999999", ["prices", "fuel", "1E+999999"]),
    ("price digits", "fuel = 0.1", f"fuel = {10**400}", ["prices", "fuel", "10^13"]),
    ("price cap", "fuel = 0.1", "fuel = 101", ["prices", "fuel", "101"]),
    ("price sign", "fuel = 0.1", "fuel = -0.1", ["prices", "fuel", "negative", "-0.1"]),
    ("order", "feed_in = 0.08", "feed_in = 0.36", ["street.toml", "electricity", "feed_in 360000"]),
    ("no retail", "retail = 0.35\n", "", ["tariffs.electricity", "retail", "missing"]),
    ("no imbalance", "short = 0.21\n", "", ["tariffs.heat", "short_over_retail", "exactly one"]),
    ("two shorts", "short = 0.21", "short = 1\nshort_over_retail = 1", ["heat", "exactly one"]),
    ("spread", "short_over_retail = 0.10", "short_over_retail = 0", ["more than 0", "got 0"]),
    ("no electricity", TOML[TOML.index("[tariffs.el") : TOML.index("[tariffs.heat]")], "",
     ["tariffs", "electricity", "missing"]),
    ("formula", 'column = "spot", ', "", ["exactly one of column, smard, time_of_use", "none"]),
    ("scale", "scale = 1.19", "scale = 9999999", ["retail", "scale 9999999"]),
    ("tiny scale", "scale = 1.19", "scale = 1e-999999999", ["retail", "scale", "40 decimals"]),
    ("tiny load", "scale = 0.5", "scale = 1e-999999999", ["'b'.load", "scale", "40 decimals"]),
    ("tiny rule", "price_rule = 0.3", "price_rule = 1e-999999999", ["rules", "1E-999999999"]),
    ("huge rule", "price_rule = 0.3", 'price_rule = "1e999999999"', ["rules", "1e999999999"]),
    ("endless integer", "= 50\n", f"= {'9' * 5000}\n", ["no TOML", "4300 digits"]),
    ("nothing in a name", '"street.csv"', '"a\\u0000.csv"', ["profiles", "beside or below"]),
    ("year 1", '"air"', '"air"\nstart = "0001-01-01T00:00+01:00"', ["start", "0001", "year"]),
    ("sigma type", "sigma_permille = 50", "sigma_permille = 5.0", ["forecasts", "an integer"]),
    ("sigma range", "sigma_permille = 50", "sigma_permille = 1001", ["forecasts", "[0, 1000]"]),
    ("price rule", "price_rule = 0.3", "price_rule = 1.5", ["rules", "price_rule", "[0, 1]"]),
    ("tie rule", '"time"', '"tim"', ["rules", "did you mean 'time'"]),
    ("rule type", '"time"', "[]", ["rules", "tie_rule", "a list"]),
    ("week", "test = []", "test = [3]", ["splits", "week 3", "0 whole weeks"]),
    ("week type", "test = []", 'test = ["3"]', ["splits", "test", "an integer"]),
    ("no network", TOML[TOML.index("[heat_network]") : TOML.index("[[org")], "",
     ["heat_network", "missing"]),
    ("network sign", "loss_kw = 1", "loss_kw = -1", ["heat_network", "loss_kw", "-1"]),
    ("network field", "loss_kw = 1\n", "", ["heat_network", "loss_kw", "missing"]),
    ("member name", 'name = "a"', 'name = "a b"', ["'a b'", "letters"]),
    ("nameless", 'name = "a"\n', "", ["number 1", "name", "missing"]),
    ("same name", 'name = "b"', 'name = "a"', ["street.toml", "'a'", "twice"]),
    ("second utility", 'name = "b"', 'name = "b"\npriority = 1', ["exactly one", "priority=1"]),
    ("no utility", "priority = 1", "priority = 0", ["exactly one", "got 0"]),
    ("priority", "priority = 1", "priority = 2", ["'grid'", "priority", "[0, 1]", "2"]),
    ("attribute", 'kind = "household"', "kind = 3", ["'a'", "attribute 'kind'", "3"]),
    ("battery sign", "capacity_kwh = 10", "capacity_kwh = -10", ["'a'.battery", "capacity", "-10"]),
    ("battery field", "capacity_kwh = 10, ", "", ["'a'.battery", "capacity_kwh", "missing"]),
    ("battery type", "capacity_kwh = 10", "capacity_kwh = [10]", ["capacity_kwh", "a list"]),
    ("battery bool", "capacity_kwh = 10", "capacity_kwh = true", ["capacity_kwh", "true or false"]),
    ("device type", 'trader = "zero_intelligence"', "battery = 5", ["'b'", "battery", "a table"]),
    ("supply", "supply = 45", 'supply = "flor"', ["'a'.heat_pump", "did you mean 'floor'"]),
    ("no reference", ", reference_kw = 3", "", ["'a'.pv", "reference_kw", "missing"]),
    ("negative scale", "scale = 0.5", "scale = -0.5", ["'b'.load", "scale", "-0.5"]),
    ("two scales", "scale = 0.5", "scale = 0.5, annual_kwh = 1", ["'b'.load", "not both"]),
    ("no scale", ", scale = 0.5", "", ["'b'.load", "scale", "missing"]),
    ("load number", 'load = "load"', "load = 5", ["'a'", "load", "text or a table"]),
    ("members no list", "[splits]", "[splits]\n[organization]", ["no TOML"]),
    ("duplicate key", "fuel = 0.1", "fuel = 0.1\nfuel = 0.2", ["no TOML", "line"]),
    ("no toml", "[prices]", "[prices", ["no TOML", "line"]),
    ("start off", '"air"', '"air"\nstart = "2024-01-01T06:00Z"', ["start", "midnight", "06:00"]),
    ("start clock", '"air"', '"air"\nstart = 2024-01-01T00:00:00', ["start", "offset"]),
    ("start early", '"air"', '"air"\nstart = "2023-12-31T00:00Z"', ["start", "2024-01-01T00:00"]),
    ("start late", '"air"', '"air"\nstart = "2024-01-03T00:00Z"', ["start", "no day"]),
    ("days", '"air"', '"air"\ndays = 3', ["days = 3", "2"]),
    ("days range", '"air"', '"air"\ndays = 0', ["days", "[1,"]),
    ("balance", '"air"', '"air"\nbalance = "markt"', ["balance", "'markt'"]),
    ("cold", '"air"', "-61", ["temperature", "-61"]),
    ("sources", '"air"', '"air"\nsources = "me"', ["sources", "a list", "text 'me'"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "says"), [c[1:] for c in TOML_CASES], ids=[c[0] for c in TOML_CASES]
)
def test_a_bad_table_is_named(tmp_path: Path, old: str, new: str, says: list[str]) -> None:
    assert old in TOML
    with pytest.raises(InputError) as caught:
        load_scenario(write_street(tmp_path, TOML.replace(old, new, 1)))
    message = str(caught.value)
    assert ".toml" in message or ".csv" in message or ".xlsx" in message
    for part in says:
        assert part in message


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


def test_the_table_of_bad_inputs_is_long() -> None:
    assert len(CSV_CASES) + len(TOML_CASES) >= 110


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
