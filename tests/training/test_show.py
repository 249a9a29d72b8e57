"""The picture of a trained policy's week."""

import struct

import numpy as np
import pytest

import decent_gym
from decent_gym.errors import InputError
from training.evaluate import policy_folder
from training.held_out import cells, score_learned
from training.show import Args, LearnedPolicy, live, show


def test_a_week_is_drawn(run, tmp_path):
    path = show(Args(run=run, output=tmp_path / "new" / "week.png"))
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:]) == (1200, 1000)


def test_what_is_drawn_is_what_was_scored(run, tiny):
    scenario = decent_gym.scenario(tiny["scenario"], **tiny["options"])
    policy = LearnedPolicy.load(policy_folder(run))
    (cell, *_) = cells(scenario, "test")
    week = live(policy, scenario, tiny["learner"], cell)
    totals = score_learned(policy, scenario, tiny["learner"], [cell])
    assert np.isclose(week.score[-1], totals["score"][0])
    assert np.isclose(week.reference[-1], totals["reference"][0])
    assert (
        len(week.time) == 672 and 0 <= week.battery_level.min() <= week.battery_level.max() <= 100
    )


def test_a_week_that_there_is_not_is_told(run, tmp_path):
    with pytest.raises(InputError, match="week must be 0 to 0, the weeks of test, got 1"):
        show(Args(run=run, output=tmp_path / "week.png", week=1))
    with pytest.raises(InputError, match=r"must end in '\.png'"):
        show(Args(run=run, output=tmp_path / "week.jpg"))
