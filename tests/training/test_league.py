"""A league trains, writes a policy for each member, and judges a best response."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3 import PPO

import decent_gym
from agents.league_env import LeagueVecEnv, one_hot
from agents.learned import LearnedPolicy
from agents.shared_policy import Frozen, freeze, write_member
from decent_gym.envs import TraderVectorEnv
from decent_gym.errors import InputError, UnknownNameError
from training import league
from training.held_out import cells, score_learned
from training.league import Args, describe, run
from training.league_table import play

TINY = {"scenario": "synthetic", "options": {"organizations": 5, "days": 28}, "hidden": (8,),
        "rows": 6, "n_steps": 16, "batch_size": 32, "rounds": 16, "progress": False}  # fmt: skip
SCENARIO = decent_gym.scenario("synthetic", organizations=5, days=28)
MEMBERS = [m.name for m in SCENARIO.members if m.flexible]


@pytest.fixture(scope="module")
def shared() -> Frozen:
    """A policy of the league after one short look at it, which moves its statistics."""
    args = Args(**TINY, seed=2)
    return league.train(args, SCENARIO, MEMBERS, MEMBERS, (0, 0, 1), 64, [])


def test_a_members_own_policy_does_what_the_shared_one_does(shared, tmp_path):
    random = np.random.default_rng(0)
    for name in MEMBERS:
        write_member(tmp_path, SCENARIO, shared, name)
        own = LearnedPolicy.load(tmp_path / name)
        env = TraderVectorEnv(1, scenario=SCENARIO, learner=name)
        assert own.description.actions == env.action_names
        obs = random.uniform(-2, 2, (50, env.single_observation_space.shape[0]))
        who = one_hot([name] * 50, MEMBERS)
        columns = [shared.acting.description.actions.index(lever) for lever in env.action_names]
        whole = shared.predict(np.concatenate([obs, who], axis=1))
        assert np.ptp(whole) > 0
        assert np.allclose(own.predict(obs), whole[:, columns], atol=1e-6)


def test_playing_alone_in_the_league_is_the_single_environment(shared, tmp_path):
    name = MEMBERS[0]
    these = cells(SCENARIO, "test", most=1)
    write_member(tmp_path, SCENARIO, shared, name)
    own = LearnedPolicy.load(tmp_path / name)
    alone = score_learned(own, SCENARIO, name, these)["score"]
    facts = describe(Args(**TINY), SCENARIO, [name], own.description.actions, name)
    env = LeagueVecEnv(mirror=1, members=[name], scenario=SCENARIO)
    model = PPO("MlpPolicy", env, device="cpu", policy_kwargs={"net_arch": [8]})

    class Own:
        def predict(self, obs):
            return own.predict(obs[:, :-1])

    assert np.array_equal(play(SCENARIO, {name: Own()}, these)[name], alone)
    assert facts.observations[-1] == f"is_{name}" and model.observation_space.shape[0] == 78


def test_a_league_is_trained_judged_and_written(tmp_path):
    args = Args(**TINY, folder=tmp_path, steps=128, response_steps=64, snapshot_every=32, pool=2,
                exploit=(MEMBERS[1],), weeks=1)  # fmt: skip
    lines = run(args)
    assert [line.member for line in lines] == MEMBERS
    assert all(np.isfinite([line.scripted, line.learned]).all() for line in lines)
    judged = [line for line in lines if line.response is not None]
    assert [line.member for line in judged] == [MEMBERS[1]]
    assert judged[0].responder in ("itself", "trained", "storage rule")
    if judged[0].responder == "itself":
        assert judged[0].exploitability == 0
    written = json.loads((tmp_path / "league.json").read_text())
    assert [line["member"] for line in written["lines"]] == MEMBERS
    assert len((tmp_path / "league.md").read_text().splitlines()) == 2 + len(MEMBERS)
    assert {folder.name for folder in (tmp_path / "policies").iterdir()} == set(MEMBERS)


def test_earlier_selves_are_kept_up_to_the_pool(monkeypatch):
    frozen = []
    monkeypatch.setattr(league, "freeze", lambda *a: frozen.append(freeze(*a)) or frozen[-1])
    held = []
    step = LeagueVecEnv.step_wait

    def watched(self):
        held.append([frozen.index(one) for one in self.opponents])
        return step(self)

    monkeypatch.setattr(LeagueVecEnv, "step_wait", watched)
    args = Args(**TINY, snapshot_every=96, pool=2)
    league.train(args, SCENARIO, MEMBERS, MEMBERS, (0, 1, 0), 384, [])
    assert held[0] == [0] and held[-1] == [2, 3] and [0, 1] in held


def test_the_example_of_the_docs_runs(capsys):
    page = (Path(__file__).resolve().parents[2] / "docs" / "league.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/league.md", "exec"), {})
    assert capsys.readouterr().out.startswith("12 ('building_03'")


def test_names_that_do_not_fit_are_told(tmp_path):
    with pytest.raises(InputError, match="exploit names 'utility'"):
        run(Args(**TINY, folder=tmp_path, exploit=("utility",)))
    with pytest.raises(UnknownNameError, match="organization"):
        run(Args(**TINY, folder=tmp_path, members=("household_1",)))
    with pytest.raises(InputError, match="at least one layer"):
        run(Args(**{**TINY, "hidden": ()}, folder=tmp_path))
