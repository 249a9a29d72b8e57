"""Coupled recordings cleared again: as recorded, and as two separate books would have."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from oracles import forger

from decent_gym.clearing import Rules, clear_coupled, sequential_clearing
from decent_gym.cli import main
from decent_gym.cli.compare_tables import WIDTH
from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger import Ledger, LedgerHeader, export_tables
from decent_gym.market import Capability, MarketController
from decent_gym.metrics import compare_joint, welfare_of
from decent_gym.models import Commodity, ConversionOffer, Offer, Organization, Round, Side
from decent_gym.replay import (
    FORECASTS,
    RecordedMarkets,
    clear_sequentially,
    forecast_of,
    read_books,
    read_markets,
)

ROUNDS = 40


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A winter morning of `rural`, both books cleared at once."""
    folder = tmp_path_factory.mktemp("markets") / "joint.ledger"
    argv = ["run", "--set", "clearing=coupled", "--start", "2016-01-15", "--rounds", str(ROUNDS)]
    assert main([*argv, "--ledger", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def markets(ledger: Path) -> RecordedMarkets:
    return read_markets(ledger)


def given(record: Round) -> dict[str, Any]:
    """A round's offers as the public functions take them."""
    names = {"side": "side", "price": "price", "sequence": "sequence"}
    columns = {
        name: np.concatenate([book.column(field) for book in record.books])
        for name, field in names.items()
    }
    commodity = np.repeat([0, 1], [len(book.orders) for book in record.books])
    energy = np.concatenate([book.offered for book in record.books])
    rows = record.conversions.offers[:, 2:7]
    return {**columns, "commodity": commodity, "energy": energy, "conversions": rows}


def test_it_clears_again_as_recorded(ledger: Path, markets: RecordedMarkets) -> None:
    seen: list[int] = []
    assert (
        read_markets(ledger, on_round=lambda record: seen.append(record.number)).times.tolist()
        == seen
    )
    assert markets.difference is None and len(markets) == ROUNDS
    records = forger.read(ledger)[1]
    welfare = welfare_of(markets, markets.recorded)
    for record, found in zip(records, welfare.tolist(), strict=True):
        market = given(record)
        priority = np.concatenate([book.column("priority") for book in record.books])
        joint = clear_coupled(**market, priority=priority)
        assert joint.welfare == found
        assert record.electricity.price == joint.price[0]


def test_every_round_comes_to_what_the_public_function_says(
    ledger: Path, markets: RecordedMarkets
) -> None:
    """But for ties with the utility, who comes last in a recorded book: totals are compared."""
    guess = forecast_of(markets, "last")
    found = clear_sequentially(markets, guess)
    welfare, ran = welfare_of(markets, found), 0
    for r, record in enumerate(forger.read(ledger)[1]):
        one = sequential_clearing(**given(record), forecast=int(guess[r]))
        k = len(one.activity)
        assert found.activity[r, :k].tolist() == one.activity.tolist()
        assert found.earns[r, :k].tolist() == one.earns.tolist()
        assert int(welfare[r]) == one.welfare
        assert found.outcome.volume[2 * r : 2 * r + 2].tolist() == list(one.volume)
        ran += int((one.activity > 0).sum())
    assert ran > ROUNDS and not found.unmet.any()


def test_forecasts(ledger: Path, markets: RecordedMarkets) -> None:
    power = [record.electricity for record in forger.read(ledger)[1]]
    retail, feed_in = markets.books.tariffs[::2, :2].T.tolist()
    middle = [(a + b) // 2 for a, b in zip(retail, feed_in, strict=True)]
    joint = [book.price for book in power]
    assert None not in joint
    assert forecast_of(markets, "middle").tolist() == middle
    assert forecast_of(markets, "joint").tolist() == joint
    assert forecast_of(markets, "last").tolist() == [middle[0], *joint[:-1]]
    idle = markets.recorded.outcome.volume.copy()
    idle[[0, 6]] = 0
    outcome = markets.recorded.outcome._replace(volume=idle)
    recorded = dataclasses.replace(markets.recorded, outcome=outcome)
    quiet = dataclasses.replace(markets, recorded=recorded)
    assert forecast_of(quiet, "joint").tolist()[:5] == [middle[0], *joint[1:3], joint[2], joint[4]]
    with pytest.raises(ValueError, match="did you mean 'last'"):
        forecast_of(markets, "lst")


def test_joint_clearing_is_never_beaten_and_nobody_loses(markets: RecordedMarkets) -> None:
    best, *others = compare_joint(markets, seed=1)
    assert best.name == "coupled" and [each.name for each in others] == list(FORECASTS)
    assert best.lost_eur.value == 0 == best.rounds_with_loss and best.loss_eur == 0
    assert best.converters_eur > 0 and best.unmet_kwh == 0
    for each in others:
        # whole Wh cost at most the span of the limits for each conversion and margin
        assert (each.welfare <= best.welfare + 20 * 400_000).all()
        assert each.lost_eur.low is not None and each.lost_eur.low <= (each.lost_eur.value or 0)
        assert each.lost_eur.value == pytest.approx(best.welfare_eur - each.welfare_eur)
        assert (each.rounds_with_loss > 0) == (each.loss_eur > 0)
    assert others[1].loss_eur > 1 and others[1].heat_kwh > best.heat_kwh


def test_losses_by_hand(markets: RecordedMarkets) -> None:
    """What conversions earned less costs, where that is beyond a tick times the output."""
    each = compare_joint(markets)[2]
    found, rows, total = each.cleared, markets.conversions, 0
    for r in range(ROUNDS):
        prices = found.outcome.price[2 * r : 2 * r + 2].tolist()
        for k in range(int(rows.number[r])):
            activity = int(found.activity[r, k])
            made = [int(c[r, k]) * activity for c in (rows.electricity, rows.heat)]
            left = [m - 1000 * int(d) for m, d in zip(made, found.delivered[r, k], strict=True)]
            worth = sum(x * p for x, p in zip(left, prices, strict=True)) // 1000
            profit = int(found.earns[r, k]) - int(rows.cost[r, k]) * activity + worth
            lost = -profit if profit + sum(m for m in made if m > 0) // 1000 + 1 < 0 else 0
            assert each.loss[r, k] == lost
            total += lost
    assert each.loss_eur == pytest.approx(total / 1e9) and total > 0


def test_the_command(ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    assert main(["compare", str(ledger), "--json", "--out", str(folder), "--seed", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rounds"] == ROUNDS and found["recorded"]["reproduced"] is True
    assert found["interval"] == {"unit": "round", "units": ROUNDS, "seed": 3}
    assert [way["name"] for way in found["ways"]] == ["coupled", *FORECASTS]
    assert json.loads((folder / "compare.json").read_text()) == {
        key: value for key, value in found.items() if key != "out"
    }
    rows = pq.read_table(folder / "rounds.parquet").to_pylist()
    assert len(rows) == 4 * ROUNDS
    for way in found["ways"]:
        mine = [row for row in rows if row["cleared"] == way["name"]]
        assert sum(row["welfare_nano_eur"] for row in mine) / 1e9 == way["welfare_eur"]
        assert sum(row["heat_converted_wh"] for row in mine) / 1e3 == way["converted_heat_kwh"]
        assert sum(row["converters_loss_nano_eur"] for row in mine) / 1e9 == way["loss_eur"]
    assert main(["compare", str(ledger)]) == 0
    text = capsys.readouterr().out
    assert "cleared again, every price and payment is the same, bit for bit" in text
    for name in ("at once", "heat first, last price", "heat first, joint price"):
        assert f"  {name} " in text
    assert "…" not in text and max(map(len, text.splitlines()[2:9])) <= WIDTH


@pytest.mark.parametrize(
    "option", [["--mechanism", "vcg"], ["--values", "limits"], ["--best-response", "building_02"]]
)
def test_options_that_mean_nothing_here(
    ledger: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(ledger), *option]) == 2
    assert f"{option[0]}: " in (said := capsys.readouterr().err) and "coupled" in said


def test_a_recording_that_comes_out_otherwise_is_not_compared(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, rounds = forger.read(ledger)
    conversions = rounds[30].conversions
    earns = conversions.earns + 1
    rounds[30] = dataclasses.replace(
        rounds[30], conversions=dataclasses.replace(conversions, earns=earns)
    )
    forger.write(tmp_path / "y", header, rounds)
    found = read_markets(tmp_path / "y")
    assert found.difference is not None
    assert found.difference.startswith(f"round {rounds[30].number}: earnings of conversion 0 is")
    assert main(["compare", str(tmp_path / "y")]) == 1
    assert "the recording comes out otherwise: round" in capsys.readouterr().err
    offers = conversions.offers.copy()
    offers[0, 3] = 90_000
    wrong = dataclasses.replace(conversions, offers=offers)
    rounds[30] = dataclasses.replace(rounds[30], conversions=wrong)
    forger.write(tmp_path / "z", header, rounds)
    with pytest.raises(LedgerError, match="creates energy"):
        read_markets(tmp_path / "z")


def test_each_kind_of_ledger_has_its_reader(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"coupled.* read it with read_markets\(\)"):
        read_books(ledger)
    argv = ["run", "--rounds", "2", "--ledger", str(tmp_path / "plain"), "--quiet"]
    assert main(argv) == 0
    with pytest.raises(InputError, match=r"one book at a time; read it with read_books\(\)"):
        read_markets(tmp_path / "plain")
    with pytest.raises(InputError, match="there is no ledger"):
        read_markets(tmp_path)


def by_hand(folder: Path, *conversions: ConversionOffer, boiler: int = 70_000) -> Path:
    """The market of docs/coupled.md, in which nobody sells a seventh Wh of electricity."""
    members, key = [Organization(name) for name in ("plant", "house", "pump")], Capability()
    rules = Rules(utility=None, clearing="coupled")
    controller = MarketController(members, key, rules=rules)
    header = LedgerHeader.of(controller.operator.organizations, rules.to_dict(), 0, seed=0, world=0)
    with Ledger.create(folder, header) as ledger:
        controller.listen(ledger)
        for _ in range(2):
            for who, side, commodity, energy, price in (
                ("plant", Side.SELL, Commodity.ELECTRICITY, 6, 60_000),
                ("house", Side.BUY, Commodity.ELECTRICITY, 4, 500_000),
                ("plant", Side.SELL, Commodity.HEAT, 10, boiler),
                ("house", Side.BUY, Commodity.HEAT, 9, 200_000),
            ):
                controller.submit(Offer(who, side, commodity, energy, price))
            if conversions:
                controller.submit_conversion(*conversions)
            controller.close_round(key)
    return folder


def test_a_market_by_hand_in_which_electricity_runs_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Expecting 190,000 a kWh the pump asks 63,334 for its heat, and sells all 9 Wh."""
    pump = ConversionOffer("pump", electricity=-1000, heat=3000, cost=0, max=3)
    found = read_markets(by_hand(tmp_path / "l", pump))
    assert found.difference is None and forecast_of(found, "middle").tolist() == [190_000] * 2
    best, _, middle, _ = compare_joint(found)
    assert best.welfare_eur == 2 * (4 * 500 + 9 * 200 - 6 * 60 - 3 * 70) / 1e6
    # the pump's three Wh are bid at any price, and the household gets what is left
    assert middle.welfare_eur == 2 * (3 * 500 + 9 * 200 - 6 * 60) / 1e6 and not middle.unmet_kwh
    big = ConversionOffer("pump", electricity=-1000, heat=1200, cost=0, max=30)
    found = read_markets(by_hand(tmp_path / "big", big, boiler=170_000))
    middle = compare_joint(found)[2]
    assert middle.unmet_kwh == 2 * (8 - 6) / 1000
    assert main(["compare", str(tmp_path / "big")]) == 0
    assert "of electricity that converters needed nobody sold" in capsys.readouterr().out


def test_without_conversions_nothing_is_lost_and_groups_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare_joint(read_markets(by_hand(tmp_path / "none")))
    assert [each.lost_eur.value for each in found] == [0.0] * 4
    modes = [
        ConversionOffer("pump", 400, 0, 60, 500, group=1, fuel=1000),
        ConversionOffer("pump", 300, 600, 60, 400, group=1, fuel=1000),
    ]
    assert main(["compare", str(by_hand(tmp_path / "group", *modes))]) == 2
    assert "conversion 0 of market 0 is in a group" in capsys.readouterr().err


def test_tables_are_compared_like_the_ledger(ledger: Path, tmp_path: Path) -> None:
    export_tables(ledger, parquet=tmp_path / "tables")
    pair = [compare_joint(read_markets(path)) for path in (ledger, tmp_path / "tables")]
    for one, other in zip(*pair, strict=True):
        assert one.welfare.tolist() == other.welfare.tolist() and one.lost_eur == other.lost_eur
