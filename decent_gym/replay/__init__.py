"""Recorded episodes: stepped again from seeds and actions, or cleared again under other rules."""

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
from decent_gym.replay.player import Replay, difference, replay
from decent_gym.replay.recorded import Recording, read_recording
from decent_gym.replay.recorded_books import RecordedBooks, difference_from, read_books

__all__ = [
    "VALUES_ARE_LIMITS",
    "VALUES_TRUE",
    "BookSet",
    "Recleared",
    "RecordedBooks",
    "Recording",
    "Replay",
    "books_for",
    "difference",
    "difference_from",
    "read_books",
    "read_recording",
    "reclear",
    "replay",
    "retailer_only",
    "with_utility",
]
