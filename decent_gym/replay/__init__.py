"""Recorded episodes: stepped again from seeds and actions, or cleared again under other rules."""

from decent_gym.replay.book_set import BookSet, Recleared, reclear
from decent_gym.replay.player import Replay, difference, replay
from decent_gym.replay.recorded import Recording, read_recording

__all__ = [
    "BookSet",
    "Recleared",
    "Recording",
    "Replay",
    "difference",
    "read_recording",
    "reclear",
    "replay",
]
