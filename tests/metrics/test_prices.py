"""Price statistics by hand."""

import dataclasses

import pytest
from oracles.tiny import tiny_round

from decent_gym.metrics import price_statistics, series_of
from decent_gym.models import Commodity

NAMES = ("a", "grid")


def priced(price, volume):
    record = tiny_round()
    book = dataclasses.replace(record.electricity, price=price, volume=volume)
    return dataclasses.replace(record, books=(book, record.heat))


def statistics(*pairs):
    series = series_of([priced(*pair) for pair in pairs], NAMES)
    return price_statistics(series, Commodity.ELECTRICITY)


def test_by_hand():
    # retail 0.30, feed-in 0.08
    found = statistics((300_000, 1000), (80_000, 3000), (100_000, 1000), (None, 0))
    assert found.mean == pytest.approx(0.16)
    assert found.weighted_mean == pytest.approx((0.3 + 3 * 0.08 + 0.1) / 5)
    assert (found.low, found.high) == (0.08, 0.3)
    assert found.volatility == pytest.approx((((0.14**2) + 0.08**2 + 0.06**2) / 3) ** 0.5)
    assert found.at_retail == found.at_feed_in == found.between == found.no_trade == 0.25


def test_no_trade_has_no_price():
    found = statistics((None, 0), (None, 0))
    assert found.mean is found.weighted_mean is found.low is found.high is found.volatility is None
    assert found.no_trade == 1


def test_price_zero_is_a_price():
    found = statistics((0, 10), (None, 0))
    assert found.mean == found.weighted_mean == 0
    assert (found.between, found.no_trade) == (0.5, 0.5)


def test_one_micro_euro_off_retail_is_between():
    assert statistics((299_999, 1)).between == 1
    assert statistics((300_000, 1)).at_retail == 1


def test_one_price_for_both_ways_counts_as_retail():
    record = priced(300_000, 5)
    tariffs = record.tariffs.copy()
    tariffs[0, 1] = 300_000
    series = series_of([dataclasses.replace(record, tariffs=tariffs)], NAMES)
    found = price_statistics(series, Commodity.ELECTRICITY)
    assert (found.at_retail, found.at_feed_in, found.between) == (1, 0, 0)
