"""SMARD's day-ahead prices.  All samples here are handmade after the format of the download:
its values are ours, not the market's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from decent_gym.errors import InputError
from decent_gym.scenarios.smard import german_offset, read_smard

QUARTERS = (
    "Datum von;Datum bis;Belgien [€/MWh] Originalauflösungen;"
    "Deutschland/Luxemburg [€/MWh] Originalauflösungen"
)
HOURS = "Datum;Anfang;Ende;Deutschland/Luxemburg [€/MWh] Berechnete Auflösungen"
BERLIN = ZoneInfo("Europe/Berlin")


def utc(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def quarter_hours(day: datetime, days: int = 1) -> list[str]:
    """The rows of local days, written by the time zone database; the price counts them."""
    start = day.replace(tzinfo=BERLIN).astimezone(UTC)
    end = (day + timedelta(days=days)).replace(tzinfo=BERLIN).astimezone(UTC)
    rows = []
    while start < end:
        local, after = start.astimezone(BERLIN), (start + timedelta(minutes=15)).astimezone(BERLIN)
        rows.append(f"{local:%d.%m.%Y %H:%M};{after:%d.%m.%Y %H:%M};-99;{len(rows)},5")
        start += timedelta(minutes=15)
    return rows


def read(folder: Path, header: str, rows: list[str], **options: str) -> tuple[int, list[int]]:
    path = folder / "prices.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8-sig")
    start, prices = read_smard(path, **options)
    assert prices.dtype == np.int64
    return start, prices.tolist()


@pytest.mark.parametrize(
    ("day", "rounds"),
    [
        (datetime(2025, 3, 30), 92),  # clocks go forward
        (datetime(2025, 10, 26), 100),  # clocks go back
        (datetime(2025, 6, 1), 96),
    ],
)
def test_days_of_23_25_and_24_hours(tmp_path: Path, day: datetime, rounds: int) -> None:
    start, prices = read(tmp_path, QUARTERS, quarter_hours(day))
    assert start == int(day.replace(tzinfo=BERLIN).timestamp())
    assert prices == [1_000 * i + 500 for i in range(rounds)]


def test_a_whole_year_has_neither_gap_nor_overlap(tmp_path: Path) -> None:
    _, prices = read(tmp_path, QUARTERS, quarter_hours(datetime(2024, 1, 1), 366))
    assert prices == [1_000 * i + 500 for i in range(366 * 96)]


def test_the_hourly_layout(tmp_path: Path) -> None:
    rows = [
        "26.10.2024;23:00;00:00;1.234,56",
        "27.10.2024;00:00;01:00;-1,10",
        "27.10.2024;01:00;02:00;0",
        "27.10.2024;02:00;02:00;2,00",
        "27.10.2024;02:00;03:00;3,00",
        "27.10.2024;03:00;04:00;4,005",
    ]
    start, prices = read(tmp_path, HOURS, rows)
    assert start == utc(2024, 10, 26, 21)
    assert prices[::4] == [1_234_560, -1_100, 0, 2_000, 3_000, 4_005]
    assert prices == [price for price in prices[::4] for _ in range(4)]


def test_another_zone(tmp_path: Path) -> None:
    _, prices = read(tmp_path, QUARTERS, quarter_hours(datetime(2025, 6, 1)), area="Belgien")
    assert prices == [-99_000] * 96
    with pytest.raises(InputError, match="did you mean 'Belgien'"):
        read(tmp_path, QUARTERS, quarter_hours(datetime(2025, 6, 1)), area="Belgium")


def test_the_clock_is_that_of_the_time_zone_database() -> None:
    for hour in range(utc(1996, 1, 1), utc(2037, 12, 31), 3600 * 13):
        expected = datetime.fromtimestamp(hour, BERLIN).utcoffset()
        assert timedelta(seconds=german_offset(hour)) == expected
    for year in range(1996, 2038):
        for month in (3, 10):
            for hour in range(utc(year, month, 24), utc(year, month, 31) + 86_400, 3600):
                expected = datetime.fromtimestamp(hour, BERLIN).utcoffset()
                assert timedelta(seconds=german_offset(hour)) == expected


@pytest.mark.parametrize(
    ("line", "old", "new", "says"),
    [
        (1, "Datum von", "Start date", ["line 1", "Start date", "German"]),
        (1, "Deutschland/Luxemburg", "Deutschland", ["'Deutschland/Luxemburg'", "did you mean"]),
        (1, "Luxemburg [€/MWh]", "Luxemburg [MWh]", ["line 1", "[€/MWh]"]),
        (4, "2,5", "-", ["line 4", "'Deutschland/Luxemburg'", "'-'", "guessed"]),
        (4, "2,5", "", ["line 4", "no price"]),
        (4, "2,5", "2.5", ["line 4", "'2.5'", "1.234,56"]),
        (4, "2,5", "nan", ["line 4", "'nan'"]),
        (4, "2,5", "999999999", ["line 4", "beyond"]),
        (4, ";2,5", "", ["line 4", "3 cells"]),
        (4, "00:30;", "00:45;", ["line 5", "not after the row before"]),
        (4, "00:30;", "00:00;", ["line 4", "not after the row before"]),
        (4, "01.06.2025 00:30;", "2025-06-01T00:30;", ["line 4", "no time such as"]),
        (3, "00:15;", "00:05;", ["line 3", "5 minutes"]),
        (2, "00:00;", "23:59;", ["line 3", "not after the row before"]),
    ],
)
def test_bad_prices_are_named(
    tmp_path: Path, line: int, old: str, new: str, says: list[str]
) -> None:
    lines = [QUARTERS, *quarter_hours(datetime(2025, 6, 1))]
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    with pytest.raises(InputError) as caught:
        read(tmp_path, lines[0], lines[1:])
    for part in ["prices.csv", *says]:
        assert part in str(caught.value)


def test_a_time_that_the_clocks_skip(tmp_path: Path) -> None:
    rows = ["30.03.2025;01:00;02:00;1,0", "30.03.2025;02:00;03:00;1,0"]
    with pytest.raises(InputError, match=r"line 3: 30\.03\.2025 02:00 does not exist"):
        read(tmp_path, HOURS, rows)


def test_a_missing_repeated_hour_is_a_gap(tmp_path: Path) -> None:
    rows = [f"26.10.2025;{h:02}:00;{h + 1:02}:00;1,0" for h in range(6)]
    with pytest.raises(InputError, match=r"line 5: is 2025-10-26T02:00\+00:00, should be"):
        read(tmp_path, HOURS, rows)


def test_a_missing_row_is_a_gap(tmp_path: Path) -> None:
    rows = quarter_hours(datetime(2025, 6, 1))
    del rows[7]
    with pytest.raises(InputError, match=r"line 9: .* should be 2025-05-31T23:45\+00:00"):
        read(tmp_path, QUARTERS, rows)


def test_an_empty_download(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no prices"):
        read(tmp_path, HOURS, [])


def test_a_year_without_a_rule_for_summer_time_and_an_endless_cell(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: '01\.01\.0001 00:00' lies outside 1996 to 2999"):
        read(tmp_path, HOURS, ["01.01.0001;00:00;01:00;5"])
    with pytest.raises(InputError, match=r"prices\.csv line 2: is no CSV \(field larger"):
        read(tmp_path, HOURS, ["1" * 200_000])
