"""Rules side by side: every figure by its plain definition, intervals by drawing days again."""

import numpy as np
import pytest
from oracles import book_sets as oracle

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.metrics import (
    RETAILER_ONLY,
    best_welfare,
    compare,
    gini,
    herfindahl,
    jain,
    limits_passed,
    marginal_markup,
    rules_for,
    savings,
    surplus,
    units_of,
    welfare,
    withheld,
)
from decent_gym.metrics.bootstrap import resampled_weights
from decent_gym.replay import BookSet

NAMES = ("merit_order", "pay_as_bid", "mcafee", "mid_market_rate")
BUY = oracle.BUY


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "utility"])
def book_set(request):
    return oracle.random_set(3, utility=request.param)


def rules(book_set, names=NAMES):
    like = Rules(utility=None if book_set.utility is None else "book")
    return {name: rules_for(name, like) for name in names}


@pytest.fixture(scope="module")
def found(book_set):
    return compare(book_set, rules(book_set), unit="round", seed=4)


def gains(book_set, cleared, rows):
    """The figures of any set of books, in plain words."""
    members = book_set.members
    total = welfare(book_set, cleared)[rows].sum()
    best = best_welfare(book_set)[rows].sum()
    own, saved = surplus(book_set, cleared)[rows], savings(book_set, cleared)[rows][:, members]
    utility = 0 if book_set.utility is None else own[:, book_set.utility].sum()
    operator = cleared.outcome.surplus[rows].sum()
    used = np.array([bool(oracle.orders(book_set, cleared, b)) for b in rows])
    used &= np.array([any(row[4] for row in oracle.orders(book_set, cleared, b)) for b in rows])
    shares = saved.sum(axis=0)
    return {
        "efficiency": total / best,
        "welfare_eur": total / 1e9,
        "best_welfare_eur": best / 1e9,
        "members_eur": own[:, members].sum() / 1e9,
        "savings_eur": saved.sum() / 1e9,
        "utility_eur": utility / 1e9,
        "network_eur": (total - operator - utility - own[:, members].sum()) / 1e9,
        "operator_eur": operator / 1e9,
        "gini": gini(shares),
        "jain": jain(shares),
        "irrational_books": (limits_passed(book_set, cleared)[rows] > 0)[used].mean(),
        "withheld_kwh": withheld(book_set, cleared)[rows].sum() / 1e3,
    }


def prices(book_set, cleared, rows):
    """The figures of the books of one commodity."""
    outcome, tariffs = cleared.outcome, book_set.books.tariffs
    traded = [b for b in rows if outcome.volume[b]]
    price, volume = outcome.price[traded] / 1e6, outcome.volume[traded]
    at = {k: sum(outcome.price[b] == tariffs[b, k] for b in traded) for k in (0, 1)}
    both = sum(tariffs[b, 0] == tariffs[b, 1] == outcome.price[b] for b in traded)
    paid = earned = bought = sold = local = handled = 0
    sales = dict.fromkeys(book_set.members.tolist(), 0)
    for b in rows:
        inside = 0
        for i, row in enumerate(oracle.orders(book_set, cleared, b)):
            owner, side, _, _, _, accepted, pays = row
            if owner == book_set.utility:
                inside += accepted
                continue
            handled += accepted
            if side == BUY:
                paid, bought = paid + pays, bought + accepted
            else:
                earned, sold = earned - pays, sold + accepted
                sales[owner] += accepted
            assert cleared.inside[b, i] <= accepted
        local += 2 * (outcome.volume[b] - inside)
    markup = marginal_markup(book_set, cleared)
    rated = [b for b in rows if not np.isnan(markup[b])]
    return {
        "price": (price * volume).sum() / volume.sum() if traded else None,
        "paid": paid / bought / 1e6 if bought else None,
        "earned": earned / sold / 1e6 if sold else None,
        "volatility": price.std() if traded else None,
        "at_retail": at[0] / len(rows),
        "at_feed_in": (at[1] - both) / len(rows),
        "no_trade": 1 - len(traded) / len(rows),
        "local_share": local / handled if handled else None,
        "herfindahl": herfindahl(list(sales.values())),
        "lerner": np.average(markup[rated], weights=outcome.volume[rated])
        if outcome.volume[rated].sum()
        else None,
    }


@pytest.mark.parametrize("at", range(len(NAMES) + 1), ids=[RETAILER_ONLY, *NAMES])
def test_figures_by_definition(at, book_set, found):
    measured = found[at]
    scopes = {"all": np.arange(len(book_set))}
    for kind, scope in enumerate(("electricity", "heat")):
        scopes[scope] = np.flatnonzero(book_set.commodity == kind)
    assert list(measured.figures) == list(scopes)
    for scope, rows in scopes.items():
        expected = gains(book_set, measured.cleared, rows)
        if scope != "all":
            expected |= prices(book_set, measured.cleared, rows)
        values = {name: figure.value for name, figure in measured.figures[scope].items()}
        assert values == {
            name: value if value is None else pytest.approx(float(value), abs=1e-12)
            for name, value in expected.items()
        }


