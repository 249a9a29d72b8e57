"""``decent-gym run``: what it prints, writes and refuses."""

import json

import pytest
from views.mqtt_peers import ScriptedBroker

from decent_gym.cli import main
from decent_gym.ledger import verify
from decent_gym.scenarios import scenario
from decent_gym.simulation import Episodes

SHORT = ["run", "--rounds", "6"]


def json_of(capsys, *argv):
    assert main([*argv, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def test_json_is_complete_and_stable(capsys):
    first = json_of(capsys, *SHORT, "--seed", "3")
    assert first == json_of(capsys, *SHORT, "--seed", "3")
    assert first["scenario"] == "rural"
    assert first["rounds"] == 6
    assert first["accounts_checked"] is True
    assert first["accounts_sum"] == 0
    assert len(first["head"]) == 64
    assert len(first["organizations"]) == 15
    assert first["organizations"]["utility"]["saving"] is None
    assert first["traders"]["building_01"] == "truthful"
    money = [one["money"]["total"] for one in first["organizations"].values()]
    assert sum(money) + sum(first["accounts"].values()) == pytest.approx(0, abs=1e-9)
    for commodity in ("electricity", "heat"):
        price = first["district"][commodity]["price"]
        shares = [price[key] for key in ("at_retail", "at_feed_in", "between", "no_trade")]
        assert sum(shares) == pytest.approx(1)


def test_the_seed_draws_the_start_of_the_environments(capsys):
    episodes = Episodes(scenario("rural"), [], rounds=6, split="test")
    episodes.reset([9])
    ledger = episodes.record("memory")
    start = int(episodes.simulation.operator.round[0])
    for _ in range(6):
        episodes.step()
    found = json_of(capsys, *SHORT, "--seed", "9", "--split", "test")
    assert found["start"]["round"] == start
    assert found["head"] == ledger.head


def test_saving_is_the_score_less_the_reference(capsys):
    found = json_of(capsys, *SHORT)
    for name, facts in found["organizations"].items():
        if name != "utility":
            assert facts["saving"] == pytest.approx(facts["score"] - facts["without_market"])
            paid = sum(facts["money"][kind] for kind in ("trade", "imbalance", "fuel", "fee"))
            assert facts["money"]["total"] == pytest.approx(paid)


def test_bought_is_sold(capsys):
    found = json_of(capsys, *SHORT, "--start", "10080")
    for commodity in ("electricity", "heat"):
        flows = [facts[commodity] for facts in found["organizations"].values()]
        volume = found["district"][commodity]["volume"]
        assert sum(flow["sold"] for flow in flows) == pytest.approx(volume)
        assert volume > 0


def test_traders_for_everybody_and_for_one(capsys):
    chosen = ["--trader", "no_flexibility", "--trader", "building_03=zero_intelligence"]
    found = json_of(capsys, *SHORT, *chosen)
    traders = found["traders"]
    assert traders.pop("building_03") == "zero_intelligence"
    assert set(traders.values()) == {"no_flexibility"}
    assert found["head"] != json_of(capsys, *SHORT)["head"]


def test_scenario_options(capsys):
    options = ["--scenario", "synthetic", "--set", "organizations=5", "--set", "days=2"]
    found = json_of(capsys, *SHORT, *options, "--set", "utility=none", "--set", "price_rule=1/3")
    assert found["options"] == {
        "organizations": 5, "days": 2, "utility": None, "price_rule": "1/3",
    }  # fmt: skip
    assert all(one["saving"] is not None for one in found["organizations"].values())
    tariff = json_of(capsys, *SHORT, "--tariff", "time_of_use")
    assert tariff["options"] == {"tariff": "time_of_use"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("2016-01-01", 0),
        ("2016-01-08", 672),
        ("2016-01-08T06:15", 697),
        ("2016-01-07T23:00:00+00:00", 672),
        ("2016-07-08T02:00+02:00", 96 * 189 + 4),
    ],
)
def test_start_as_round_date_or_time(capsys, text, number):
    found = json_of(capsys, *SHORT, "--start", text)
    assert found["start"]["round"] == number
    assert found["split"] is None


def test_table(capsys):
    assert main([*SHORT, "--start", "2016-04-15"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""  # no progress where nobody looks
    for text in (
        "rural: 6 rounds from round 10080",
        "building_03",
        "no market",
        "Energy in kWh",
        "rounds at retail, %",
        "accounts sum to 0 (checked)",
        "head ",
    ):
        assert text in captured.out
    assert not any(len(line) > 110 for line in captured.out.splitlines())


def test_quiet(capsys):
    assert main([*SHORT, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_ledger_and_plot(capsys, tmp_path):
    ledger, plot = tmp_path / "ledger", tmp_path / "plot.png"
    found = json_of(capsys, *SHORT, "--ledger", str(ledger), "--plot", str(plot))
    result = verify(ledger)
    assert result.ok
    assert (result.rounds, result.head) == (6, found["head"])
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert found["head"] == json_of(capsys, *SHORT)["head"]
    meta = json.loads((ledger / "meta.json").read_text())
    assert meta["scenario"] == "rural"
    assert meta["rounds"] == 6
    assert meta["traders"]["heat_plant"] == "truthful"
    assert str(tmp_path) not in json.dumps(meta)


def test_mqtt_publishes_every_round(capsys, tmp_path):
    argv = [*SHORT, "--mqtt", "embedded", "--json"]
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert "publishing to mqtt://127.0.0.1:" in captured.err
    assert "decent/v1/rural/#" in captured.err
    found = json.loads(captured.out)
    assert (found["published"], found["unpublished"]) == (6, 0)


def test_broker_that_is_not_there(capsys, tmp_path):
    ledger = tmp_path / "ledger"
    argv = [*SHORT, "--mqtt", "mqtt://user:secret@127.0.0.1:1", "--ledger", str(ledger), "--quiet"]
    assert main(argv) == 1
    message = capsys.readouterr().err
    assert "6 rounds are not published to 127.0.0.1:1" in message
    assert "secret" not in message
    assert verify(ledger).rounds == 6


def test_the_password_of_the_broker_may_stand_in_a_file(capsys, tmp_path):
    (tmp_path / "password").write_text("se:c@ret\n")
    argv = [*SHORT, "--quiet", "--password-file", str(tmp_path / "password")]
    with ScriptedBroker() as broker:
        assert main([*argv, "--mqtt", f"mqtt://operator@127.0.0.1:{broker.port}"]) == 0
        assert [one[2:4] for one in broker.connects] == [(b"operator", b"se:c@ret")]
        assert len([topic for topic, *_ in broker.publishes if topic.endswith("/last")]) >= 6
    capsys.readouterr()
    for more, words in (
        ([], "belong to --mqtt"),
        (["--mqtt", "mqtt://127.0.0.1"], "names a user"),
        (["--mqtt", "mqtt://operator:b@127.0.0.1"], "no password"),
        (["--mqtt", "mqtts://operator@127.0.0.1", "--ca", "nothing"], "no certificate"),
    ):
        assert main([*argv, *more, "--ledger", str(tmp_path / "ledger")]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "ledger").exists()


def test_ledger_that_is_taken(capsys, tmp_path):
    argv = [*SHORT, "--quiet", "--ledger", str(tmp_path / "ledger")]
    assert main(argv) == 0
    assert main(argv) == 2
    assert "is taken" in capsys.readouterr().err
    assert verify(tmp_path / "ledger").ok


def test_interrupt_leaves_a_good_ledger(capsys, monkeypatch, tmp_path):
    from decent_gym.metrics import EnergyLog

    step, done = EnergyLog.step, []

    def interrupted(log):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        step(log)

    monkeypatch.setattr(EnergyLog, "step", interrupted)
    assert main([*SHORT, "--ledger", str(tmp_path / "ledger")]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert verify(tmp_path / "ledger").rounds == 3
