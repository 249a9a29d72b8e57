import dataclasses
import sys

import numpy as np
import pytest
from oracles.rounds import rounds
from views.hand_made import ELECTRICITY, HUGE, NAMES, STATE, book, hand_made

from decent_gym.errors import InputError, MissingExtraError, UnknownNameError
from decent_gym.models import Case, Reason, Side
from decent_gym.views.merit import MeritSteps, energy_range, nice_ceiling, price_range
from decent_gym.views.render import RENDER_MODES, render_round

GOLDEN = """\
round 5   Mon 2016-07-04 11:00 UTC                                                             house
────────────────────────────────────────────────────────────────────────────────────────────────────
book               kWh   EUR/kWh  valid prices        feed-in .. retail  accepted  case
electricity      2.000    0.2500  [0.2500, 0.2500]    0.0800 .. 0.3500     3 of 6  marginal sell
heat             0.000         -  -                   0.0000 .. 0.1600     0 of 0  none
────────────────────────────────────────────────────────────────────────────────────────────────────
own offers                 kWh  limit EUR/kWh  accepted kWh     pays EUR  reason
  electricity BUY        2.000         0.3500         2.000       0.5000  filled
  electricity BUY        1.000         0.1000         0.000       0.0000  out of the money
────────────────────────────────────────────────────────────────────────────────────────────────────
energy kWh  electricity +2.000 traded, +2.100 metered; heat +0.000 traded, +0.000 metered
money EUR   -0.5400 = trade -0.5000 imbalance -0.0400 fuel +0.0000 fee +0.0000
account     +1.4600 EUR; 0.300 kWh of heat unserved
score           -0.5000 EUR
battery         ███████████████░░░░░░░░░░░░░░░  50.0 %
thermal store   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0.0 %"""

BLUE, VERMILION, YELLOW = (0, 114, 178), (213, 94, 0), (240, 228, 66)


def picture(record, learner="house", names=NAMES, state=STATE):
    return render_round(record, names, learner, state, "rgb_array")


def has(image, colour):
    return bool((image == colour).all(axis=-1).any())


def crowded(orders=40):
    """A book in which one organization has more offers than there are lines."""
    rows = [(0, Side.BUY, 1_000 * i, 100, 0, 0, Reason.OUT_OF_THE_MONEY) for i in range(orders)]
    return hand_made(books=(book(rows), book()))


def separate(line):
    """Whether no two figures of the line touch."""
    return all(
        part.count(".") <= 1 for part in line.replace(" .. ", " ").split() if part[-1].isdigit()
    )


def extreme():
    """Every figure as large as the caps allow."""
    rows = [(0, Side.SELL, -HUGE, HUGE, 0, HUGE, Reason.FILLED),
            (3, Side.BUY, HUGE, HUGE, 1, HUGE, Reason.FILLED)]  # fmt: skip
    both = book(rows, HUGE, (-HUGE, 0, HUGE), Case.EXACT)
    return hand_made(books=(both, both), unserved=HUGE)


def test_text_of_a_round_made_by_hand():
    assert render_round(hand_made(unserved=300), NAMES, "house", STATE, "ansi") == GOLDEN


@pytest.mark.parametrize("record", [hand_made(), crowded(), extreme(), *rounds(6, seed=3)])
@pytest.mark.parametrize("learner", ["b" * 64, "utility"])
def test_text_fits_the_terminal(record, learner):
    state = {f"a store with a long name {i} [%]": 250.0 for i in range(20)}
    names = ("b" * 64, "shop", "plant", "utility")
    lines = render_round(record, names, learner, state, "ansi").split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in "".join(lines)
    assert all(separate(line) for line in lines)


def test_text_says_how_many_offers_it_leaves_out():
    lines = render_round(crowded(40), NAMES, "house", STATE, "ansi").split("\n")
    shown = sum(line.startswith("  electricity BUY") for line in lines)
    assert len(lines) == 24
    assert shown > 0
    assert f"  and {40 - shown} more" in lines


def test_text_of_who_offers_nothing():
    record = hand_made(books=(book(), book()))
    assert "  none in this round\n" in render_round(record, NAMES, "shop", {}, "ansi")


@pytest.mark.parametrize(
    "record",
    [
        hand_made(),
        hand_made(books=(book(), book())),
        hand_made(books=(book(ELECTRICITY), book(ELECTRICITY[-2:]))),
        crowded(),
        extreme(),
        *rounds(4, seed=1),
    ],
)
@pytest.mark.filterwarnings("error")
def test_pictures_have_one_shape_and_no_memory(record):
    first, second = picture(record), picture(record)
    assert first.shape == (600, 900, 3)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, second)


def test_picture_highlights_own_offers_only():
    plots = (slice(None), slice(0, 640))  # the legend shows the colour too
    assert has(picture(hand_made())[plots], YELLOW)
    nobody = hand_made(books=(book(ELECTRICITY[:2]), book()))
    assert not has(picture(nobody, "shop")[plots], YELLOW)


def test_picture_draws_supply_and_demand():
    top, bottom = np.split(picture(hand_made())[:, :640], 2)
    assert has(top, BLUE)
    assert has(top, VERMILION)
    assert not has(bottom, BLUE)
    assert not has(bottom, VERMILION)


@pytest.mark.parametrize("state", [{}, {"battery [%]": -5.0}, {"battery [%]": 180.0}, {"x": 1.0}])
def test_picture_takes_any_state(state):
    assert picture(hand_made(), state=state).shape == (600, 900, 3)