def test_retailer_only_gains_nothing(found):
    assert found[0].name == RETAILER_ONLY
    assert found[0].utility is None
    assert found[0].microseconds is None
    assert not any(found[0].savings_eur.values())


def test_members_add_up(book_set, found):
    for measured in found:
        figures = measured.figures["all"]
        assert sum(measured.savings_eur.values()) == pytest.approx(figures["savings_eur"].value)
        assert sum(measured.surplus_eur.values()) == pytest.approx(figures["members_eur"].value)
        assert list(measured.savings_eur) == [book_set.names[n] for n in book_set.members]
        if measured.name != RETAILER_ONLY:
            assert measured.microseconds > 0


def test_intervals_are_of_days_drawn_again():
    book_set = oracle.random_set(3)
    days = BookSet(
        book_set.books, book_set.value, 48 * np.arange(len(book_set)), book_set.commodity,
        book_set.names,
    )  # fmt: skip
    (_, measured) = compare(days, rules(days, ["merit_order"]), unit="day", seed=11)
    day = units_of(days, "day")
    assert day.tolist() == [b // 2 for b in range(len(days))]
    total, best = welfare(days, measured.cleared), best_welfare(days)
    drawn = []
    for weight in resampled_weights(int(day.max()) + 1, 11):
        rows = np.concatenate(
            [np.flatnonzero(day == d) for d in np.repeat(range(75), weight.astype(int))]
        )
        drawn.append(total[rows].sum() / best[rows].sum())
    low, high = np.quantile(drawn, (0.025, 0.975))
    figure = measured.figures["all"]["efficiency"]
    assert (figure.low, figure.high) == pytest.approx((low, high))
    assert low < figure.value < high


def test_no_interval_from_one_day(book_set):
    for measured in compare(book_set, rules(book_set, ["merit_order"]), unit="day")[1:]:
        assert units_of(book_set, "day").max() == 1  # 150 rounds
        assert measured.figures["all"]["efficiency"].low is not None
    first = np.zeros(len(book_set), np.int64)
    one = BookSet(
        book_set.books, book_set.value, first, book_set.commodity, book_set.names,
        book_set.utility,
    )  # fmt: skip
    (_, measured) = compare(one, rules(one, ["merit_order"]), unit="day")
    assert {(f.low, f.high) for f in measured.figures["all"].values()} == {(None, None)}


def test_seed_decides_the_intervals(book_set):
    def figures(seed):
        return compare(book_set, rules(book_set, ["vcg"]), unit="book", seed=seed)[1].figures

    assert figures(1) == figures(1)
    assert figures(1) != figures(2)


def test_rules_are_taken_over():
    like = Rules("pay_as_bid", "1/3", "time", 7, "book")
    assert rules_for("merit_order", like) == Rules("merit_order", "1/3", "time", 7, "book")
    assert rules_for("vcg", like) == Rules("vcg", "1/3", "time", 7, "residual")
    assert rules_for("vcg", Rules(utility=None)).utility is None
    own = rules_for("merit_order:price_rule=0,tie_rule=random", like)
    assert own == Rules("merit_order", 0, "random", 7, "book")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("merit_ordr", "did you mean 'merit_order'"),
        ("merit_order:price=0", "did you mean 'price_rule'"),
        ("merit_order:tie_rule=tiem", "did you mean 'time'"),
        ("merit_order:price_rule", "unknown price rule"),
    ],
)
def test_misspelt_rules_are_named(text, words):
    with pytest.raises(UnknownNameError, match=words):
        rules_for(text, Rules())


def test_bad_input(book_set):
    with pytest.raises(UnknownNameError, match="did you mean 'day'"):
        compare(book_set, rules(book_set), unit="dya")
    if book_set.utility is None:
        with pytest.raises(InputError, match="these books have none"):
            compare(book_set, {"x": Rules(utility="residual")}, unit="book")


def test_every_mechanism_and_progress(book_set):
    seen = []
    found = compare(book_set, rules(book_set, MECHANISMS), unit="round", on_rules=seen.append)
    assert [measured.name for measured in found[1:]] == list(MECHANISMS)
    assert seen == list(range(1, len(MECHANISMS) + 1))
    for measured in found[1:]:
        expected = "book" if not MECHANISMS[measured.name].members_only else "residual"
        assert measured.utility == (None if book_set.utility is None else expected)
