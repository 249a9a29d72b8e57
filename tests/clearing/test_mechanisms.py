"""Every mechanism against its definition, and what must hold for all of them."""

import doctest
import importlib

import numpy as np
import pytest
from oracles.both_ways import told_both_ways
from oracles.mechanisms import INPUTS, ORACLES, oracle_of

from decent_gym.clearing import HARD, MECHANISMS, Books, Rules, clear, totals
from decent_gym.errors import InputError
from decent_gym.models import Case, Side
from decent_gym.testing import check_mechanism, cleared, random_books

OTHERS = sorted(set(MECHANISMS) - {"merit_order"})
PRICE_TAKING = {"mid_market_rate", "supply_demand_ratio", "bill_sharing"}
ALONE = PRICE_TAKING | {
    *("mcafee", "trade_reduction", "trade_reduction_sbb", "sbba", "vcg", "muda", "huang")
}
DROPPING = {"mcafee", "trade_reduction", "trade_reduction_sbb", "sbba", "huang"}


def test_every_mechanism_has_an_oracle() -> None:
    assert sorted(ORACLES) == sorted(MECHANISMS)


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_every_law_and_the_oracle(mechanism: str) -> None:
    """As anybody checks a mechanism; `python -m benchmarks.check_mechanisms` does it at length."""
    report = check_mechanism(
        mechanism, books=8_000, lies=6_000, oracle=oracle_of(mechanism),
        inputs=INPUTS.get(mechanism),
    )  # fmt: skip
    kind = MECHANISMS[mechanism]
    assert report.laws["oracle"] > 8_000 + 35**2 and report.traded > 0.15
    assert (report.limits_passed > 0.1) == (not kind.respects_limits)
    assert (report.harmful_lies > 500) == bool(kind.truthful)  # the checks see what lying costs


def test_kinds_of_mechanism() -> None:
    """The claims that the tests below rest on."""
    alone = {name for name in MECHANISMS if MECHANISMS[name].members_only}
    assert alone == ALONE & set(MECHANISMS)
    assert {n for n in MECHANISMS if not MECHANISMS[n].respects_limits} == PRICE_TAKING & set(
        MECHANISMS
    )
    assert all(MECHANISMS[name].name == name and MECHANISMS[name].summary for name in MECHANISMS)
    assert [name for name in MECHANISMS if MECHANISMS[name].uniform] == ["merit_order"]


@pytest.mark.parametrize("mechanism", sorted(ALONE & set(MECHANISMS)))
def test_the_utility_in_the_book_is_refused_with_the_remedy(mechanism: str) -> None:
    with pytest.raises(InputError, match=f"'{mechanism}' must clear .* write utility='residual'"):
        Rules(mechanism)
    for utility in ("residual", None):
        assert Rules(mechanism, utility=utility).mechanism == mechanism
    for open_to_all in ("pay_as_bid", "continuous_double_auction", "preference"):
        assert Rules(open_to_all).utility == "book"


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_no_mechanism_declares_a_surplus_that_it_never_has(mechanism: str) -> None:
    books = random_books(np.random.default_rng(5), 2_000, 12)
    surplus = cleared(mechanism, books).surplus
    expected = {"balanced": {0}, "surplus": {0, 1}, "deficit": {-1, 0}}
    assert set(np.sign(surplus).tolist()) == expected[MECHANISMS[mechanism].budget]


def test_the_laws_hold_with_wishes_too() -> None:
    def inputs(rng: np.random.Generator, books: Books) -> Books:
        shape = books.side.shape
        return books._replace(
            attributes=rng.integers(0, 4, shape),
            premium=np.full(shape, HARD),
            partner=np.full(shape, -1),
        )

    report = check_mechanism("preference", books=4_000, inputs=inputs)
    assert report and report.traded > 0.1


def test_without_the_compiler_too() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from decent_gym.testing import random_books\n"
        "from decent_gym.clearing import MECHANISMS, Outcome, Rules\n"
        "books = random_books(np.random.default_rng(1), 25, 8)\n"
        "for name in MECHANISMS:\n"
        "    outcome = Outcome.empty(25, 8)\n"
        "    rules = Rules(name, utility=None, tie_rule='random')\n"
        "    MECHANISMS[name].clear(books, rules, outcome, 0, 25)\n"
        "    print(name, hashlib.sha256(b''.join(map(bytes, outcome))).hexdigest())\n"
    )
    told = told_both_ways(code)
    assert told[0] == told[1] and told[0].count("\n") == len(MECHANISMS)


@pytest.mark.parametrize("mechanism", OTHERS)
def test_empty_one_sided_and_all_equal_books(mechanism: str) -> None:
    needs = dict(zip(MECHANISMS[mechanism].needs, (9, 1), strict=False))
    for side in ([], [0], [1], [0, 0, 0], [1, 1, 1]):
        n = len(side)
        result = clear(side, [5] * n, [1] * n, mechanism, **needs)
        assert (result.volume, result.price, result.case) == (0, None, Case.NONE)
        assert result.pays.tolist() == result.accepted.tolist() == [0] * n
        assert np.isnan(result.prices).all() and result.surplus == 0
    equal = clear([0, 0, 0, 1, 1, 1], [5] * 6, [2] * 6, mechanism, **needs)
    assert equal.volume == (4 if mechanism in DROPPING else 6)
    assert equal.limits_passed == 0 or mechanism in PRICE_TAKING


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_prices_per_offer(mechanism: str) -> None:
    needs = dict(zip(MECHANISMS[mechanism].needs, (9, 1), strict=False))
    result = clear([1, 1, 1, 0, 0, 0], [9, 8, 2, 1, 3, 7], [3, 2, 4, 2, 2, 2], mechanism, **needs)
    assert result.volume > 0
    paid = result.pays * np.array([1, 1, 1, -1, -1, -1])
    taken = result.accepted > 0
    assert np.allclose(result.prices[taken] * result.accepted[taken], paid[taken])
    assert np.isnan(result.prices[~taken]).all()
    assert result.price_low <= np.nanmin(result.prices) <= result.price
    assert result.price <= np.nanmax(result.prices) <= result.price_high


@pytest.mark.parametrize("mechanism", OTHERS)
def test_the_worked_example_of_the_docstring(mechanism: str) -> None:
    module = importlib.import_module(f"decent_gym.clearing.{mechanism}")
    assert all(word in module.__doc__ for word in ("Source:", ">>> "))
    found = doctest.testmod(module)
    assert found.attempted >= 2 and found.failed == 0


def test_constants_equal_the_enums() -> None:
    assert list(Case) == [totals._NONE, totals._EXACT, totals._MARGINAL_SELL, totals._MARGINAL_BUY]
    for name in ("totals", "ranking", "price_taking", *OTHERS):
        module = importlib.import_module(f"decent_gym.clearing.{name}")
        for side in Side:
            assert getattr(module, f"_{side.name}", side) == side
