"""Recorded episodes: stepped again from seeds and actions, or cleared again under other rules."""

from decent_gym.replay.book_set import BookSet, Recleared, reclear
from decent_gym.replay.player import Replay, difference, replay
from decent_gym.replay.recorded import Recording, read_recording
from decent_gym.replay.recorded_books import RecordedBooks, difference_from, read_books

__all__ = [
    "BookSet",
    "Recleared",
    "RecordedBooks",
    "Recording",
    "Replay",
    "difference",
    "difference_from",
    "read_books",
    "read_recording",
    "reclear",
    "replay",
]
