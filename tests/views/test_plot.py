import sys
from collections import deque

import numpy as np
import pytest
from matplotlib.image import imread
from oracles.rounds import rounds
from views.hand_made import NAMES, NOON, book, cleared_electricity, hand_made

from decent_gym.errors import InputError, MissingExtraError
from decent_gym.models import Case, Side
from decent_gym.views.plot import plot_rounds
from decent_gym.views.series import MOST_STEPS, MarketSeries, utility_index


def many(count, skip=()):
    return [hand_made(k, NOON + 900 * k) for k in range(count) if k not in skip]


@pytest.mark.parametrize("count", [1, 2, 96, 2_688])
def test_pictures_have_one_size(tmp_path, count):
    path = plot_rounds(many(count), NAMES, tmp_path / "week.png")
    image = imread(path)
    assert image.shape == (1000, 1200, 4)
    for edge in (image[:8], image[-8:], image[:, :8], image[:, -8:]):
        assert (edge == 1).all()


def test_a_deque_of_random_rounds_and_a_title_with_dollars(tmp_path):
    names = [f"b{i}" for i in range(5)]
    path = str(tmp_path / "RANDOM.PNG")
    assert plot_rounds(deque(rounds(30)), names, path, title="$5 and $_x").name == "RANDOM.PNG"


@pytest.mark.parametrize("unserved", [0, 400])
def test_equal_rounds_give_equal_bytes(tmp_path, unserved):
    record = [hand_made(unserved=unserved)]
    one = plot_rounds(record, NAMES, tmp_path / "one.png").read_bytes()
    two = plot_rounds(record, NAMES, tmp_path / "two.png").read_bytes()
    assert one == two


def test_what_is_plotted_shows(tmp_path):
    variants = {
        "traded": [hand_made()],
        "empty": [hand_made(books=(book(), book()))],
        "unserved": [hand_made(unserved=400)],
        "no utility": [hand_made(books=(book(), book()))],
    }
    bytes_of = {
        name: plot_rounds(record, NAMES[:3] if name == "no utility" else NAMES, tmp_path / "a.png")
        .read_bytes()
        for name, record in variants.items()
    }  # fmt: skip
    assert len(set(bytes_of.values())) == len(variants)


def test_mistakes_are_named_before_anything_is_written(tmp_path):
    path = tmp_path / "plot.png"
    with pytest.raises(InputError, match="got none"):
        plot_rounds([], NAMES, path)
    with pytest.raises(InputError, match=r"round 0 stands at place 3"):
        plot_rounds([*many(3), *many(2)], NAMES, path)
    with pytest.raises(InputError, match=r"'\.png'"):
        plot_rounds(many(1), NAMES, tmp_path / "plot.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"plotting rounds needs matplotlib.*\[plot"):
        plot_rounds(many(1), NAMES, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_pyplot_is_left_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot_rounds(many(3), NAMES, tmp_path / "a.png")
    assert dict(matplotlib.rcParams) == before
    assert (
        "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    )


# -- the series --------------------------------------------------------------------------------


def test_series_of_one_round():
    series = MarketSeries.of([hand_made(unserved=400)], NAMES)
    assert series.edges.tolist() == [NOON, NOON + 900]
    assert series.group == 1
    assert series.utility
    assert series.price[0].tolist() == [0.25]
    assert np.isnan(series.price[1]).all()
    assert series.retail[:, 0].tolist() == [0.35, 0.16]
    assert series.feed_in[:, 0].tolist() == [0.08, 0]
    assert series.volume[:, 0].tolist() == [2, 0]
    assert series.drawn[:, 0].tolist() == [2.1, 0.3]
    assert series.fed_in[:, 0].tolist() == [2, 0]
    assert series.net[:, 0] == pytest.approx([0.1, 0.3])
    assert series.unserved.tolist() == [0.4]


def test_the_utility_is_no_member():
    metered = [[1_000, 0], [0, 0], [0, 0], [-1_000, 0], [0, 0], [0, 0], [0, 0]]
    for books in (None, (book(), book())):  # known by its quotes, or by its name
        series = MarketSeries.of([hand_made(metered=metered, books=books)], NAMES)
        assert series.fed_in[0].tolist() == [0]
        assert series.net[0].tolist() == [1]
    nobody = MarketSeries.of([hand_made(metered=metered, books=(book(), book()))], "abcd")
    assert not nobody.utility
    assert nobody.net[0].tolist() == [0]
    assert utility_index([hand_made()], "abcd") == 3


def test_gaps_stay_empty():
    series = MarketSeries.of(many(6, skip=(2, 3)), NAMES)
    starts = (series.edges - NOON) / 900
    assert starts.tolist() == [0, 1, 2, 4, 5, 6]
    assert np.isnan(series.volume[0]).tolist() == [False, False, True, False, False]


def test_long_series_are_means_of_neighbours():
    count = MOST_STEPS + 3
    other = book(
        [(1, Side.SELL, 100_000, 6_000, 0, 6_000, 1), (0, Side.BUY, 100_000, 6_000, 0, 6_000, 1)],
        6_000,
        (100_000, 100_000, 100_000),
        Case.EXACT,
    )
    records = many(count)
    records[1] = hand_made(1, NOON + 900, (other, book()))
    series = MarketSeries.of(records, NAMES)
    assert series.group == 2
    assert series.volume.shape == (2, count // 2 + 1)
    assert series.edges[[0, 1, -1]].tolist() == [NOON, NOON + 1800, NOON + 900 * count]
    assert series.volume[0, :2].tolist() == [4, 2]
    assert series.price[0, 0] == pytest.approx((0.25 * 2 + 0.1 * 6) / 8)
    assert series.price_low[0, 0] == 0.1
    assert series.price_high[0, 0] == 0.25
    assert series.drawn[0, -1] == 2.1


def test_a_round_without_trade_does_not_drag_the_price():
    records = many(MOST_STEPS + 1)
    records[0] = hand_made(0, NOON, (book(), book()))
    series = MarketSeries.of(records, NAMES)
    assert series.price[0, 0] == series.price_low[0, 0] == 0.25
    assert series.volume[0, 0] == 1
    assert cleared_electricity().volume == 2_000
