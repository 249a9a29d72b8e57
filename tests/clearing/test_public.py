"""`clear`: worked cases, and everything it refuses."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from decent_gym import Commodity, MarketController, Offer, Organization
from decent_gym.clearing import MECHANISMS, TIE_RULES, Mechanism, Rules, clear, merit_order, public
from decent_gym.clearing.merit_order import clear_books
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.market import Capability, Tariffs
from decent_gym.models import Case, Reason, Side
from decent_gym.units import ENERGY_CAP, PRICE_CAP, PRODUCT_CAP

Offers = list[tuple[int, int]]


def book(bids: Offers, asks: Offers, **rules: Any) -> Any:
    """Offers as energy @ limit."""
    side = [Side.BUY] * len(bids) + [Side.SELL] * len(asks)
    energy, price = zip(*bids, *asks, strict=True)
    return clear(side, price, energy, **rules)


@pytest.mark.parametrize(
    ("bids", "asks", "volume", "low", "high", "case", "accepted"),
    [
        ([(10, 10), (5, 4)], [(10, 6), (5, 8)], 10, 6, 8, Case.EXACT, [10, 0, 10, 0]),
        ([(10, 10)], [(6, 5)], 6, 10, 10, Case.MARGINAL_BUY, [6, 6]),
        ([(6, 10)], [(10, 5)], 6, 5, 5, Case.MARGINAL_SELL, [6, 6]),
        ([(10, 3)], [(10, 5)], 0, None, None, Case.NONE, [0, 0]),
        ([(10, 5)] * 2, [(10, 5)] * 2, 20, 5, 5, Case.EXACT, [10] * 4),
        # 2.5 each: the Wh left over goes to the earlier one
        ([(10, 10)], [(5, 4), (10, 6), (10, 6)], 10, 6, 6, Case.MARGINAL_SELL, [10, 5, 3, 2]),
        ([(5, 10), (5, 9)], [(7, 3), (3, 4)], 10, 4, 9, Case.EXACT, [5, 5, 7, 3]),
        ([(10, 6)] * 2, [(10, 4)], 10, 6, 6, Case.MARGINAL_BUY, [5, 5, 10]),
        ([(10, 10)], [(10, 2)], 10, 2, 10, Case.EXACT, [10, 10]),
        # scarcity is priced at the bid, also a negative one
        ([(10, -2)], [(4, -9)], 4, -2, -2, Case.MARGINAL_BUY, [4, 4]),
        # an ask at the margin that gets nothing is a level taken not at all
        ([(10, 9)], [(10, 5), (3, 9)], 10, 5, 9, Case.EXACT, [10, 10, 0]),
        # the bid at the margin is rejected whole: it is the lower end
        ([(10, 9), (4, 5)], [(10, 5)], 10, 5, 9, Case.EXACT, [10, 0, 10]),
    ],
)
def test_worked_cases(
    bids: Offers,
    asks: Offers,
    volume: int,
    low: int | None,
    high: int | None,
    case: Case,
    accepted: list[int],
) -> None:
    result = book(bids, asks)
    assert (result.volume, result.price_low, result.price_high) == (volume, low, high)
    assert result.case is case
    assert result.accepted.tolist() == accepted
    assert result.surplus == result.pays.sum() == 0
    if low is None:
        assert result.price is None and not result.pays.any()
    else:
        assert result.price == low + (high - low) // 2
        signs = [1] * len(bids) + [-1] * len(asks)
        assert result.pays.tolist() == [
            s * result.price * e for s, e in zip(signs, accepted, strict=True)
        ]
        assert book(bids, asks, price_rule=0).price == low
        assert book(bids, asks, price_rule=1).price == high


def test_price_rule_rounds_down_also_below_zero() -> None:
    third = [book([(1, 3)], [(1, -7)], price_rule=k).price for k in ("1/3", Fraction(1, 3))]
    assert third == [-4, -4]  # -7 + floor(10/3)
    assert book([(1, -2)], [(1, -7)]).price == -5  # -7 + floor(5/2)


@pytest.mark.parametrize(
    ("tie_rule", "expected"),
    [("pro_rata", [1, 3, 6]), ("time", [0, 7, 3]), ("equal_share", [2, 4, 4])],
)
def test_tie_rules(tie_rule: str, expected: list[int]) -> None:
    # 10 of 21: pro rata 0.95, 3.33, 5.71; in order of arrival 7 and 3; a level of 4 Wh
    energy = [2, 7, 12]
    result = clear(
        [0, 0, 0, 1], [5, 5, 5, 9], [*energy, 10], tie_rule=tie_rule, sequence=[9, 3, 4, 0]
    )
    assert result.accepted.tolist() == [*expected, 10]


def test_priority_comes_before_the_tie_rule() -> None:
    for tie_rule in TIE_RULES:
        utility_last = clear(
            [0, 0, 1], [5, 5, 9], [10, 10, 12], tie_rule=tie_rule, priority=[1, 0, 0]
        )
        assert utility_last.accepted.tolist() == [2, 10, 12]
        three = clear(
            [0, 0, 0, 1], [5, 5, 5, 9], [4, 4, 4, 6], tie_rule=tie_rule, priority=[7, 0, 2, 0]
        )
        assert three.accepted.tolist() == [0, 4, 2, 6]


def test_an_empty_book_and_an_all_equal_one() -> None:
    for empty in ([], (), np.empty(0, np.int64), np.empty(0)):
        result = clear(empty, empty, empty)
        assert (result.volume, result.price, result.case) == (0, None, Case.NONE)
        assert result.accepted.shape == result.pays.shape == (0,)
    for side in (0, 1):
        assert clear([side] * 3, [5] * 3, [1] * 3).case is Case.NONE


def test_array_likes_give_the_same() -> None:
    side, price, energy = [1, 0, 0], [9, 4, 5], [10, 6, 7]
    expected = clear(side, price, energy).figures
    locked = np.array(price)
    locked.flags.writeable = False
    for kind in (tuple, np.array, lambda v: np.array(v, np.int32), lambda v: np.array(v, object)):
        assert (clear(kind(side), kind(price), kind(energy)).figures == expected).all()
    strided = np.repeat(np.array(energy), 2)[::2]
    assert (clear(np.array(side, np.uint8), locked, strided).figures == expected).all()
    assert (clear([np.int8(1), Side.SELL, 0], price, energy).figures == expected).all()


def test_the_inputs_are_not_touched_and_the_result_is_read_only_by_name() -> None:
    columns = [np.array([1, 0]), np.array([9, 4]), np.array([10, 6])]
    before = [column.copy() for column in columns]
    result = clear(*columns)
    assert all((now == then).all() for now, then in zip(columns, before, strict=True))
    with pytest.raises(AttributeError):
        result.figures = before[0]
    assert "volume=6, price=9" in repr(result)


OK = {"side": [1, 0], "price": [9, 4], "energy": [10, 6]}


def test_bools_are_not_mistaken_for_cached_integers() -> None:
    clear(**OK, price_rule=1, seed=1)
    with pytest.raises(InputError, match="bool"):
        clear(**OK, price_rule=True, seed=1)
    with pytest.raises(InputError, match="bool"):
        clear(**OK, price_rule=1, seed=True)


def test_self_crossing_is_refused_naming_both_offers() -> None:
    with pytest.raises(
        InputError, match=r"'b' crosses itself: it sells at 4 \(offer 1\) and buys "
    ):
        clear([0, 0, 1, 1], [9, 4, 3, 4], [1, 1, 1, 1], organization=["a", "b", "a", "b"])
    with pytest.raises(InputError, match=r"organization 7 .*offer 0.*offer 1"):
        clear([0, 1], [4, 5], [1, 1], organization=np.array([7, 7]))
    for organization in (["a", "b"], [3, 4], np.array([1, 0])):
        assert clear([0, 1], [4, 5], [1, 1], organization=organization).volume == 1
    assert clear([0, 1], [6, 5], [1, 1], organization=[1, 1]).volume == 0


def test_sums_that_could_wrap_are_refused() -> None:
    n = PRODUCT_CAP // (ENERGY_CAP * PRICE_CAP)
    side = np.arange(n + 1) % 2
    energy = np.full(n + 1, ENERGY_CAP)
    limit = np.full(n + 1, PRICE_CAP)
    with pytest.raises(InputError, match="split it"):
        clear(side, limit, energy)
    with pytest.raises(InputError, match="split it"):  # energies alone: pro rata squares them
        clear(side, limit * 0, energy)
    most = clear(side[:n], limit[:n], energy[:n])
    assert most.volume == n // 2 * ENERGY_CAP and most.pays.sum() == 0
    assert most.pays.max() == ENERGY_CAP * PRICE_CAP
    rationed = clear(1 - (np.arange(n) > 0), limit[:n], energy[:n])
    assert rationed.volume == ENERGY_CAP and (rationed.accepted >= 0).all()


def test_constants_equal_the_caps() -> None:
    assert (merit_order._ENERGY_LIMIT, merit_order._PRICE_LIMIT) == (ENERGY_CAP, PRICE_CAP)
    assert merit_order._PRODUCT_LIMIT == PRODUCT_CAP


def test_any_registered_mechanism_clears_through_the_batch(monkeypatch: Any) -> None:
    seen = {}

    def spy(books: Any, rules: Rules, outcome: Any, first: int, last: int) -> None:
        seen.update(books._asdict())
        clear_books(books, rules, outcome, first, last)

    entries = {**MECHANISMS._entries, "spy": Mechanism("spy", spy, True, "x", ("retail",))}
    monkeypatch.setattr(MECHANISMS, "_entries", entries)
    public._cached_rules.cache_clear()
    rng = np.random.default_rng(4)
    for tie_rule in TIE_RULES:
        offers = rng.integers(0, 2, 9), rng.integers(0, 4, 9), rng.integers(1, 9, 9)
        for more in ({}, {"priority": [0, 1, 0] * 3, "sequence": rng.permutation(9)}):
            direct = clear(*offers, tie_rule=tie_rule, seed=3, **more)
            batch = clear(*offers, "spy", tie_rule=tie_rule, seed=3, retail=1, **more)
            assert (direct.figures == batch.figures).all()
    clear([0, 1], [4, 3], [1, 1], "spy", organization=["z", "y"], retail=1)
    assert seen["owner"].tolist() == [[1, 0]] and seen["sequence"].tolist() == [[0, 1]]
    with pytest.raises(UnknownNameError, match="retail"):
        clear([0, 1], [4, 3], [1, 1], "spy", retial=2)
    with pytest.raises(InputError, match="'spy' needs the keyword retail"):
        clear([0, 1], [4, 3], [1, 1], "spy")
    for wrong in (0.3, True, PRICE_CAP + 1):
        with pytest.raises(InputError, match="retail must be"):
            clear([0, 1], [4, 3], [1, 1], "spy", retail=wrong)
    assert seen["tariffs"].tolist() == [[1, 0, 0, 0]]
    public._cached_rules.cache_clear()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_reasons_are_those_of_a_round(mechanism: str) -> None:
    """And `to_beat` is what decides between MARGINAL and OUT_OF_THE_MONEY."""
    rng = np.random.default_rng(4)
    kind = MECHANISMS[mechanism]
    rules = Rules(mechanism, utility=None)
    tariffs = {commodity: Tariffs(30, 8, 40, 0) for commodity in Commodity}
    needs = dict(zip(kind.needs, (30, 8), strict=True)) if kind.needs else {}
    seen: set[int] = set()
    for _ in range(40):
        capability = Capability()
        n = int(rng.integers(1, 9))
        members = [Organization(f"m{i}") for i in range(n)]
        market = MarketController(members, capability, rules=rules, tariffs=tariffs)
        side, price = rng.integers(0, 2, n), rng.integers(5, 12, n)
        energy = rng.integers(1, 4, n)
        for i in range(n):
            market.submit(
                Offer(f"m{i}", Side(side[i]), Commodity.ELECTRICITY, int(energy[i]), int(price[i]))
            )
        book = market.close_round(capability).electricity
        result = clear(side, price, energy, mechanism, organization=list(range(n)), **needs)
        assert book.accepted.tolist() == result.accepted.tolist()
        assert result.reasons.tolist() == book.reason.tolist()
        seen.update(result.reasons.tolist())
        if result.to_beat is None:
            assert result.price is None
            continue
        for i in np.flatnonzero(result.accepted == 0):
            bid, ask = result.to_beat
            worse = price[i] < bid if side[i] else price[i] > ask
            assert (result.reasons[i] == Reason.OUT_OF_THE_MONEY) == worse
    assert Reason.FILLED in seen and len(seen) >= 2


def test_reasons_outlive_the_caller_s_arrays_and_name_unmet_wishes() -> None:
    side, price, energy = np.array([0, 0, 1, 1]), np.array([3, 8, 9, 4]), np.array([1, 1, 1, 1])
    result = clear(side, price, energy)
    side[:], price[:], energy[:] = 0, 0, 9
    assert result.to_beat == (6, 6)
    assert result.reasons.tolist() == [1, 3, 1, 3]
    dropped = clear([1, 1, 0, 0], [22, 9, 8, 18], [10] * 4, "trade_reduction")
    assert dropped.to_beat is None and dropped.reasons.tolist() == [3] * 4
    dear = clear([1, 1, 1, 0, 0], [22, 15, 20, 8, 18], [10] * 5, "trade_reduction")
    assert dear.to_beat == (20, 18)
    assert dear.reasons.tolist() == [1, 3, 2, 1, 2]  # the last deal was dropped
    wish = clear([0, 1, 1], [3, 9, 9], [5] * 3, "preference", attributes=[0, 2, 0])
    assert wish.reasons.tolist() == [Reason.FILLED, Reason.PREFERENCE_UNMET, Reason.FILLED]
    assert clear([], [], []).reasons.tolist() == []
