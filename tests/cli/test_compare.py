"""``compare``: what a market designer sees, and what happens to wrong input."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from oracles import forger

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.cli import main
from decent_gym.cli.compare_tables import WIDTH
from decent_gym.ledger import Ledger
from decent_gym.market import Capability, MarketController
from decent_gym.metrics import RETAILER_ONLY
from decent_gym.models import Commodity, Offer, Organization, Side
from decent_gym.simulation.recording import header_of

ROUNDS = 8
RUN = ["run", "--rounds", str(ROUNDS), "--seed", "2", "--trader", "zero_intelligence"]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "week.ledger"
    assert main([*RUN, "--quiet", "--ledger", str(folder)]) == 0
    return folder


def said(capsys, *argv):
    assert main(["compare", *map(str, argv)]) == 0
    return capsys.readouterr().out


def test_tables(ledger, capsys):
    text = said(capsys, ledger)
    assert "16 books of 8 rounds, static: books as they are, nobody adapts to the rule" in text
    assert "recorded under merit_order, utility in book: cleared again, every price" in text
    assert "values: true values" in text
    assert "bootstrap over 8 rounds" in text
    for name in (RETAILER_ONLY, *MECHANISMS):
        assert text.count(f"  {name} ") == (3 if name == RETAILER_ONLY else 4)
    assert "line loading not known" in text
    assert max(len(line) for line in text.splitlines() if line.startswith("  ")) <= WIDTH
    assert "…" not in text


def test_wishes_are_read_by_preference_and_said_to_be(tmp_path, capsys, ledger):
    wishes = {"building_03": {"local": True, "hard": True}}
    run = [*RUN, "--quiet", "--mechanism", "preference", "--set", f"wishes={json.dumps(wishes)}"]
    assert main([*run, "--ledger", str(tmp_path / "w")]) == 0
    names = ["--mechanism", "preference", "merit_order"]
    text = said(capsys, tmp_path / "w", *names)
    assert "recorded under preference, utility in book: cleared again, every price" in text
    assert "wishes: read by preference alone" in text
    assert "wishes:" not in said(capsys, ledger, *names)
    found = json.loads(said(capsys, tmp_path / "w", *names, "--json"))
    assert found["wishes"] and found["recorded"]["reproduced"]
    argv = ["compare", str(tmp_path / "w"), "--best-response", "building_03"]
    assert main(argv) == 2
    assert "these books hold wishes" in capsys.readouterr().err


def test_json(ledger, capsys):
    names = ["merit_order", "vcg", "merit_order:price_rule=0,tie_rule=time"]
    found = json.loads(said(capsys, ledger, "--json", "--mechanism", *names))
    assert found["recorded"]["reproduced"] is True
    assert found["recorded"]["rules"]["mechanism"] == "merit_order"
    assert (found["rounds"], found["books"]) == (ROUNDS, 2 * ROUNDS)
    assert found["interval"] == {
        "confidence": 0.95, "unit": "round", "units": ROUNDS, "resamples": 1000, "seed": 0,
    }  # fmt: skip
    entries = {entry["name"]: entry for entry in found["mechanisms"]}
    assert list(entries) == [RETAILER_ONLY, *names]
    assert entries["vcg"]["rules"]["utility"] == "residual"
    assert entries[names[2]]["rules"]["price_rule"] == "0/1"
    figures = entries["merit_order"]["figures"]["all"]
    assert 0.5 < figures["efficiency"]["low"] <= figures["efficiency"]["value"] <= 1
    parts = [
        figures[f"{who}_eur"]["value"] for who in ("members", "network", "utility", "operator")
    ]
    assert sum(parts) == pytest.approx(figures["welfare_eur"]["value"])
    assert found["pivotal"]["electricity"]["with_utility"] == 0


def test_physical_figures_are_those_of_the_run(ledger, capsys, tmp_path):
    assert main([*RUN, "--json"]) == 0
    ran = json.loads(capsys.readouterr().out)["district"]
    found = json.loads(said(capsys, ledger, "--json", "--mechanism", "merit_order"))["physical"]
    electricity, heat = ran["electricity"], ran["heat"]
    assert found["self_sufficiency"] == pytest.approx(electricity["self_sufficiency"])
    assert found["self_consumption"] == pytest.approx(electricity["self_consumption"])
    assert found["imported_kwh"] == electricity["from_outside"]
    assert found["exported_kwh"] == electricity["to_outside"]
    assert found["peak_kw"] == electricity["peak_kw"]
    assert found["heat_peak_kw"] == heat["peak_kw"]
    assert found["heat_imported_kwh"] == heat["from_outside"]
    assert found["heat_curtailed_kwh"] == heat["to_outside"]
    assert found["heat_unserved_kwh"] == heat["unserved"]
    assert 0 < found["heat_network_loading"] <= 1
    unknown = ("line_loading", "outside_en50160", "electricity_curtailed_kwh")
    assert [found[name] for name in unknown] == [None] * 3


def test_out(ledger, capsys, tmp_path):
    folder = tmp_path / "deep" / "compared"
    text = said(capsys, ledger, "--out", folder, "--json", "--mechanism", "merit_order", "mcafee")
    found = json.loads(text)
    files = [folder / name for name in ("compare.json", "books.parquet", "compare.png")]
    assert found.pop("out") == list(map(str, files))
    assert json.loads(files[0].read_text()) == found
    table = pq.read_table(files[1])
    assert table.num_rows == 3 * 2 * ROUNDS
    for entry in found["mechanisms"]:
        rows = [row for row in table.to_pylist() if row["mechanism"] == entry["name"]]
        welfare = sum(row["welfare_nano_eur"] for row in rows) / 1e9
        best = sum(row["best_welfare_nano_eur"] for row in rows) / 1e9
        figures = entry["figures"]["all"]
        assert figures["welfare_eur"]["value"] == pytest.approx(welfare)
        assert figures["best_welfare_eur"]["value"] == pytest.approx(best)
        for row in rows:
            assert (row["price_micro_eur_per_kwh"] is None) == (row["volume_wh"] == 0)
    picture = files[2].read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert np.frombuffer(picture[16:20], ">u4")[0] == 1400
    said(capsys, ledger, "--out", folder, "--mechanism", "merit_order", "--quiet")
    assert len(json.loads(files[0].read_text())["mechanisms"]) == 2  # replaced


def test_quiet_says_nothing(ledger, capsys):
    assert said(capsys, ledger, "--quiet", "--mechanism", "merit_order") == ""


def test_same_arguments_same_object(ledger, capsys):
    def found(*more):
        text = said(capsys, ledger, "--json", "--mechanism", "sbba", *more)
        value = json.loads(text)
        value["mechanisms"][1].pop("microseconds_per_book")
        return value

    assert found() == found()
    assert found("--seed", 1)["mechanisms"] != found()["mechanisms"]
    assert found("--interval", "day")["interval"]["unit"] == "day"


def test_a_market_by_hand(tmp_path, capsys):
    """No scenario, no utility: limits are the values, and nobody serves the rest."""
    names, capability = ("a", "b"), Capability()
    market = MarketController([Organization(name) for name in names], capability)
    header = header_of(market.operator, bytes(32), 0)
    with Ledger.create(tmp_path / "x", header) as ledger:
        market.operator.listen(0, ledger)
        market.submit(Offer("a", Side.SELL, Commodity.ELECTRICITY, 1000, 100_000))
        market.submit(Offer("b", Side.BUY, Commodity.ELECTRICITY, 1000, 200_000))
        market.close_round(capability)
    found = json.loads(said(capsys, tmp_path / "x", "--json"))
    assert found["values"].startswith("limits taken as values")
    assert found["physical"]["self_consumption"] is None
    entries = {entry["name"]: entry for entry in found["mechanisms"]}
    assert entries["merit_order"]["savings_eur"] == {"a": 0.05, "b": 0.05}
    assert entries["merit_order"]["figures"]["electricity"]["efficiency"]["value"] == 1
    assert entries["mcafee"]["figures"]["electricity"]["efficiency"]["value"] == 0
    assert entries["vcg"]["figures"]["all"]["operator_eur"]["value"] == -0.1
    assert entries["vcg"]["utility"] is Rules(utility=None).utility
    assert "none" in said(capsys, tmp_path / "x")


# -- fresh order flow ----------------------------------------------------------------------------

FLOW = ["--flow", "uniform", "--books", "40", "--buyers", "3", "--sellers", "4"]


def test_fresh_order_flow(capsys):
    found = json.loads(said(capsys, *FLOW, "--json", "--seed", 5))
    assert {key: found[key] for key in ("flow", "books", "buyers", "sellers", "seed")} == {
        "flow": "uniform", "books": 40, "buyers": 3, "sellers": 4, "seed": 5,
    }  # fmt: skip
    assert found["recorded"] is found["physical"] is None
    assert found["interval"]["unit"] == "book"
    entries = {entry["name"]: entry for entry in found["mechanisms"]}
    assert list(entries) == [RETAILER_ONLY, *MECHANISMS]
    assert entries["merit_order"]["figures"]["all"]["efficiency"]["value"] == 1
    assert entries["merit_order"]["figures"]["all"]["price"]["value"] > 0
    assert entries["merit_order"]["best_response"] is None
    random = json.loads(said(capsys, *FLOW, "--json", "--limits", "zero_intelligence"))
    assert random["mechanisms"][1]["figures"]["all"]["efficiency"]["value"] < 0.9


def test_best_response(capsys):
    text = said(capsys, *FLOW, "--best-response", "buyer_2", "--mechanism", "merit_order", "vcg")
    assert "Incentive to lie: buyer_2 in its 40 books" in text
    assert "uniform order flow, 4 sellers, 3 buyers, truthful limits, seed 0; static" in text
    argv = [*FLOW, "--best-response", "buyer_2", "--json"]
    found = json.loads(said(capsys, *argv, "--mechanism", "merit_order", "vcg"))["mechanisms"]
    pays, truthful = (entry["best_response"] for entry in found[1:])
    assert pays["regret_eur"]["low"] > 0
    assert pays["lying_gains"] > 0.2
    assert truthful["regret_eur"] == {"value": 0, "low": 0, "high": 0}
    assert found[0]["best_response"] is None


def test_best_response_in_a_recording(ledger, capsys):
    argv = ["--best-response", "building_03", "--mechanism", "merit_order", "--json"]
    found = json.loads(said(capsys, ledger, *argv))["mechanisms"][1]["best_response"]
    assert found["trader"] == "building_03"
    assert found["regret_eur"]["value"] >= 0


# -- mistakes ------------------------------------------------------------------------------------


def mistake(capsys, *argv, code=2):
    assert main(["compare", *map(str, argv)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    return err


def test_mistakes_are_named(ledger, capsys, tmp_path):
    assert "did you mean 'merit_order'" in mistake(capsys, ledger, "--mechanism", "merit_ordr")
    assert "there is no ledger at" in mistake(capsys, tmp_path)
    assert "give a ledger's folder" in mistake(capsys)
    assert "did you mean '--mechanism'" in mistake(capsys, ledger, "--mechanisms", "vcg")
    assert "did you mean 'limits'" in mistake(capsys, ledger, "--values", "limit")
    file = tmp_path / "file"
    file.touch()
    assert "is not a folder" in mistake(capsys, ledger, "--out", file)
    assert "price_rule k must be in [0, 1]" in mistake(
        capsys, ledger, "--mechanism", "merit_order:price_rule=2"
    )


def test_flow_mistakes(ledger, capsys):
    assert "did you mean 'uniform'" in mistake(capsys, "--flow", "uniforn")
    assert "did you mean 'truthful'" in mistake(capsys, "--flow", "ties", "--limits", "truthfull")
    assert "--flow KIND" in mistake(capsys, ledger, "--flow", "ties")
    assert "--books belongs to --flow" in mistake(capsys, ledger, "--books", 3)
    assert "--interval belongs to a ledger" in mistake(
        capsys, "--flow", "ties", "--interval", "day"
    )
    assert "did you mean 'buyer_1'" in mistake(capsys, *FLOW, "--best-response", "buyer1")
    assert "books must be in [1" in mistake(capsys, "--flow", "ties", "--books", 0)


def test_misspelt_mechanism_is_found_before_anything_is_read(capsys, tmp_path):
    assert "unknown mechanism 'zzz'" in mistake(capsys, tmp_path / "no", "--mechanism", "zzz")


def test_broken_ledger(ledger, capsys, tmp_path):
    header, rounds = forger.read(ledger)
    forger.write(tmp_path / "x", header, rounds)
    segment = tmp_path / "x" / forger.SEGMENT
    segment.write_bytes(segment.read_bytes()[:-9])
    assert f"is broken after {ROUNDS - 1} rounds" in mistake(capsys, tmp_path / "x")


def test_recording_that_does_not_come_out_again(ledger, capsys, tmp_path):
    """Rightly hashed, but not what the mechanism gives: said loudly, nothing is compared."""
    header, rounds = forger.read(ledger)
    book = rounds[3].heat
    rounds[3] = forger.edited(rounds[3], heat={"price": book.price + 1})
    forger.write(tmp_path / "x", header, rounds)
    err = mistake(capsys, tmp_path / "x", code=1)
    assert f"price in the heat book of round {rounds[3].number}: {book.price + 1} recorded" in err
