"""The market's known equilibria, for every commit: what needs no learning, and two short trainings.

All of it is ``make truth``; its table stands in docs/truth.md.
"""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from oracles.truth import best_shade, best_storage, k_double_auction

from decent_gym.errors import InputError
from training.truth import __main__ as command
from training.truth.auction import Auction, Yardstick, sight, truthful
from training.truth.checks import Check, Setting, at_least, at_most, within
from training.truth.learning import OneRound
from training.truth.many import SHADES, VALUE
from training.truth.market import BUY
from training.truth.price_taker import HOURLY, Case, optimum
from training.truth.report import Line, markdown
from training.truth.settings import SETTINGS

QUICK = [name for name, setting in SETTINGS.items() if setting.quick is not None]


def assert_all_pass(checks: list[Check]) -> None:
    assert checks
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_core_has_this_truth(name: str) -> None:
    assert_all_pass(SETTINGS[name].core())


@pytest.mark.parametrize("name", QUICK)
def test_short_training_comes_near(name: str) -> None:
    quick = SETTINGS[name].quick
    assert quick is not None
    assert_all_pass(quick())


def test_short_training_covers_two_settings() -> None:
    assert len(QUICK) == 2


@pytest.mark.parametrize("n", SHADES)
def test_expected_shades_are_those_of_the_integral(n: int) -> None:
    assert best_shade(n, VALUE) == pytest.approx(SHADES[n], abs=0.01)


def test_one_buyer_shades_a_third() -> None:
    assert best_shade(1, 0.6) == pytest.approx(0.2, abs=0.001)


def test_auction_is_the_k_double_auction() -> None:
    auction = Auction([truthful] * 3, [truthful] * 3, 200, seed=4)
    auction.deal()
    profits = auction.profits()
    traded = 0
    for world, types in enumerate(auction.types.tolist()):
        trades, price = k_double_auction(types[:3], types[3:])
        expected = [
            0.0 if not yes else (price - t if i < 3 else t - price)
            for i, (t, yes) in enumerate(zip(types, trades, strict=True))
        ]
        np.testing.assert_allclose(profits[world], expected, atol=3e-6)
        traded += price is not None
    assert 0 < traded < 200


def test_learners_see_their_own_type_and_are_paid_their_own_profit() -> None:
    auction = Auction([None], [None], 4, seed=1)
    env = OneRound(auction)
    seen = env.reset()
    assert seen.shape == (8, 2)
    types = auction.types.copy()
    np.testing.assert_allclose(seen[:, 0].reshape(4, 2), 2 * types - 1, atol=1e-6)
    np.testing.assert_array_equal(seen[:, 1].reshape(4, 2), [[-1, 1]] * 4)
    np.testing.assert_allclose(sight(types[:, 1], BUY)[:, 0], 2 * types[:, 1] - 1)
    asks, bids = np.array([0.1, 0.2, 0.6, 0.3]), np.array([0.5, 0.2, 0.4, 0.9])
    actions = 2 * np.stack([asks, bids], axis=1).reshape(8, 1) - 1
    _, rewards, done, infos = env.step(actions)
    price = (asks + bids) / 2
    both = np.stack([price - types[:, 0], types[:, 1] - price], axis=1)
    both[asks > bids] = 0
    np.testing.assert_allclose(rewards.reshape(4, 2), both, atol=3e-6)
    assert done.all()
    assert infos == [{}] * 8
    assert not np.array_equal(types, auction.types)  # dealt anew


def test_yardstick_regret_of_a_bad_strategy_is_large() -> None:
    yardstick = Yardstick(Auction([truthful], [None], 2000), BUY, np.linspace(0, 1, 51))
    types = np.linspace(0.1, 0.9, 9)
    assert yardstick.regret(types, truthful) == pytest.approx(1 / 4, abs=0.01)
    assert yardstick.regret(types, lambda v: 2 * v / 3) == pytest.approx(0, abs=1e-3)
    assert yardstick.regret(types, np.zeros_like) == 1


