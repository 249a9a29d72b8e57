"""Tests on a real mosquitto run where there is one."""

import pytest

from benchmarks.mosquitto import PATIENCE, PROGRAM, Mosquitto

needs_mosquitto = pytest.mark.skipif(
    PROGRAM is None, reason="mosquitto is not installed: apt-get install mosquitto"
)

__all__ = ["PATIENCE", "Mosquitto", "needs_mosquitto"]
