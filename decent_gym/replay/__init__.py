"""Recorded episodes, stepped again from their seeds and actions."""

from decent_gym.replay.player import Replay, difference, replay
from decent_gym.replay.recorded import Recording, read_recording

__all__ = ["Recording", "Replay", "difference", "read_recording", "replay"]
