"""Recorded episodes: stepped again from seeds and actions, or cleared again under other rules."""

from decent_gym.replay import flow_kinds as _flow_kinds  # noqa: F401 - they register themselves
from decent_gym.replay.book_set import BookSet, Recleared, reclear
from decent_gym.replay.order_flow import BEHAVIOURS, ORDER_FLOWS, OrderFlow, order_flow
from decent_gym.replay.player import Replay, difference, replay
from decent_gym.replay.recorded import Recording, read_recording

__all__ = [
    "BEHAVIOURS",
    "ORDER_FLOWS",
    "BookSet",
    "OrderFlow",
    "Recleared",
    "Recording",
    "Replay",
    "difference",
    "order_flow",
    "read_recording",
    "reclear",
    "replay",
]
