"""``decent-gym compare`` where heat and electricity were cleared together."""

import json
from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from decent_gym.cli.console import complain, out, progress, write_json
from decent_gym.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from decent_gym.metrics import JointMeasured
    from decent_gym.replay import RecordedMarkets

JSON_FILE, ROUNDS_FILE = "compare.json", "rounds.parquet"
WRONG: Final = 1
STATIC: Final = "static: offers as they are, limits taken as values, nobody adapts"
WAYS: Final = {
    "coupled": "at once",
    "last": "heat first, last price",
    "middle": "heat first, tariffs' middle",
    "joint": "heat first, joint price",
}
_REFUSED: Final[dict[str, object]] = {"mechanism": [], "values": None, "best_response": None}
"""Options that have no meaning here, and what they hold if nobody gives them."""
_EUR = "EUR/kWh"


def is_coupled(path: str) -> bool:
    """Whether the rounds of a ledger were cleared jointly.

    Raises
    ------
    InputError
        There is no ledger at `path`.
    LedgerError
        Its header cannot be read.
    """
    from decent_gym.replay.sound_rounds import SoundRounds

    coupled: bool = SoundRounds(path).coupled
    return coupled


def run_joint(args: Namespace) -> int:
    """Compare; 0, or 1 if clearing again does not give what was recorded."""
    from decent_gym.cli.compare_books import planned_rounds
    from decent_gym.metrics import compare_joint, units_at, usual_unit
    from decent_gym.replay import read_markets

    for name, nothing in _REFUSED.items():
        if getattr(args, name) != nothing:
            raise InputError(
                f"--{name.replace('_', '-')}: {args.path} was cleared with heat and electricity "
                "coupled, and is compared with separate books only; leave it out"
            )
    if args.out is not None:
        _check_folder(args.out)
    done = 0
    with progress("reading", planned_rounds(args.path), quiet=args.quiet) as advance:

        def seen(_: object) -> None:
            nonlocal done
            done += 1
            advance(done)

        markets = read_markets(args.path, on_round=seen)
    if markets.difference is not None:
        complain(f"cleared again, the recording comes out otherwise: {markets.difference}")
        return WRONG
    unit = args.interval or usual_unit(markets.times)
    found = compare_joint(markets, unit=unit, seed=args.seed)
    units = int(units_at(markets.times, unit).max()) + 1
    summary = report(args.path, markets, found, {"unit": unit, "units": units, "seed": args.seed})
    if args.out is not None:
        summary["out"] = _write(Path(args.out), summary, markets, found)
    if args.json:
        write_json(summary)
    elif not args.quiet:
        from decent_gym.cli.compare_tables import WIDTH

        print_report(out(WIDTH), summary)
    return 0


def report(
    path: str, markets: "RecordedMarkets", found: "list[JointMeasured]", interval: dict[str, Any]
) -> dict[str, Any]:
    """What the command says, in EUR and kWh."""
    first, last = (datetime.fromtimestamp(at, UTC).isoformat() for at in markets.seconds)
    return {
        "ledger": str(Path(path)),
        "rounds": len(markets),
        "first": first,
        "last": last,
        "conversions": int(markets.conversions.number.sum()),
        "static": STATIC,
        "recorded": {"rules": markets.rules.to_dict(), "reproduced": True},
        "interval": interval,
        "ways": [
            {
                "name": each.name,
                "welfare_eur": each.welfare_eur,
                "lost_eur": asdict(each.lost_eur),
                "rounds_with_loss": each.rounds_with_loss,
                "loss_eur": each.loss_eur,
                "converters_eur": each.converters_eur,
                "converted_heat_kwh": each.heat_kwh,
                "electricity_price": each.price[0],
                "heat_price": each.price[1],
                "unmet_kwh": each.unmet_kwh,
            }
            for each in found
        ],
    }


def print_report(console: Console, summary: dict[str, Any]) -> None:
    """What was compared, and a table."""
    head = (
        f"{summary['ledger']}: {summary['rounds']:,} rounds, {summary['conversions']:,} conversion "
        f"offers, {summary['static']}\nrecorded coupled: cleared again, every price and payment "
        "is the same, bit for bit"
    )
    console.print(head, markup=False, highlight=False, soft_wrap=True)
    table = Table(title_justify="left", box=SIMPLE_HEAD)
    table.add_column("cleared", no_wrap=True)
    for heading in ("welfare\nlost\nEUR", "95 %", "rounds in\nwhich a con-\nverter loses",
                    "its\nloss\nEUR", "heat\nconverted\nkWh", f"power\n{_EUR}",
                    f"heat\n{_EUR}"):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    for way in summary["ways"]:
        lost = way["lost_eur"]
        span = "" if lost["low"] is None else f"{lost['low']:,.1f} to {lost['high']:,.1f}"
        prices = (way["electricity_price"], way["heat_price"])
        table.add_row(
            WAYS[way["name"]],
            f"{lost['value']:,.2f}",
            "" if way["name"] == "coupled" else span,
            f"{way['rounds_with_loss']:,}",
            f"{way['loss_eur']:,.2f}",
            f"{way['converted_heat_kwh']:,.0f}",
            *("" if price is None else f"{price:.4f}" for price in prices),
        )
    console.print(table)
    unmet = max(way["unmet_kwh"] for way in summary["ways"])
    interval = summary["interval"]
    notes = [
        "heat first: before heat is cleared, converters expect electricity to cost what it did in "
        "the round before, the middle of retail and feed-in, or exactly what it costs when both "
        "clear at once; then they buy or sell what they need at any price",
        f"95 %: bootstrap over {interval['units']} {interval['unit']}s; losses beyond rounding; "
        "prices: means by energy",
    ]
    if unmet:
        notes.append(
            f"up to {unmet:,.1f} kWh of electricity that converters needed nobody sold, or that "
            "they made nobody bought: welfare does not count what that costs"
        )
    console.print("\n".join(notes), markup=False, highlight=False, soft_wrap=True)


def _check_folder(path: str) -> None:
    if Path(path).exists() and not Path(path).is_dir():
        raise InputError(f"--out: {path} is not a folder")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", "data", "compare --out") from None


def _write(
    folder: Path, summary: dict[str, Any], markets: "RecordedMarkets", found: "list[JointMeasured]"
) -> list[str]:
    """The report, and a row per way of clearing and round in exact integers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in (JSON_FILE, ROUNDS_FILE)]
    text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
    paths[0].write_text(text + "\n", "utf-8")
    tables = []
    for each in found:
        outcome = each.cleared.outcome
        columns = {
            "cleared": pa.array([each.name] * len(markets)).dictionary_encode(),
            "round": markets.times,
            "welfare_nano_eur": each.welfare,
            "converters_loss_nano_eur": each.loss.sum(axis=1),
            "unmet_wh": each.cleared.unmet.sum(axis=1),
        }
        for c, place in enumerate(("electricity", "heat")):
            volume, price = outcome.volume[c::2], outcome.price[c::2]
            columns[f"{place}_volume_wh"] = volume
            columns[f"{place}_price_micro_eur_per_kwh"] = pa.array(price, mask=volume == 0)
            columns[f"{place}_converted_wh"] = each.cleared.delivered[:, :, c].sum(axis=1)
        tables.append(pa.table(columns))
    pq.write_table(
        pa.concat_tables(tables, promote_options="default"), paths[1], compression="zstd"
    )
    return [str(path) for path in paths]