@pytest.mark.parametrize("record", [hand_made(), extreme(), crowded(), *rounds(3, seed=5)])
def test_nothing_is_cut_off_at_the_edges(record):
    state = {f"a store with a long name {i} [%]": 100.0 for i in range(20)}
    image = picture(record, "b" * 64, ("b" * 64, "shop", "plant", "utility"), state)
    for edge in (image[:4], image[-4:], image[:, :4], image[:, -4:]):
        assert (edge == 255).all()


def test_pyplot_is_left_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    picture(hand_made())
    assert dict(matplotlib.rcParams) == before
    assert (
        "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    )


def test_dark_style_of_the_user_changes_no_pixel():
    import matplotlib

    plain = picture(hand_made())
    dark = {"text.color": "white", "axes.facecolor": "black", "figure.facecolor": "black",
            "axes.edgecolor": "white", "axes.labelcolor": "white", "xtick.color": "white",
            "ytick.color": "white", "axes.titlecolor": "white"}  # fmt: skip
    with matplotlib.rc_context(dark):
        np.testing.assert_array_equal(picture(hand_made()), plain)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        MissingExtraError, match=r"render_mode='rgb_array' needs matplotlib.*\[plot"
    ):
        picture(hand_made())
    assert render_round(hand_made(), NAMES, "house", STATE, "ansi").startswith("round 5")


def test_misspelt_names():
    assert RENDER_MODES == ("ansi", "rgb_array")
    with pytest.raises(UnknownNameError, match="did you mean 'rgb_array'"):
        render_round(hand_made(), NAMES, "house", STATE, "rgb-array")
    with pytest.raises(InputError, match="did you mean 'house'"):
        render_round(hand_made(), NAMES, "hose", STATE, "ansi")


def test_a_record_is_not_changed():
    record = hand_made()
    before = [(f.name, np.copy(getattr(record, f.name))) for f in dataclasses.fields(record)
              if isinstance(getattr(record, f.name), np.ndarray)]  # fmt: skip
    orders = record.electricity.orders.copy()
    picture(record)
    for name, values in before:
        np.testing.assert_array_equal(getattr(record, name), values)
    np.testing.assert_array_equal(record.electricity.orders, orders)


# -- the curves --------------------------------------------------------------------------------


def test_steps_stand_in_merit_order():
    asks = MeritSteps.of(hand_made().electricity, Side.SELL)
    assert asks.price.tolist() == [0.2, 0.25, 0.35]
    assert asks.begin.tolist() == [0, 1.5, 2.5]
    assert asks.end.tolist() == [1.5, 2.5, 100_002.5]
    assert asks.accepted.tolist() == [1.5, 0.5, 0]
    assert asks.owner.tolist() == [1, 2, 3]
    bids = MeritSteps.of(hand_made().electricity, Side.BUY)
    assert bids.price.tolist() == [0.35, 0.1, 0.08]
    assert bids.owner.tolist() == [0, 0, 3]


def test_members_stand_before_the_utility_at_one_limit():
    rows = [(3, Side.SELL, 100, 10, 1, 0, Reason.MARGINAL),
            (1, Side.SELL, 100, 20, 0, 20, Reason.FILLED)]  # fmt: skip
    assert MeritSteps.of(book(rows), Side.SELL).owner.tolist() == [1, 3]


def test_curves_end_at_the_edge_and_show_what_was_accepted():
    asks = MeritSteps.of(hand_made().electricity, Side.SELL)
    x, y = asks.line(9.0)
    assert x.tolist() == [0, 1.5, 1.5, 2.5, 2.5, 100_002.5, 100_002.5]
    assert y.tolist() == [0.2, 0.2, 0.25, 0.25, 0.35, 0.35, 9.0]
    x, y = asks.accepted_line()
    np.testing.assert_array_equal(x, [0, 1.5, np.nan, 1.5, 2.0, np.nan])
    np.testing.assert_array_equal(y, [0.2, 0.2, np.nan, 0.25, 0.25, np.nan])
    empty = MeritSteps.of(book(), Side.BUY)
    assert [len(v) for v in (*empty.line(1.0), *empty.accepted_line())] == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_accepted_part_of_both_curves_is_the_volume(seed):
    for record in rounds(5, seed=seed):
        for cleared in record.books:
            for side in Side:
                x, _ = MeritSteps.of(cleared, side).accepted_line()
                assert (x[1::3] - x[::3]).sum() == pytest.approx(cleared.volume / 1000)
                # merit order: the accepted part has no holes
                assert np.allclose(x[3::3], x[1:-2:3])


def test_ranges_show_members_not_the_tariff():
    assert energy_range(hand_made().electricity) == 4.0  # 3 kWh wanted, 2.5 offered, + 10 %
    assert energy_range(book(ELECTRICITY[-2:])) == energy_range(book()) == 1.0
    long = [(1, Side.SELL, 1, 500_000, 0, 0, Reason.OUT_OF_THE_MONEY), *ELECTRICITY[:2]]
    assert energy_range(book(long)) == 8.0  # twice the shorter side, 6 kWh, + 10 %
    low, high = price_range(hand_made().electricity, 350_000, 80_000)
    assert -0.05 < low < 0.08
    assert 0.35 < high < 0.5
    far = [(0, Side.BUY, HUGE, 100, 0, 0, Reason.OUT_OF_THE_MONEY)]
    assert price_range(book(far), 350_000, 80_000)[1] < 0.5


@pytest.mark.parametrize("value", [0.01, 0.011, 1.0, 9.9, 80.0, 80.1, 12_345.0])
def test_nice_ceiling(value):
    nice = nice_ceiling(value)
    assert value <= nice <= 1.34 * value
    assert nice_ceiling(nice) == nice
