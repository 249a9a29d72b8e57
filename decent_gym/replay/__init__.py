"""Recorded episodes: stepped again from seeds and actions, or cleared again under other rules."""

from decent_gym.replay import flow_kinds as _flow_kinds  # noqa: F401 - they register themselves
from decent_gym.replay.book_set import (
    VALUES_ARE_LIMITS,
    VALUES_TRUE,
    BookSet,
    Recleared,
    books_for,
    reclear,
    retailer_only,
    with_utility,
)
from decent_gym.replay.markets import (
    FORECASTS,
    RecordedMarkets,
    clear_sequentially,
    forecast_of,
    read_markets,
)
from decent_gym.replay.order_flow import BEHAVIOURS, ORDER_FLOWS, OrderFlow, order_flow
from decent_gym.replay.player import Replay, difference, replay
from decent_gym.replay.recorded import Recording, read_recording
from decent_gym.replay.recorded_books import RecordedBooks, difference_from, read_books

__all__ = [
    "BEHAVIOURS",
    "FORECASTS",
    "ORDER_FLOWS",
    "VALUES_ARE_LIMITS",
    "VALUES_TRUE",
    "BookSet",
    "OrderFlow",
    "Recleared",
    "RecordedBooks",
    "RecordedMarkets",
    "Recording",
    "Replay",
    "books_for",
    "clear_sequentially",
    "difference",
    "difference_from",
    "forecast_of",
    "order_flow",
    "read_books",
    "read_markets",
    "read_recording",
    "reclear",
    "replay",
    "retailer_only",
    "with_utility",
]
