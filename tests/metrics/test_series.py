"""Series: rounds as arrays, and whether their money closes."""

import dataclasses

import numpy as np
import pytest
from oracles.forger import edited
from oracles.tiny import tiny_round

from decent_gym.errors import InputError
from decent_gym.metrics import (
    balances,
    bought,
    drawn,
    exchange,
    fed_in,
    money_by_kind,
    peak_kw,
    series_of,
    sold,
    turnover,
    volume,
)
from decent_gym.models import Commodity

NAMES = ("a", "grid")


def test_tiny_round_by_hand():
    # organization a buys 900 Wh at 0.30 EUR/kWh, draws 1,000 Wh and pays 0.40 for the missing 100
    series = series_of([tiny_round()], NAMES, utility=1)
    assert series.rounds == 1
    assert series.members.tolist() == [0]
    assert bought(series).tolist() == [[0.9, 0], [0, 0]]
    assert sold(series).tolist() == [[0, 0], [0.9, 0]]
    assert drawn(series).tolist() == [[1.0, 0], [0, 0]]
    assert fed_in(series).tolist() == [[0, 0], [0.9, 0]]
    assert volume(series).tolist() == [0.9, 0]
    assert exchange(series, Commodity.ELECTRICITY).tolist() == [1000]
    assert peak_kw(series, Commodity.ELECTRICITY) == 4.0
    assert turnover(series) == 0.27
    assert balances(series).tolist() == [-0.31, 0.27, 0, 0, 0.04]
    assert money_by_kind(series)[0].tolist() == [-0.27, 0.27, 0, 0, 0]
    assert series.closes()


def test_peak_of_a_district_that_only_feeds_out_is_zero():
    record = tiny_round()
    series = series_of([dataclasses.replace(record, metered=-record.metered)], NAMES, utility=1)
    assert exchange(series, Commodity.ELECTRICITY).tolist() == [-1000]
    assert peak_kw(series, Commodity.ELECTRICITY) == 0


@pytest.mark.parametrize("field", ["money", "accounts"])
def test_a_nano_euro_too_much_does_not_close(field):
    record = tiny_round()
    values = getattr(record, field).copy()
    values.flat[0] += 1
    assert not series_of([edited(record, **{field: values})], NAMES).closes()


def test_accounts_that_do_not_add_up_the_money_do_not_close():
    record = tiny_round()
    assert series_of([record, edited(record, accounts=2 * record.accounts)], NAMES).closes()
    assert not series_of([record, edited(record, accounts=3 * record.accounts)], NAMES).closes()


def test_nothing_to_measure():
    with pytest.raises(InputError, match="nothing to measure"):
        series_of([], NAMES)


def test_other_organizations():
    with pytest.raises(InputError, match="5 accounts do not belong to 1 organizations"):
        series_of([tiny_round()], ("a",))


def test_price_is_masked_by_volume():
    series = series_of([tiny_round()], NAMES)
    assert series.price.tolist() == [[300_000, 0]]
    assert np.flatnonzero(series.volume[0]).tolist() == [Commodity.ELECTRICITY]
