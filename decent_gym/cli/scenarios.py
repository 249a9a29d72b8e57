"""``decent-gym scenarios``: which districts there are, and who lives in one."""

from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from decent_gym.cli.console import out, write_json
from decent_gym.cli.parser import Parser

if TYPE_CHECKING:
    from decent_gym.scenarios import Scenario

SUMMARY: Final = "list the scenarios, or show one: members, devices, tariffs, sources"
DETAILS: Final = """\
  decent-gym scenarios
  decent-gym scenarios rural
  decent-gym scenarios my_street.toml --json
"""
_DEVICES: Final = ("battery", "heat_pump", "thermal_store", "boiler", "chp")


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a name or a .toml file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """List all scenarios, or show one."""
    from decent_gym.scenarios import SCENARIOS
    from decent_gym.scenarios import scenario as find_scenario

    if args.name is not None:
        facts = _facts(args.name, find_scenario(args.name))
        if args.json:
            write_json(facts)
        else:
            _show(facts)
        return 0
    listed = {name: _facts(name, find_scenario(name)) for name in SCENARIOS}
    if args.json:
        brief = ("about", "organizations", "rounds", "devices", "sources")
        write_json({name: {key: facts[key] for key in brief} for name, facts in listed.items()})
    else:
        _list(listed)
    return 0


def _facts(asked: str, scenario: "Scenario") -> dict[str, Any]:
    """What there is to know of a scenario, in kWh, kW and EUR/kWh."""
    from decent_gym.models import Commodity
    from decent_gym.scenarios.scenario import TARIFF_COLUMNS
    from decent_gym.units import ROUNDS_PER_DAY

    tariffs = {
        Commodity(c).name.lower(): {
            column: [int(values.min()) / 1e6, int(values.max()) / 1e6]
            for column, values in zip(TARIFF_COLUMNS, scenario.tariffs[:, c].T, strict=True)
        }
        for c in Commodity
    }
    members = [_member(scenario, n) for n in range(len(scenario.members))]
    owned = [device for member in members for device in member["devices"]]
    counts = {name: owned.count(name) for name in (*_DEVICES, "pv") if name in owned}
    return {
        "name": scenario.name,
        "about": _about(asked),
        "organizations": len(members),
        "rounds": scenario.rounds,
        "days": scenario.rounds // ROUNDS_PER_DAY,
        "devices": counts,
        "members": members,
        "tariffs": tariffs,
        "rules": scenario.rules.to_dict(),
        "digest": scenario.digest.hex(),
        "sources": list(scenario.sources),
    }


def _about(name: str) -> str:
    """The first line of the factory's docstring; nothing for a file."""
    from decent_gym.scenarios import SCENARIOS

    text = SCENARIOS[name].__doc__ if name in SCENARIOS else None
    return (text or "").strip().partition("\n")[0]


def _member(scenario: "Scenario", n: int) -> dict[str, Any]:
    member = scenario.members[n]
    sizes = {
        name: {key: _plain(value) for key, value in asdict(device).items()}
        for name in _DEVICES
        if (device := getattr(member, name)) is not None
    }
    peak = 4 * int(scenario.pv[:, n].max()) / 1000
    if peak:
        sizes["pv"] = {"peak_kw": round(peak, 1)}
    return {
        "name": member.name,
        "trader": member.trader if member.organization.priority == 0 else None,
        "attributes": dict(member.organization.attributes),
        "load_kwh": int(scenario.load[:, n].sum()) / 1000,
        "pv_kwh": int(scenario.pv[:, n].sum()) / 1000,
        "heat_kwh": int(scenario.heat[:, n].sum()) / 1000,
        "devices": sizes,
    }


def _plain(value: Any) -> Any:
    """JSON has no Decimal."""
    return value if isinstance(value, str | int | float | None) else str(value)


def _list(listed: dict[str, dict[str, Any]]) -> None:
    table = Table()
    table.add_column("scenario", no_wrap=True)
    table.add_column("organizations", justify="right")
    table.add_column("rounds", justify="right")
    table.add_column("devices")
    table.add_column("what")
    table.add_column("sources", justify="right")
    for name, facts in listed.items():
        devices = ", ".join(
            f"{count} {device.replace('_', ' ')}" for device, count in facts["devices"].items()
        )
        sizes = [str(facts["organizations"]), f"{facts['rounds']:,}"]
        table.add_row(name, *sizes, devices, facts["about"], str(len(facts["sources"])))
    console = out()
    console.print(table)
    console.print("decent-gym scenarios NAME: members, devices, tariffs, sources and licences")


def _show(facts: dict[str, Any]) -> None:
    console = out()
    text = f"{facts['name']}: {facts['about']}" if facts["about"] else facts["name"]
    console.print(f"{text}\n{facts['rounds']:,} rounds ({facts['days']} days)", markup=False)
    table = Table(title=f"Organizations, kWh over {facts['days']} days", title_justify="left")
    table.add_column("organization", no_wrap=True)
    for heading in ("load", "PV", "heat"):
        table.add_column(heading, justify="right")
    table.add_column("devices")
    for member in facts["members"]:
        energies = [f"{member[key]:,.0f}" for key in ("load_kwh", "pv_kwh", "heat_kwh")]
        table.add_row(member["name"], *energies, _sizes(member["devices"]))
    console.print(table)
    prices = Table(title="Tariffs in EUR/kWh, lowest to highest", title_justify="left")
    prices.add_column("commodity")
    columns = next(iter(facts["tariffs"].values()))
    for column in columns:
        prices.add_column(column.replace("_", "-"), justify="right")
    for commodity, values in facts["tariffs"].items():
        prices.add_row(commodity, *(_range(*pair) for pair in values.values()))
    console.print(prices)
    rules = ", ".join(f"{key} {value}" for key, value in facts["rules"].items())
    lines = [f"rules: {rules}", f"digest: {facts['digest']}"]
    lines += [f"source: {source}" for source in facts["sources"]]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _sizes(devices: dict[str, dict[str, Any]]) -> str:
    """Battery 11 kWh 5.5 kW, heat pump 8 kW."""
    parts = []
    for name, fields in devices.items():
        size = []
        for key, value in fields.items():
            unit = key.rpartition("_")[2]
            if unit in ("kwh", "kw") and value is not None:
                text = f"{value} {'kWh' if unit == 'kwh' else 'kW'}"
                size += [text] if text not in size else []
        parts.append(" ".join([name.replace("_", " "), *size]))
    return ", ".join(parts)


def _range(low: float, high: float) -> str:
    return f"{low:.4f}" if low == high else f"{low:.4f} - {high:.4f}"
