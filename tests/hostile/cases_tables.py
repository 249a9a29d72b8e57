"""Files of scenarios and recordings: TOML, CSV, npz, Parquet."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hostile.cases_ledger import instead, write
from offline.test_parquet_damage import cast, rewrite, spoil
from scenarios.street_files import HEADER, TOML
from scenarios.test_parquet_tables import CASES as PROFILE_CASES

from decent_gym.errors import DataError, InputError, ScenarioError, UnknownNameError

# line of a good CSV file, what is replaced there, by what
CSV_CELL: Final = [
    ("no unit", "damage", (1, "load [Wh]", "load"),
     ScenarioError, ("line 1", "column 2", "'load'", "[unit]", "kWh")),
    ("empty unit", "damage", (1, "[Wh]", "[]"),
     UnknownNameError, ("line 1", "'load'", "''", "known: ", "Wh")),
    ("unknown unit", "damage", (1, "[Wh]", "[kWhh]"),
     UnknownNameError, ("line 1", "'load'", "did you mean 'kWh'")),
    ("megawatts", "damage", (1, "[kW]", "[MW]"),
     UnknownNameError, ("line 1", "'sun'", "'MW'", "did you mean")),
    ("no name", "damage", (1, "load [Wh]", "[Wh]"),
     ScenarioError, ("line 1", "column 2", "name [unit]")),
    ("two units", "damage", (1, "load [Wh]", "load [Wh] [W]"),
     ScenarioError, ("line 1", "column 2")),
    ("twice", "keys twice", (1, "sun [kW]", "load [kW]"),
     ScenarioError, ("line 1", "'load'", "twice", "rename")),
    ("no time", "damage", (1, "time", "date"), ScenarioError, ("line 1", "first column", "'date'")),
    ("only time", "damage", (1, HEADER, "time"), ScenarioError, ("line 1", "no column but 'time'")),
    ("semicolons", "damage", (1, HEADER, HEADER.replace(",", ";")),
     ScenarioError, ("line 1", "semicolons", "commas")),
    ("nan", "NaN", (50, ",48,", ",nan,"), ScenarioError, ("line 50", "'load'", "'nan'", "finite")),
    ("infinity", "infinity", (50, ",48,", ",-Infinity,"),
     ScenarioError, ("line 50", "'load'", "'-Infinity'", "finite")),
    ("empty cell", "damage", (50, ",48,", ",,"),
     ScenarioError, ("line 50", "'load'", "empty", "not guessed")),
    ("blank cell", "damage", (50, ",48,", ", ,"), ScenarioError, ("line 50", "'load'", "empty")),
    ("dash", "str", (50, ",48,", ",-,"),
     ScenarioError, ("line 50", "'load'", "'-'", "not guessed")),
    ("text", "str", (50, ",48,", ",much,"),
     ScenarioError, ("line 50", "'load'", "'much'", "not a number")),
    ("decimal comma", "damage", (50, ",48,", ',"4,8",'),
     ScenarioError, ("line 50", "'load'", "'4,8'", "write 4.8")),
    ("underscore", "damage", (50, ",48,", ",4_8,"),
     ScenarioError, ("line 50", "'load'", "not a number")),
    ("hexadecimal", "damage", (50, ",48,", ",0x30,"),
     ScenarioError, ("line 50", "'load'", "not a number")),
    ("other digits", "damage", (50, ",48,", ",٤٨,"),
     ScenarioError, ("line 50", "'load'", "not a number")),
    ("endless number", "damage", (50, ",48,", f",{'1' * 41},"),
     ScenarioError, ("line 50", "'load'", "40 characters")),
    ("negative load", "energy", (50, ",48,", ",-48,"),
     ScenarioError, ("line 50", "'load'", "'-48'", "negative")),
    ("negative sun", "energy", (60, ",0.5,", ",-0.5,"),
     ScenarioError, ("line 60", "'sun'", "columns of their own")),
    ("huge load", "caps", (50, ",48,", ",1e9,"),
     ScenarioError, ("line 50", "'load'", "'1e9'", "check the unit")),
    ("absurd load", "caps", (50, ",48,", ",1e999,"),
     ScenarioError, ("line 50", "'load'", "'1e999'", "check the unit")),
    ("warm air", "caps", (50, ",4.8,", ",61,"),
     ScenarioError, ("line 50", "'air'", "'61'", "check the unit")),
    ("dear energy", "caps", (50, ",-2", ",100001"),
     ScenarioError, ("line 50", "'spot'", "'100001'", "check the unit")),
    ("cell missing", "damage", (50, ",48,", ","), ScenarioError, ("line 50", "5 cells", "6")),
    ("cell too many", "damage", (50, ",48,", ",48,48,"),
     ScenarioError, ("line 50", "7 cells", "6")),
    ("no offset", "damage", (50, "+00:00", ""),
     ScenarioError, ("line 50", "time", "2024-01-01T12:00", "offset")),
    ("no time of day", "damage", (2, "2024-01-01T00:00:00+00:00", "Monday"),
     ScenarioError, ("line 2", "Monday", "ISO 8601")),
    ("off the grid", "grid", (2, "00:00:00+", "00:01:00+"),
     ScenarioError, ("line 2", "15-minute grid", "00, 15, 30 or 45")),
    ("year 9999", "far", (2, "2024-01-01T00:00", "9999-12-31T23:45"),
     ScenarioError, ("line 2", "9999", "check the year")),
    ("before 1970", "past", (2, "2024-01-01", "1969-12-31"),
     ScenarioError, ("line 2", "1969", "check the year")),
    ("seconds", "grid", (50, "12:00:00+", "12:00:07+"),
     ScenarioError, ("line 50", "15-minute grid")),
    ("repetition", "id twice", (50, "T12:00", "T11:45"),
     ScenarioError, ("line 50", "T12:00+00:00", "without gaps")),
    ("hourly", "damage", (3, "T00:15", "T01:00"),
     ScenarioError, ("line 3", "T00:15+00:00", "hourly", "quarter hour")),
    ("a heading of 100,000 spaces", "slow", (1, "load [Wh]", "x" + " " * 100_000 + "x"),
     ScenarioError, ("line 1", "column 2", "name [unit]")),
    ("a heading of 300 letters", "8 kB", (1, "load [Wh]", "x" * 300 + " [Wh]"),
     ScenarioError, ("line 1", "column 2", "name [unit]")),
    ("100,000 digits and a letter", "slow", (50, ",48,", f",{'1' * 100_000}x,"),
     ScenarioError, ("line 50", "longer than 40 characters")),
    ("a time of 100,000 letters", "8 kB", (50, "2024-01-01T12", "x" * 100_000),
     ScenarioError, ("line 50", "xxx", "ISO 8601")),
    ("wild quote", "damage", (50, ",48,", ',"4"8,'), ScenarioError, ("line 50", "no CSV")),
]  # fmt: skip

# what is replaced in a good TOML file, by what
TOML_TEXT: Final = [
    ("top key", "unknown fields", ("[prices]", "[price]"),
     UnknownNameError, ("'price'", "did you mean 'prices'")),
    ("scenario key", "unknown fields", ("temperature =", "temprature ="),
     UnknownNameError, ("scenario", "did you mean 'temperature'")),
    ("tariff key", "unknown fields", ("retail = 0.35", "retial = 0.35"),
     UnknownNameError, ("tariffs.electricity", "mean 'retail'")),
    ("commodity", "commodity", ("[tariffs.heat]", "[tariffs.heta]"),
     UnknownNameError, ("tariffs", "did you mean 'heat'")),
    ("variant key", "unknown fields", ("plus = 0.20", "pluss = 0.2"),
     UnknownNameError, ("variants.dynamic", "'plus'")),
    ("price key", "unknown fields", ("fuel =", "fule ="),
     UnknownNameError, ("prices", "did you mean 'fuel'")),
    ("forecast key", "unknown fields", ("sigma_permille", "sigma"),
     UnknownNameError, ("forecasts", "did you mean 'sigma_")),
    ("rule key", "unknown fields", ("tie_rule", "tie_rul"),
     UnknownNameError, ("rules", "did you mean 'tie_rule'")),
    ("split key", "unknown fields", ("test = []", "tests = []"),
     UnknownNameError, ("splits", "did you mean 'test'")),
    ("network key", "unknown fields", ("loss_kw", "los_kw"),
     UnknownNameError, ("heat_network", "did you mean 'loss_kw'")),
    ("member key", "unknown fields", ('load = "load"', 'lod = "load"'),
     UnknownNameError, ("'a'", "did you mean 'load'")),
    ("device key", "unknown fields", ("charge_kw = 5.5", "charge = 5.5"),
     UnknownNameError, ("'a'.battery", "did you mean 'charge_kw'")),
    ("profile key", "unknown fields", ("peak_kw", "peak"),
     UnknownNameError, ("'a'.pv", "did you mean 'peak_kw'")),
    ("column", "contradiction", ('load = "load"', 'load = "laod"'),
     UnknownNameError, ("street.csv", "'a': load", "mean 'load'")),
    ("price as load", "contradiction", ('load = "load"', 'load = "spot"'),
     ScenarioError, ("'spot'", "EUR/MWh", "energy", "kWh")),
    ("load as price", "contradiction", ('column = "spot"', 'column = "load"'),
     ScenarioError, ("'load'", "Wh", "price")),
    ("load as air", "contradiction", ('"air"', '"load"'),
     ScenarioError, ("scenario: temperature", "'load'", "degC")),
    ("no profiles", "contradiction", ('profiles = "street.csv"\n', ""),
     ScenarioError, ("scenario", "profiles", "missing")),
    ("profile file", "no file", ('"street.csv"', '"steet.csv"'),
     ScenarioError, ("steet.csv", "cannot be read")),
    ("profile format", "no file", ('"street.csv"', '"street.xlsx"'),
     ScenarioError, ("street.xlsx", ".csv, .parquet or .npz")),
    ("climbing", "path", ('"street.csv"', '"../street.csv"'),
     ScenarioError, ("../street.csv", "beside or below")),
    ("absolute", "path", ('"street.csv"', '"/street.csv"'),
     ScenarioError, ("/street.csv", "beside or below")),
    ("no name", "contradiction", ('name = "street"\n', ""),
     ScenarioError, ("scenario", "name", "missing")),
    ("odd name", "contradiction", ('"street"', '"my street/1"'),
     ScenarioError, ("scenario", "my street/1", "letters")),
    ("name type", "no integer", ('"street"', "5"),
     ScenarioError, ("scenario", "name", "text", "an integer 5")),
    ("price type", "str", ("fuel = 0.1", 'fuel = "0.1"'),
     ScenarioError, ("prices", "fuel", "a number", "'0.1'")),
    ("price bool", "bool", ("fuel = 0.1", "fuel = true"),
     ScenarioError, ("prices", "fuel", "true or false")),
    ("price nan", "NaN", ("fuel = 0.1", "fuel = nan"), ScenarioError, ("prices", "fuel", "NaN")),
    ("price inf", "infinity", ("fuel = 0.1", "fuel = -inf"),
     ScenarioError, ("prices", "fuel", "Infinity")),
    ("price -0.0", "-0.0", ("fuel = 0.1", "fuel = -0.0"),
     ScenarioError, ("prices", "fuel", "-0.0")),
    ("price exponent", "caps", ("fuel = 0.1", "fuel = 1e999999"),
     ScenarioError, ("prices", "fuel", "1E+999999")),
    ("price digits", "caps", ("fuel = 0.1", f"fuel = {10**400}"),
     ScenarioError, ("prices", "fuel", "10^13")),
    ("price cap", "caps", ("fuel = 0.1", "fuel = 101"), ScenarioError, ("prices", "fuel", "101")),
    ("price sign", "contradiction", ("fuel = 0.1", "fuel = -0.1"),
     ScenarioError, ("prices", "fuel", "negative", "-0.1")),
    ("order", "contradiction", ("feed_in = 0.08", "feed_in = 0.36"),
     ScenarioError, ("street.toml", "electricity", "feed_in 360000")),
    ("no retail", "contradiction", ("retail = 0.35\n", ""),
     ScenarioError, ("tariffs.electricity", "retail", "missing")),
    ("no imbalance", "contradiction", ("short = 0.21\n", ""),
     ScenarioError, ("tariffs.heat", "short_over_retail", "exactly one")),
    ("two shorts", "keys twice", ("short = 0.21", "short = 1\nshort_over_retail = 1"),
     ScenarioError, ("heat", "exactly one")),
    ("spread", "contradiction", ("short_over_retail = 0.10", "short_over_retail = 0"),
     ScenarioError, ("more than 0", "got 0")),
    ("no electricity", "contradiction",
     (TOML[TOML.index("[tariffs.el") : TOML.index("[tariffs.heat]")], ""),
     ScenarioError, ("tariffs", "electricity", "missing")),
    ("formula", "contradiction", ('column = "spot", ', ""),
     ScenarioError, ("exactly one of column, smard, time_of_use", "none")),
    ("scale", "caps", ("scale = 1.19", "scale = 9999999"),
     ScenarioError, ("retail", "scale 9999999")),
    ("tiny scale", "bomb", ("scale = 1.19", "scale = 1e-999999999"),
     ScenarioError, ("retail", "scale", "40 decimals")),
    ("tiny load", "bomb", ("scale = 0.5", "scale = 1e-999999999"),
     ScenarioError, ("'b'.load", "scale", "40 decimals")),
    ("tiny rule", "bomb", ("price_rule = 0.3", "price_rule = 1e-999999999"),
     ScenarioError, ("rules", "1E-999999999")),
    ("huge rule", "bomb", ("price_rule = 0.3", 'price_rule = "1e999999999"'),
     ScenarioError, ("rules", "1e999999999")),
    ("endless integer", "64 bits", ("= 50\n", f"= {'9' * 5000}\n"),
     ScenarioError, ("no TOML", "4300 digits")),
    ("nothing in a name", "path", ('"street.csv"', '"a\\u0000.csv"'),
     ScenarioError, ("profiles", "beside or below")),
    ("year 1", "past", ('"air"', '"air"\nstart = "0001-01-01T00:00+01:00"'),
     ScenarioError, ("start", "0001", "year")),
    ("sigma type", "float", ("sigma_permille = 50", "sigma_permille = 5.0"),
     ScenarioError, ("forecasts", "an integer")),
    ("sigma range", "contradiction", ("sigma_permille = 50", "sigma_permille = 1001"),
     ScenarioError, ("forecasts", "[0, 1000]")),
    ("price rule", "contradiction", ("price_rule = 0.3", "price_rule = 1.5"),
     ScenarioError, ("rules", "price_rule", "[0, 1]")),
    ("tie rule", "codes", ('"time"', '"tim"'), ScenarioError, ("rules", "did you mean 'time'")),
    ("rule type", "codes", ('"time"', "[]"), ScenarioError, ("rules", "tie_rule", "a list")),
    ("week", "contradiction", ("test = []", "test = [3]"),
     ScenarioError, ("splits", "week 3", "0 whole weeks")),
    ("week type", "contradiction", ("test = []", 'test = ["3"]'),
     ScenarioError, ("splits", "test", "an integer")),
    ("no network", "contradiction", (TOML[TOML.index("[heat_network]") : TOML.index("[[org")], ""),
     ScenarioError, ("heat_network", "missing")),
    ("network sign", "contradiction", ("loss_kw = 1", "loss_kw = -1"),
     ScenarioError, ("heat_network", "loss_kw", "-1")),
    ("network field", "contradiction", ("loss_kw = 1\n", ""),
     ScenarioError, ("heat_network", "loss_kw", "missing")),
    ("member name", "contradiction", ('name = "a"', 'name = "a b"'),
     ScenarioError, ("'a b'", "letters")),
    ("nameless", "contradiction", ('name = "a"\n', ""),
     ScenarioError, ("number 1", "name", "missing")),
    ("same name", "id twice", ('name = "b"', 'name = "a"'),
     ScenarioError, ("street.toml", "'a'", "twice")),
    ("second utility", "contradiction", ('name = "b"', 'name = "b"\npriority = 1'),
     ScenarioError, ("exactly one", "priority=1")),
    ("no utility", "contradiction", ("priority = 1", "priority = 0"),
     ScenarioError, ("exactly one", "got 0")),
    ("priority", "contradiction", ("priority = 1", "priority = 2"),
     ScenarioError, ("'grid'", "priority", "[0, 1]", "2")),
    ("attribute", "attribute", ('kind = "household"', "kind = 3"),
     ScenarioError, ("'a'", "attribute 'kind'", "3")),
    ("battery sign", "energy", ("capacity_kwh = 10", "capacity_kwh = -10"),
     ScenarioError, ("'a'.battery", "capacity", "-10")),
    ("battery field", "contradiction", ("capacity_kwh = 10, ", ""),
     ScenarioError, ("'a'.battery", "capacity_kwh", "missing")),
    ("battery type", "contradiction", ("capacity_kwh = 10", "capacity_kwh = [10]"),
     ScenarioError, ("capacity_kwh", "a list")),
    ("battery bool", "bool", ("capacity_kwh = 10", "capacity_kwh = true"),
     ScenarioError, ("capacity_kwh", "true or false")),
    ("device type", "contradiction", ('trader = "zero_intelligence"', "battery = 5"),
     ScenarioError, ("'b'", "battery", "a table")),
    ("supply", "codes", ("supply = 45", 'supply = "flor"'),
     ScenarioError, ("'a'.heat_pump", "did you mean 'floor'")),
    ("no reference", "contradiction", (", reference_kw = 3", ""),
     ScenarioError, ("'a'.pv", "reference_kw", "missing")),
    ("negative scale", "contradiction", ("scale = 0.5", "scale = -0.5"),
     ScenarioError, ("'b'.load", "scale", "-0.5")),
    ("two scales", "keys twice", ("scale = 0.5", "scale = 0.5, annual_kwh = 1"),
     ScenarioError, ("'b'.load", "not both")),
    ("no scale", "contradiction", (", scale = 0.5", ""),
     ScenarioError, ("'b'.load", "scale", "missing")),
    ("load number", "contradiction", ('load = "load"', "load = 5"),
     ScenarioError, ("'a'", "load", "text or a table")),
    ("members no list", "contradiction", ("[splits]", "[splits]\n[organization]"),
     ScenarioError, "no TOML"),
    ("duplicate key", "keys twice", ("fuel = 0.1", "fuel = 0.1\nfuel = 0.2"),
     ScenarioError, ("no TOML", "line")),
    ("no toml", "damage", ("[prices]", "[prices"), ScenarioError, ("no TOML", "line")),
    ("start off", "grid", ('"air"', '"air"\nstart = "2024-01-01T06:00Z"'),
     ScenarioError, ("start", "midnight", "06:00")),
    ("start clock", "contradiction", ('"air"', '"air"\nstart = 2024-01-01T00:00:00'),
     ScenarioError, ("start", "offset")),
    ("start early", "past", ('"air"', '"air"\nstart = "2023-12-31T00:00Z"'),
     ScenarioError, ("start", "2024-01-01T00:00")),
    ("start late", "far", ('"air"', '"air"\nstart = "2024-01-03T00:00Z"'),
     ScenarioError, ("start", "no day")),
    ("days", "contradiction", ('"air"', '"air"\ndays = 3'), ScenarioError, ("days = 3", "2")),
    ("days range", "contradiction", ('"air"', '"air"\ndays = 0'), ScenarioError, ("days", "[1,")),
    ("balance", "codes", ('"air"', '"air"\nbalance = "markt"'),
     ScenarioError, ("balance", "'markt'")),
    ("cold", "contradiction", ('"air"', "-61"), ScenarioError, ("temperature", "-61")),
    ("sources", "contradiction", ('"air"', '"air"\nsources = "me"'),
     ScenarioError, ("sources", "a list", "text 'me'")),
    ("nested by dots", "nesting", ("fuel = 0.1", "fuel." + "a." * 20_000 + "b = 1"),
     ScenarioError, ("street.toml line 25: the key 'fuel.a.a.", "16 dots or more")),
    ("nested by quoted dots", "nesting", ("fuel = 0.1", "fuel" + " . 'a'" * 20_000 + " = 1"),
     ScenarioError, ("street.toml line 25", "16 dots or more")),
    ("nested in a heading", "nesting", ("[prices]", "[prices" + '."a"' * 20_000 + "]"),
     ScenarioError, "16 dots or more; none is nested so deep"),
    ("nested by brackets", "nesting", ("fuel = 0.1", "fuel = " + "[" * 20_000 + "]" * 20_000),
     ScenarioError, ("street.toml: is no TOML", "nested deeper than 32")),
    ("longer than 4 MiB", "8 kB", ("fuel = 0.1", "fuel = 0.1\n#" + " " * 2**22),
     ScenarioError, "street.toml: has more than 4194304 bytes"),
    ("a month with a zero byte", "damage", ("fuel = 0.1", "fuel = \0"), ScenarioError, "no TOML"),
]  # fmt: skip


NPZ_NAME: Final = "table.npz"
BOMB: Final = bytes(300_000_000)
DAY: Final = np.arange(96, dtype=np.int16)
WHEN: Final = "2024-01-01T00:00Z"


def npz(**arrays: Any) -> Callable[[Path], object]:
    """An archive as numpy writes it."""
    return lambda folder: np.savez_compressed(folder / NPZ_NAME, **arrays)


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return written.getvalue()


def npy(header: str, data: bytes = b"") -> bytes:
    """An array file with a header of one's own."""
    text = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def shaped(shape: str, descr: str = "'<i8'") -> Callable[[Path], object]:
    """A column whose header says so."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    return write(NPZ_NAME, zipped(("start.npy", STARTS), ("load_wh.npy", npy(header, bytes(768)))))


def patched(offset: int, data: bytes) -> Callable[[Path], object]:
    """Bytes of the first entry of the table of contents."""

    def change(folder: Path) -> None:
        old = bytearray((folder / NPZ_NAME).read_bytes())
        at = old.index(b"PK\1\2") + offset
        old[at : at + len(data)] = data
        (folder / NPZ_NAME).write_bytes(old)

    return change


def claiming(data: bytes, name: bytes, size: int) -> bytes:
    """An archive that says of a member that it unpacks to so many bytes."""
    at = data.rindex(b"PK\1\2", 0, data.rindex(name))
    return data[: at + 24] + size.to_bytes(4, "little") + data[at + 28 :]


def array_file(value: Any) -> bytes:
    written = io.BytesIO()
    np.save(written, value)
    return written.getvalue()


STARTS: Final = array_file(np.array(WHEN))
# what was done to an archive of profiles
NPZ: Final[list[tuple[Any, ...]]] = [
    ("no start", "damage", npz(load_wh=DAY), ScenarioError, "has no array 'start'"),
    ("start a number", "str", npz(start=5, load_wh=DAY), ScenarioError, "has no array 'start'"),
    ("start without offset", "times", npz(start="2024-01-01", load_wh=DAY), ScenarioError,
     "array 'start' '2024-01-01T00:00' has no UTC offset"),
    ("start off the grid", "grid", npz(start="2024-01-01T00:01Z", load_wh=DAY),
     ScenarioError, "is off the 15-minute grid"),
    ("start in 1969", "past", npz(start="1969-12-31T00:00Z", load_wh=DAY), ScenarioError, "1969"),
    ("start in 9999", "far", npz(start="9999-12-31T00:00Z", load_wh=DAY), ScenarioError, "9999"),
    ("a day less a row", "shape", npz(start=WHEN, load_wh=DAY[:95]), ScenarioError, "lengths [95]"),
    ("two lengths", "shape", npz(start=WHEN, load_wh=DAY, air_dc=DAY[1:]),
     ScenarioError, "lengths [95, 96]"),
    ("floats", "float", npz(start=WHEN, load_wh=DAY / 2), ScenarioError, "must be plain integers"),
    ("NaN", "NaN", npz(start=WHEN, load_wh=np.full(96, np.nan)), ScenarioError, "'<f8'"),
    ("bools", "bool", npz(start=WHEN, load_wh=DAY > 3), ScenarioError, "must be plain integers"),
    ("texts", "str", npz(start=WHEN, load_wh=DAY.astype(str)), ScenarioError, "'load_wh' must be"),
    ("a pickle", "pickle", npz(start=WHEN, load_wh=np.array([print] * 96, object)),
     ScenarioError, "must be plain integers or text, as numpy.savez writes them; got"),
    ("the other byte order", "damage", npz(start=WHEN, load_wh=DAY.astype(">i8")),
     ScenarioError, "must be plain integers"),
    ("three dimensions", "shape", npz(start=WHEN, load_wh=DAY[:, None, None]),
     ScenarioError, "must be plain integers"),
    ("negative", "energy", npz(start=WHEN, load_wh=DAY - 9),
     ScenarioError, "row 0: column 'load_wh' value -9 is negative"),
    ("too warm", "caps", npz(start=WHEN, air_dc=DAY + 520), ScenarioError, "value 601 is beyond"),
    ("2^63", "64 bits", npz(start=WHEN, load_wh=np.full(96, 2**63, np.uint64)),
     ScenarioError, "'load_wh' holds integers beyond 64 bits"),
    ("no zip", "damage", write(NPZ_NAME, b"PK"), ScenarioError, "is no npz archive"),
    ("nothing", "damage", write(NPZ_NAME, b""), ScenarioError, "is no npz archive"),
    ("10^18 rows", "huge shape", shaped("(999999999, 999999999)"),
     ScenarioError, "of int64 (999999999, 999999999) does not fit its 768 bytes"),
    ("2^64 rows", "huge shape", shaped("(18446744073709551616,)"), ScenarioError, "plain integers"),
    ("a shape to be computed", "huge shape", shaped("(9**9**9,)"), ScenarioError, "plain integers"),
    ("a type to be made", "pickle", shaped("(96,)", "[('a', '<i8')]"), ScenarioError, "plain int"),
    ("a header of brackets", "nesting", write(NPZ_NAME, zipped(("load_wh.npy", npy("(" * 9_000)))),
     ScenarioError, "must be plain integers"),
    ("300 MB of nothing", "bomb", write(NPZ_NAME, zipped(("notes.npy", BOMB))),
     ScenarioError, "unpacks to 300000000 bytes, at most 268435456 are read"),
    ("packed by bzip2", "bomb", write(NPZ_NAME, zipped(("load_wh.npy", b"x"), method=12)),
     ScenarioError, "is packed by method 12; write it with numpy.savez"),
    ("4 GB by its contents", "bomb", patched(24, b"\xff\xff\xff\xff"),
     ScenarioError, "at most 268435456 are read"),
    ("a name of no UTF-8", "UTF-8", lambda f: (patched(9, b"\x08")(f), patched(46, b"\xff")(f)),
     ScenarioError, "is no npz archive ('utf-8' codec can't decode byte 0xff"),
    ("a zip of tomorrow", "version", patched(6, b"\xff"), ScenarioError, "zip file version 25.5"),
    ("encrypted", "damage", patched(8, b"\x01"), ScenarioError, "is encrypted"),
    ("an entry outside", "damage", patched(42, b"\xff\xff\xff\x7f"), ScenarioError, "no npz arch"),
    ("a pipe", "no file", instead(NPZ_NAME, os.mkfifo), ScenarioError, "is not a regular file"),
    ("a folder", "no file", instead(NPZ_NAME, Path.mkdir), ScenarioError, "is not a regular file"),
    ("a device", "no file", instead(NPZ_NAME, lambda path: path.symlink_to("/dev/zero")),
     ScenarioError, "is not a regular file"),
]  # fmt: skip

PROFILES_NAME: Final = "street.parquet"


def edited(edit: Callable[[Any], Any], name: str = PROFILES_NAME) -> Callable[[Path], object]:
    """A table changed as somebody with pyarrow would."""
    return lambda folder: pq.write_table(edit(pq.read_table(folder / name)), folder / name)


# what was done to a table of profiles
PROFILES: Final = [
    *(
        (name, "NaN" if name == "nan" else "infinity" if name == "infinity" else "contradiction",
         edited(edit), UnknownNameError if name == "unknown unit" else ScenarioError, tuple(says))
        for name, edit, says in PROFILE_CASES
    ),
    ("no Parquet", "damage", write(PROFILES_NAME, b"PAR1PAR1"), ScenarioError, "no Parquet file"),
    ("a footer of 2 GB", "huge shape", write(PROFILES_NAME, b"PAR1\xff\xff\xff\x7fPAR1"),
     ScenarioError, "the footer cannot be read"),
    ("a year of nothing, packed", "bomb", lambda folder: pq.write_table(
        pa.table({"time": pa.array(np.zeros(10**6, "M8[s]"), pa.timestamp("s", "UTC")),
                  **{f"x{n} [W]": np.zeros(10**6, np.int8) for n in range(33)}}),
        folder / PROFILES_NAME), ScenarioError, "at most 268435456 are read"),
    ("a pipe", "no file", instead(PROFILES_NAME, os.mkfifo), ScenarioError, "no such file"),
    ("a folder", "no file", instead(PROFILES_NAME, Path.mkdir), ScenarioError, "no such file"),
]  # fmt: skip

EPISODES_NAME: Final = "episodes.parquet"
ORIGIN: Final = b"decent_gym.origin"


def changed(edit: Callable[[Any], Any], **more: Any) -> Callable[[Path], object]:
    """Recorded episodes, changed with their metadata kept."""
    return lambda folder: rewrite(folder / EPISODES_NAME, edit, **more)


def origin(old: bytes, new: bytes) -> Callable[[Path], object]:
    """Recorded episodes that say they come from elsewhere."""

    def change(folder: Path) -> None:
        text = pq.ParquetFile(folder / EPISODES_NAME).metadata.metadata[ORIGIN]
        assert old in text
        rewrite(folder / EPISODES_NAME, lambda t: t, {ORIGIN: text.replace(old, new, 1)})

    return change


# what was done to recorded episodes
EPISODES: Final[list[tuple[Any, ...]]] = [
    ("observation NaN", "NaN", changed(spoil("obs_day_sin", 2, np.nan)),
     DataError, "column obs_day_sin, row 2: must be within -10"),
    ("reward infinite", "infinity", changed(spoil("reward", 2, np.inf)),
     DataError, "column reward, row 2: must be finite, got inf"),
    ("action 1.5", "caps", changed(spoil("action_battery", 2, 1.5)),
     DataError, "column action_battery, row 2: must be within -1"),
    ("action as text", "str", changed(cast("action_battery", pa.string())),
     DataError, "got 'action_battery' of type string"),
    ("seed of 32 bits", "shape", changed(cast("seed", pa.int32())), DataError, "column 1 must be"),
    ("seed -1", "caps", changed(lambda t: t.set_column(
        1, t.schema.field(1), pa.array([-1] * len(t)))), DataError, "column seed, row 0"),
    ("an episode twice", "replay", changed(lambda t: pa.concat_tables([t, t])),
     DataError, "episodes of 7 rows"),
    ("steps in another order", "out of order", changed(lambda t: t.take([1, 0, *range(2, len(t))])),
     DataError, "column step, row 0"),
    ("a column more", "unknown fields", changed(lambda t: t.append_column("x", t.column("step"))),
     DataError, "must be nothing, got 'x'"),
    ("another number", "damage", changed(spoil("term_trade", 2, 0.0)),
     DataError, "changed after it was written"),
    ("format of tomorrow", "version", origin(b'"format":1', b'"format":2'),
     DataError, "format must be 1"),
    ("rounds as text", "str", origin(b'"rounds":6', b'"rounds":"6"'),
     DataError, "rounds must be an"),
    ("rounds 6.0", "float", origin(b'"rounds":6', b'"rounds":6.0'), DataError, "rounds must be an"),
    ("rounds true", "bool", origin(b'"rounds":6', b'"rounds":true'), DataError, "the bool True"),
    ("rounds NaN", "NaN", origin(b'"rounds":6', b'"rounds":NaN'), DataError, "NaN is no number"),
    ("rounds 1e400", "infinity", origin(b'"rounds":6', b'"rounds":1e400'),
     DataError, "1e400 is no finite number"),
    ("rounds twice", "keys twice", origin(b'"rounds":6', b'"rounds":6,"rounds":6'),
     DataError, "a key stands twice"),
    ("rounds 10^9", "caps", origin(b'"rounds":6', b'"rounds":1000000000'),
     DataError, "rounds must"),
    ("nested", "nesting", origin(b'"rounds":6', b'"rounds":' + b"[" * 100_000),
     DataError, "is no JSON that we write"),
    ("a field more", "unknown fields", origin(b'"rounds":6', b'"rounds":6,"sixes":6'),
     DataError, "unknown or missing fields sixes"),
    ("no Parquet", "damage", write(EPISODES_NAME, b"PAR1"), DataError, "no Parquet file"),
    ("a pipe", "no file", instead(EPISODES_NAME, os.mkfifo), InputError, "there is no file"),
]  # fmt: skip

ROUNDS_NAME: Final = "rounds.parquet"


FACTS: Final = b"decent_gym.recording"


def facts(old: bytes, new: bytes) -> Callable[[Path], object]:
    """Tables of a ledger whose footer says something else."""

    def change(folder: Path) -> None:
        text = pq.ParquetFile(folder / ROUNDS_NAME).metadata.metadata[FACTS]
        assert old in text
        rewrite(folder / ROUNDS_NAME, lambda t: t, {FACTS: text.replace(old, new, 1)})

    return change


def rows(edit: Callable[[Any], Any], name: str = ROUNDS_NAME) -> Callable[[Path], object]:
    """Tables of a ledger, changed with their footers kept."""
    return lambda folder: rewrite(folder / name, edit)


# what was done to the tables of an exported ledger
TABLES: Final[list[tuple[Any, ...]]] = [
    ("one missing", "no file", instead("offers.parquet", lambda path: None),
     DataError, "offers.parquet is missing"),
    ("a pipe", "no file", instead(ROUNDS_NAME, os.mkfifo), DataError, "rounds.parquet is missing"),
    ("no Parquet", "damage", write(ROUNDS_NAME, b"PAR1PAR1"),
     DataError, "its footer cannot be read"),
    ("schema of tomorrow", "version", facts(b'"schema":1', b'"schema":2'),
     DataError, "schema version 2 is not known"),
    ("schema true", "bool", facts(b'"schema":1', b'"schema":true'), DataError, "version True"),
    ("rounds 1e400", "infinity", facts(b'"rounds":6', b'"rounds":1e400'),
     DataError, "its facts are not as we write them"),
    ("rounds NaN", "NaN", facts(b'"rounds":6', b'"rounds":NaN'), DataError, "not as we write them"),
    ("rounds 6.0", "float", facts(b'"rounds":6', b'"rounds":6.0'), DataError, "not as we write"),
    ("rounds twice", "keys twice", facts(b'"rounds":6', b'"rounds":6,"rounds":6'),
     DataError, "not as we write them"),
    ("nested", "nesting", facts(b'"rounds":6', b'"rounds":' + b"[" * 10**5),
     DataError, "not as we"),
    ("a row less", "rewritten", rows(lambda t: t.slice(0, 5)), DataError, "5 rows of"),
    ("rows in another order", "out of order", rows(lambda t: t.take([1, 0, 2, 3, 4, 5])),
     DataError, "round 1: accounts: one row an account, in order"),
    ("a column more", "unknown fields", rows(lambda t: t.append_column("x", t.column(0))),
     DataError, "must be nothing, got 'x'"),
    ("another trade", "damage", rows(lambda t: t.slice(1), "offers.parquet"),
     DataError, "does not have the hash that rounds.parquet states"),
]  # fmt: skip