def test_optimum_is_that_of_trying_everything() -> None:
    random = np.random.default_rng(3)
    for capacity in (1, 2, 5):
        prices = random.integers(0, 100, 12)
        case = Case(prices.astype(float), float(capacity), 1.0)
        best, plan = optimum(case, case.prices)
        assert best == pytest.approx(best_storage(prices.tolist(), capacity))
        assert -plan @ case.prices == pytest.approx(best)
    assert best_storage([int(p) for p in HOURLY.prices], 16) == HOURLY.optimum


@pytest.mark.parametrize(
    ("check", "passes"),
    [
        (within("x", 1, 0.1, [0.95, 1.05], ""), True),
        (within("x", 1, 0.1, [0.95, 1.15], ""), False),
        (within("x", 1, 0.1, [math.nan], ""), False),
        (within("x", 1, 0.1, [], ""), False),
        (at_most("x", 1, [-5, 1], ""), True),
        (at_most("x", 1, [1.001, 0], ""), False),
        (at_least("x", 1, [1, 7], ""), True),
        (at_least("x", 1, [0.999], ""), False),
    ],
)
def test_checks_can_fail(check: Check, passes: bool) -> None:
    assert check.passed is passes


def test_worst_is_the_one_nearest_to_failing() -> None:
    assert within("x", 1, 0.5, [1.1, 0.8, 1.0, 1.0], "").worst == 0.8
    assert at_most("x", 1, [-9, 0.9], "").worst == 0.9
    assert at_least("x", 1, [1.5, 99], "").worst == 1.5


@pytest.fixture
def run_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command on two settings of our own, `right` and `wrong`."""
    right = [within("height", 2, 0.5, [2.25], "ruler")]
    wrong = [*right, at_most("depth", 1, [3], "ruler")]
    settings = {
        "right": Setting("right", "it is right", lambda: right, lambda seeds: right * len(seeds)),
        "wrong": Setting("wrong", "it is wrong", lambda: wrong),
    }
    for name in list(SETTINGS):
        monkeypatch.delitem(SETTINGS, name)
    for name, setting in settings.items():
        monkeypatch.setitem(SETTINGS, name, setting)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["truth", *words])
        code = command.main()
        return code, *capsys.readouterr()

    return run


def test_exit_code_says_whether_all_rows_passed(
    run_main: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, _ = run_main("--only", "right", "--seeds", "0", "1")
    assert code == 0
    assert "it is right" in out
    assert "2.25" in out
    assert "1.5 to 2.5" in out
    assert "3 of 3 rows" in out
    code, out, _ = run_main()
    assert code == 1
    assert "FAILED" in out


def test_json_and_markdown_hold_every_row(
    run_main: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, _ = run_main("--json", "--fast", "--markdown", str(tmp_path / "t.md"))
    assert code == 1
    found = json.loads(out)
    assert [(row["setting"], row["passed"]) for row in found["rows"]] == [
        ("right", True), ("wrong", True), ("wrong", False),
    ]  # fmt: skip
    assert found["rows"][2]["low"] is None
    assert found["rows"][2]["found"] == [3.0]
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "--fast" in text
    assert "| depth | 1 | 3 | at most 1 | ruler | FAILED |" in text


def test_a_misspelt_setting_is_named(run_main: Callable[..., tuple[int, str, str]]) -> None:
    code, _, error = run_main("--only", "rihgt")
    assert code == 2
    assert "'right'" in error
    with pytest.raises(InputError, match="at least one"):
        command.run(command.Args(seeds=()))


def test_documented_table_is_of_all_settings() -> None:
    text = (Path(__file__).parents[2] / "docs" / "truth.md").read_text(encoding="utf-8")
    assert [name for name in SETTINGS if f"### {name}\n" not in text] == []
    assert "FAILED" not in text
    line = Line("cournot", within("price", 1, 0.1, [1], "PPO"), 2.0)
    assert markdown([line]).splitlines()[3] in text


def test_every_setting_is_learned_unless_there_is_nothing_to_learn() -> None:
    learned = {name for name, setting in SETTINGS.items() if setting.learned is not None}
    assert learned == {
        "bilateral", "bilateral-truthful", "bilateral-both", "n-traders", "mcafee",
        "pivotal-uniform", "pivotal-pay-as-bid", "battery", "cournot", "supply-functions",
    }  # fmt: skip
    assert SETTINGS.keys() - learned == {"mcafee-shares", "zero-intelligence"}
