"""`clear_blocks`: random books against brute force and HiGHS, properties, and what it refuses."""

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.blocks import Offer, best, faults, random_offers, run

from decent_gym.clearing import BlockReason, blocks, clear, clear_blocks
from decent_gym.clearing.lottery import lottery_keys
from decent_gym.errors import InputError

TEXT = (Path(__file__).parents[2] / "docs" / "blocks.md").read_text(encoding="utf-8")


def books(count: int, first: int, **options: int) -> list[list[Offer]]:
    return [random_offers(np.random.default_rng(first + i), **options) for i in range(count)]


def test_random_books_against_every_selection_at_every_price() -> None:
    paradoxes = groups = parts = welfare_lost = untraded = 0
    for offers in books(1_200, first=10_000):
        result = run(offers)
        assert faults(offers, result) == set()
        paradoxes += len(result.paradoxically_rejected) > 0
        groups += int((result.reasons == BlockReason.GROUP).sum()) > 0
        blocked = np.array([o.is_block for o in offers], bool)
        energy = np.array([o.energy for o in offers], int)
        parts += bool(((result.accepted > 0) & (result.accepted < energy) & blocked).any())
        welfare_lost += result.welfare < result.relaxed_welfare
        untraded += result.volume == 0 and len(result.paradoxically_rejected) > 0
    assert min(paradoxes, welfare_lost) > 150 and groups > 30 and parts > 30 and untraded > 10


@pytest.mark.parametrize("tie_rule", ["time", "equal_share", "random"])
def test_the_divisible_rest_is_shared_by_the_tie_rule(tie_rule: str) -> None:
    lottery = int(lottery_keys(7, 0, 0, 0))
    for offers in books(250, first=20_000):
        result = run(offers, tie_rule=tie_rule, seed=7)
        wanted, _ = best(offers, tie_rule, lottery=lottery)
        assert result.accepted.tolist() == wanted.accepted


def test_books_of_blocks_alone() -> None:
    for offers in books(150, first=30_000, most=8, blocks=8):
        only = [o._replace(minimum=o.energy) for o in offers]
        assert faults(only, run(only)) == set()


def test_against_highs() -> None:
    pytest.importorskip("highspy")
    from oracles.blocks_highs import solver, welfare

    highs = solver()
    for offers in books(100, first=40_000, most=24, blocks=18):
        assert run(offers).welfare == pytest.approx(welfare(offers, highs)[0], abs=1e-4)


@pytest.mark.parametrize("price_rule", ["midpoint", 0, "1/3"])
@pytest.mark.parametrize("tie_rule", ["pro_rata", "time", "random", "equal_share"])
def test_without_blocks_it_is_merit_order(price_rule: Any, tie_rule: str) -> None:
    rng = np.random.default_rng(3)
    for n in [*range(30), 1_500]:
        side, price = rng.integers(0, 2, n), rng.integers(-5, 9, n)
        energy, priority = rng.integers(1, 9, n), rng.integers(0, 2, n)
        options: Any = {"price_rule": price_rule, "tie_rule": tie_rule, "priority": priority,
                        "sequence": rng.permutation(n) * 5, "seed": 4}  # fmt: skip
        mine = clear_blocks(side, price, energy, minimum=[0] * n, group=[None] * n, **options)
        plain = clear(side, price, energy, **options)
        assert mine.figures.tolist() == plain.figures.tolist()
        assert mine.welfare == mine.relaxed_welfare
        assert not mine.forgone.any() and (mine.case, mine.volume) == (plain.case, plain.volume)


def test_a_permuted_book_gives_the_permuted_result() -> None:
    rng = np.random.default_rng(5)
    for offers in books(200, first=50_000):
        straight, order = run(offers), rng.permutation(len(offers))
        mixed = run([offers[i] for i in order])
        assert mixed.accepted.tolist() == straight.accepted[order].tolist()
        assert mixed.forgone.tolist() == straight.forgone[order].tolist()
        assert mixed.reasons.tolist() == straight.reasons[order].tolist()
        assert mixed.figures[-6:].tolist() == straight.figures[-6:].tolist()


def test_big_numbers_give_the_same_selection() -> None:
    scale = 10**7
    for offers in books(200, first=60_000):
        big = [
            o._replace(price=o.price * scale, energy=o.energy * scale, minimum=o.least * scale)
            for o in offers
        ]
        rules: Any = {"price_rule": 1, "tie_rule": "time"}  # which round nothing
        small, large = (
            run([o._replace(minimum=o.least) for o in offers], **rules),
            run(big, **rules),
        )
        assert large.accepted.tolist() == (small.accepted * scale).tolist()
        assert large.forgone.tolist() == (small.forgone * scale**2).tolist()
        assert large.welfare == small.welfare * scale**2


