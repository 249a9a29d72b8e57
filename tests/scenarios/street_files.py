"""A small correct scenario on disk, for tests to load or to spoil."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

HEADER = "time,load [Wh],sun [kW],warmth [W],air [degC],spot [EUR/MWh]"
START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 192

TOML = """\
[scenario]
name = "street"
profiles = "street.csv"
temperature = "air"

[tariffs.electricity]
retail = 0.35
feed_in = 0.08
short_over_retail = 0.10
long_under_feed_in = 0.05

[tariffs.heat]
retail = 0.16
feed_in = 0
short = 0.21
long = -0.01

[variants.dynamic.electricity]
retail = { column = "spot", scale = 1.19, plus = 0.20 }
feed_in = 0.01
short_over_retail = 0.10
long_under_feed_in = 0.05

[prices]
fuel = 0.1

[forecasts]
sigma_permille = 50

[rules]
price_rule = 0.3
tie_rule = "time"

[splits]
validation = []
test = []

[heat_network]
max_flow_kw = 50
loss_kw = 1
backup_kw = 50

[[organization]]
name = "a"
attributes = { kind = "household" }
load = "load"
pv = { column = "sun", peak_kw = 6, reference_kw = 3 }
battery = { capacity_kwh = 10, charge_kw = 5.5, discharge_kw = 5 }
heat_pump = { thermal_kw = 8, supply = 45 }

[[organization]]
name = "b"
load = { column = "load", scale = 0.5 }
heat = { column = "warmth", annual_kwh = 96 }
trader = "zero_intelligence"

[[organization]]
name = "grid"
priority = 1
"""


def csv_lines() -> list[str]:
    """The header and the rows: line n of the file is element n - 1."""
    rows = [
        f"{(START + timedelta(minutes=15 * i)).isoformat()},{i},{0.5 if i % 96 > 40 else 0},"
        f"{1000 + i},{i / 10},{-50 + i}"
        for i in range(ROWS)
    ]
    return [HEADER, *rows]


def write_street(folder: Path, toml: str = TOML, csv: str | bytes | None = None) -> Path:
    """Write both files; the path of the TOML file."""
    text = "\n".join(csv_lines()) + "\n" if csv is None else csv
    data = text.encode() if isinstance(text, str) else text
    (folder / "street.csv").write_bytes(data)
    (folder / "street.toml").write_text(toml, encoding="utf-8")
    return folder / "street.toml"