def test_nobody_accepted_loses_in_a_district_of_blocks() -> None:
    rng = np.random.default_rng(6)
    for _ in range(10):
        n = 60
        side, price = rng.integers(0, 2, n), rng.integers(80_000, 300_000, n)
        energy, group = (
            rng.integers(1, 2_000, n),
            np.where(rng.random(n) < 0.5, np.arange(n) // 3, -1),
        )
        for label in range(n):
            if (group == label).sum() == 1:
                group[group == label] = -1
        minimum = energy * rng.integers(0, 3, n) // 2
        result = clear_blocks(side, price, energy, minimum=minimum, group=group)
        sign, there = 2 * side - 1, result.accepted > 0
        assert there.any() and (sign * (price - result.price) >= 0)[there].all()
        assert (result.accepted[there] >= minimum[there]).all()
        assert all((there & (group == label)).sum() <= 1 for label in range(n))
        assert (sign * result.accepted).sum() == 0 == result.surplus == result.pays.sum()
        plain = (minimum == 0) & (group == -1)
        strictly = plain & (sign * (price - result.price) > 0)
        assert (result.accepted == energy)[strictly].all()
        assert 0 < result.welfare <= result.relaxed_welfare


def test_of_equally_good_selections_the_earliest_block_is_taken() -> None:
    side, price, energy = [1, 0, 0], [9, 5, 5], [10, 10, 10]
    for sequence, priority, served in (
        ([0, 1, 2], [0, 0, 0], 1),
        ([0, 2, 1], [0, 0, 0], 2),
        ([0, 2, 1], [0, 0, 1], 1),
    ):
        result = clear_blocks(side, price, energy, minimum=[0, 10, 10], sequence=sequence,
                              priority=priority)  # fmt: skip
        assert result.accepted[served] == 10 and result.price == 5 + 2
        # the other forgoes what its twin gains: which one it is, only the rule says
        assert result.paradoxically_rejected.tolist() == [3 - served]


def test_equal_limits_trade() -> None:
    result = clear_blocks([1, 0], [5, 5], [10, 10], minimum=[10, 10])
    assert result.volume == 10 and result.welfare == 0


def test_paradoxes_are_reported_where_nothing_trades() -> None:
    result = clear_blocks([1, 0], [9, 3], [10, 5], minimum=[10, 5])
    assert (result.volume, result.price, result.welfare) == (0, None, 0)
    assert result.forgone.tolist() == [30, 15]  # at 6
    assert result.reasons.tolist() == [BlockReason.PARADOXICALLY_REJECTED] * 2
    result = clear_blocks([1, 0], [9, 3], [10, 5], minimum=[10, 0])
    assert result.forgone.tolist() == [60, 0]  # the plain ask suits 3 at most
    assert result.reasons.tolist() == [BlockReason.PARADOXICALLY_REJECTED, BlockReason.MARGINAL]
    result = clear_blocks([1, 0], [3, 9], [10, 5], minimum=[10, 5])
    assert result.reasons.tolist() == [BlockReason.OUT_OF_THE_MONEY] * 2
    assert not result.forgone.any() and clear_blocks([], [], []).volume == 0


def test_an_offer_whose_group_gains_more_is_not_a_paradox() -> None:
    offers = {"side": [1, 0, 0], "price": [30, 10, 12], "energy": [20, 20, 5]}
    result = clear_blocks(**offers, group=[None, "battery", "battery"])
    assert result.accepted.tolist() == [20, 20, 0]
    assert result.reasons.tolist() == [1, 1, BlockReason.GROUP]
    result = clear_blocks(**offers | {"energy": [20, 20, 24]}, group=[-1, 0, 0], minimum=[0, 1, 24])
    assert result.accepted.tolist() == [20, 20, 0] and result.price == 20
    assert result.forgone.tolist() == [0, 0, 0]  # 24 * (20 - 12) is less than 20 * (20 - 10)


ONE = {"side": [0, 1], "price": [5, 9], "energy": [10, 4]}


def test_the_widest_span_of_limits_is_taken() -> None:
    clear_blocks(**{**ONE, "energy": [10**8] * 2, "price": [-(10**8), 10**8]})


def test_a_book_too_big_for_exact_integers_is_refused() -> None:
    n = 40
    side, price = [0, 1] * (n // 2), [-(10**8), 10**8] * (n // 2)
    with pytest.raises(InputError, match=r"4000000000 Wh times the span .*\(200000000\) passes"):
        clear_blocks(side, price, [10**8] * n)


def test_the_search_says_when_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    offers = random_offers(np.random.default_rng(2), most=10, blocks=10)
    offers = [o._replace(minimum=o.energy) for o in offers]
    monkeypatch.setattr(blocks, "BUDGET", 3)
    with pytest.raises(InputError, match=r"the \d+ blocks are undecided after 3 branches"):
        run(offers)


def test_both_bounds_keep_the_search_short(monkeypatch: pytest.MonkeyPatch) -> None:
    branches, real = [], blocks.search
    monkeypatch.setattr(blocks, "search", lambda *a: branches.append(real(*a)) or branches[-1])
    group = np.where(np.arange(40) < 36, np.arange(40) // 3, -1)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        side, price = rng.integers(0, 2, 40), rng.integers(80_000, 300_000, 40)
        clear_blocks(side, price, rng.integers(1, 2_000, 40), group=group)
    assert 12 < sum(branches) < 40_000  # 58,000 without a price of imbalance


def test_arrays_may_be_numpy_s_and_stay_as_they_are() -> None:
    minimum, group = np.array([0, 0, 0]), np.array([-1, 4, 4])
    result = clear_blocks([1, 0, 0], [30, 10, 12], [20, 20, 5], minimum=minimum, group=group)
    assert result.accepted.tolist() == [20, 20, 0]
    assert (minimum.tolist(), group.tolist()) == ([0, 0, 0], [-1, 4, 4])


def test_the_benchmark_s_three_ways_agree() -> None:
    pytest.importorskip("highspy")
    from oracles.blocks_highs import solver

    from benchmarks.bench_blocks import check, district

    highs = solver()
    found = [check(district(count, seed), highs) for count in (8, 16) for seed in range(5)]
    assert [blocks for _, _, blocks in found] == [8] * 5 + [16] * 5
    assert sum(rejected for rejected, _, _ in found) > 0 and max(lost for _, lost, _ in found) < 20


def test_the_docstring_and_the_page_are_true() -> None:
    found = doctest.testmod(blocks)
    assert found.attempted > 2 and found.failed == 0
    page = doctest.DocTestParser().get_doctest(
        TEXT.replace("```", ""), {}, "blocks.md", "docs/blocks.md", 0
    )
    ran = doctest.DocTestRunner().run(page)
    assert ran.attempted > 4 and ran.failed == 0
