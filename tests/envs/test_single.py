"""``decent_gym/Trader-v0``: the Gymnasium contract, and mistakes that must change nothing."""

import json
import pickle
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from oracles.districts import DAY, district

import decent_gym
from decent_gym.envs import TraderEnv
from decent_gym.errors import (
    InputError,
    RoundOrderError,
    ScenarioError,
    UnknownNameError,
)
from decent_gym.ledger import verify
from decent_gym.simulation import REWARDS, Term

ID = "decent_gym/Trader-v0"
AFTER_RESET = {"seed", "round", "time"}
AFTER_STEP = {
    *("round", "time", "reward_terms", "requested", "executed", "traded", "metered"),
    *("unserved", "volume", "price", "reasons"),
}
SMALL = {"scenario": "synthetic", "organizations": 8, "days": 28, "learner": "household_00001"}


def small(**options: object) -> TraderEnv:
    return TraderEnv(**{**SMALL, **options})


def play(env: gymnasium.Env, seed: int | None, rounds: int = 30) -> list[object]:
    """Everything that an episode tells, with actions drawn from its own seed."""
    observation, info = env.reset(seed=seed)
    rng = np.random.default_rng(info["seed"])
    told: list[object] = [observation.tobytes(), json.dumps(info)]
    for _ in range(rounds):
        observation, reward, *_, info = env.step(rng.uniform(-1, 1, env.action_space.shape))
        told += [observation.tobytes(), reward, json.dumps(info)]
    return told


# -- the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"learner": "heat_plant"}, {"reward": "savings", "ledger": "memory"}, SMALL]
)
def test_gymnasium_and_stable_baselines_find_nothing_to_say(options: dict[str, object]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(ID, **options)
        check_env(env.unwrapped, skip_render_check=True)
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(env.unwrapped, warn=True)  # warnings are errors here


def test_the_id_is_registered_and_makes_the_documented_default() -> None:
    env = gymnasium.make(ID)
    assert isinstance(env.unwrapped, TraderEnv)
    assert env.unwrapped.learner == "building_03"
    assert env.unwrapped.action_names == (
        *("battery", "battery_limit", "pump", "pump_limit", "store", "store_limit"),
    )
    assert env.action_space == gymnasium.spaces.Box(-1, 1, (6,), np.float32)
    assert env.observation_space.shape == (len(decent_gym.observation_fields()),)
    assert env.observation_space.is_bounded()


def test_never_terminated_and_truncated_once() -> None:
    env = small(rounds=5)
    env.reset(seed=1)
    zero = np.zeros(2, np.float32)
    for t in range(5):
        observation, reward, terminated, truncated, info = env.step(zero)
        assert env.observation_space.contains(observation)
        assert type(reward) is float
        assert terminated is False
        assert truncated is (t == 4)
        assert ("score" in info) == truncated
    head, before = env.head, observation.copy()
    with pytest.raises(RoundOrderError, match="reset"):
        env.step(zero)
    assert env.head == head
    assert np.array_equal(env.episodes.observations[0, 0], before)
    env.reset()
    env.step(zero)


def test_a_step_before_the_first_reset_is_refused() -> None:
    with pytest.raises(RoundOrderError, match="reset"):
        small().step(np.zeros(2))


def test_observations_are_the_callers_to_keep() -> None:
    env = small()
    first, _ = env.reset(seed=1)
    copy = first.copy()
    second, *_ = env.step(np.zeros(2))
    assert np.array_equal(first, copy)
    second[:] = 7
    third, *_ = env.step(np.zeros(2))
    assert not (third == 7).any()


def plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and plain(item) for key, item in value.items())
    return value is None or type(value) in (int, float, str, bool)


def test_info_holds_what_is_documented_in_plain_types() -> None:
    env = small(rounds=8)
    _, info = env.reset(seed=5)
    assert set(info) == AFTER_RESET
    assert plain(info)
    for t in range(8):
        opened = env.episodes.simulation.operator.round[0]
        *_, info = env.step(np.array([0.5, 1.0]))
        assert set(info) == AFTER_STEP | ({"score"} if t == 7 else set())
        assert plain(info)
        assert json.loads(json.dumps(info, allow_nan=False)) == info
        assert info["round"] == opened
        assert set(info["reward_terms"]) == {term.name.lower() for term in Term}
        for key in ("traded", "metered", "volume", "price", "reasons"):
            assert set(info[key]) == {"electricity", "heat"}
    for name in AFTER_RESET | AFTER_STEP | {"score"}:
        assert f"``{name}``" in str(TraderEnv.__doc__)


def test_info_agrees_with_the_core() -> None:
    env = TraderEnv(district(3), "all", rounds=96, reward="money")
    env.reset(seed=1)
    sim, n = env.episodes.simulation, env.scenario.index("all")
    rng = np.random.default_rng(0)
    total = dict.fromkeys((term.name.lower() for term in Term), 0.0)
    for _ in range(96):
        action = rng.uniform(-1, 1, 10)
        _, reward, *_, info = env.step(action)
        terms = info["reward_terms"]
        assert reward == pytest.approx(sum(terms[k] for k in ("trade", "imbalance", "fuel", "fee")))
        for name, value in terms.items():
            total[name] += value
        op, flows = sim.operator, sim.flows
        for c, commodity in enumerate(("electricity", "heat")):
            assert info["traded"][commodity] == op.traded[0, n, c] / 1000
            assert info["metered"][commodity] == op.metered[0, n, c] / 1000
            volume = op.by_world.volume[0, c]
            assert info["volume"][commodity] == volume / 1000
            price = op.by_world.price[0, c] / 1e6 if volume else None
            assert info["price"][commodity] == price
            owned = int((sim.orders.owner[0, c, : sim.orders.count[0, c]] == n).sum())
            assert sum(info["reasons"][commodity].values()) == owned
        done = info["executed"]
        devices = done["battery"] + done["heat_pump"] + done["chp"]
        net = (env.scenario.load - env.scenario.pv)[info["round"], n] / 1000
        assert info["metered"]["electricity"] == pytest.approx(net + devices)
        assert done["thermal_store"] * 1e6 == pytest.approx(flows.store_flow[0, n])
        share = round(action[0] * 1e6) / 1e6
        assert np.sign(info["requested"]["battery"]) in (0, np.sign(share))
    assert info["score"] == pytest.approx(sum(total.values()) - total["reference"])


def test_time_is_that_of_the_round() -> None:
    env = TraderEnv()
    _, info = env.reset(options={"start": 96 * 31}, seed=0)
    assert info["time"] == "2016-01-31T23:00:00+00:00"  # a midnight in Berlin
    *_, info = env.step(np.zeros(6))
    assert info["time"] == "2016-01-31T23:00:00+00:00"
    *_, info = env.step(np.zeros(6))
    assert info["time"] == "2016-01-31T23:15:00+00:00"


# -- seeds, starts and splits --------------------------------------------------------------------


def test_the_same_seed_gives_the_same_episodes() -> None:
    env, other = small(rounds=30), gymnasium.make(ID, **SMALL, rounds=30)
    first = [play(env, 7), play(env, None), play(env, None)]
    again = [play(other, 7), play(other, None), play(other, None)]
    assert first == again
    assert len({told[0] for told in first}) == 3
    assert play(env, 8) != first[0]
    assert play(env, 7) == first[0]  # whatever has been before


def test_training_runs_of_neighbouring_seeds_share_no_episode() -> None:
    env, seen = small(rounds=1), []
    for seed in range(5):
        env.reset(seed=seed)
        seen += [env.reset()[1]["seed"] for _ in range(10)]
    assert len(set(seen) | set(range(20))) == 70


def test_an_episode_without_seed_can_be_had_again() -> None:
    env = small(rounds=4)
    env.reset()
    _, info = env.reset()
    seed = info["seed"]
    told = play(env, seed, 4)
    assert play(small(rounds=4), seed, 4) == told


def test_episodes_without_any_seed_differ() -> None:
    assert len({small().reset()[1]["seed"] for _ in range(4)}) == 4


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_splits_do_not_leak(split: str) -> None:
    env = small(split=split, rounds=2 * DAY)
    weeks = set(env.scenario.splits.weeks(split, env.scenario.rounds))
    others = {"train", "validation", "test"} - {split}
    assert not any(weeks & set(env.scenario.splits.weeks(o, env.scenario.rounds)) for o in others)
    seen = set()
    env.reset(seed=0)
    for _ in range(200):
        _, info = env.reset()
        start = info["round"]
        assert start % DAY == 0
        assert {start // (7 * DAY), (start + 2 * DAY - 1) // (7 * DAY)} <= weeks
        seen.add(start // (7 * DAY))
    assert seen == weeks


def test_a_reset_may_choose_split_and_start() -> None:
    env = small()
    env.reset(seed=0)
    test_weeks = env.scenario.splits.weeks("test", env.scenario.rounds)
    for _ in range(20):
        _, info = env.reset(options={"split": "test"})
        assert info["round"] // (7 * DAY) in test_weeks
    starts = {env.reset(options={"start": 33, "split": "test"})[1]["round"] for _ in range(3)}
    assert starts == {33}
    later = {env.reset()[1]["round"] // (7 * DAY) for _ in range(40)}
    assert not later & set(test_weeks)  # an option holds for one episode
    last = env.scenario.rounds - 96
    env.reset(options={"start": last})
    for _ in range(96):
        observation, *_ = env.step(np.zeros(2))
    assert np.isfinite(observation).all()


def state(env: TraderEnv) -> list[object]:
    sim = env.episodes.simulation
    op, d = sim.operator, sim.devices
    arrays = [op.round, op.accounts, op.traded, d.battery_soc, sim.totals, sim.actions, sim.seeds]
    arrays += [sim._errors, sim.view.load, env.episodes.observations, env.episodes.elapsed]
    return [*(a.tobytes() for a in arrays), env.head, repr(env.np_random.bit_generator.state)]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble, np.int8, list])
def test_actions_of_any_number_type_do_the_same(kind: type) -> None:
    told = []
    for convert in (kind, np.float64):
        env = small()
        env.reset(seed=4)
        for action in ([1, -1], [0, 1], [-1, 0]):
            given = action if convert is list else np.array(action, convert)
            observation, *_ = env.step(given)
        told.append(observation.tobytes())
    assert told[0] == told[1]


def test_rounding_of_a_policy_is_forgiven() -> None:
    env, exact = small(), small()
    env.reset(seed=4)
    exact.reset(seed=4)
    over = env.step(np.float32([1 + 1e-7, -1 - 1e-7]))[0]
    assert np.array_equal(over, exact.step([1.0, -1.0])[0])


# -- names -----------------------------------------------------------------------------------------


def test_a_misspelt_render_mode_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ansi'"):
        TraderEnv(render_mode="ansii")  # gymnasium.make warns before that


def test_keywords_beside_a_scenario_object_are_checked_too(tmp_path: Path) -> None:
    scenario = district(0)
    assert TraderEnv(scenario, "all", price_rule=1).scenario.rules.price_rule == "1/1"
    for options, says in (
        ({"rond": 96}, "'rounds'"),
        ({"price_rul": 0}, "'price_rule'"),
        ({"splt": "test"}, "'split'"),
    ):
        with pytest.raises(UnknownNameError, match=f"did you mean {says}"):
            TraderEnv(scenario, "all", **options)
        with pytest.raises(UnknownNameError, match=f"did you mean {says}"):
            TraderEnv(tmp_path / "street.toml", "all", **options)


def test_an_episode_too_long_for_its_split_needs_a_start() -> None:
    env = TraderEnv(split="validation", rounds=96 * 8)
    with pytest.raises(ScenarioError, match="validation"):
        env.reset(seed=0)
    assert env.reset(seed=0, options={"start": 96})[1]["round"] == 96


# -- ledgers, specs, vectors -----------------------------------------------------------------------


def test_every_episode_has_its_ledger(tmp_path: Path) -> None:
    env, memory = small(ledger=tmp_path, rounds=6), small(ledger="memory", rounds=6)
    heads = []
    for seed in (3, None, None):
        play(env, seed, 6 if seed else 4)
        play(memory, seed, 6 if seed else 4)
        assert env.head == memory.head
        heads.append(env.head)
    env.close()
    env.close()
    assert env.head is None
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert folders == ["episode-000000", "episode-000001", "episode-000002"]
    for folder, head, rounds in zip(folders, heads, (6, 4, 4), strict=True):
        result = verify(tmp_path / folder)
        assert result.ok, result.reason
        assert (result.head, result.rounds) == (head, rounds)
    meta = json.loads((tmp_path / "episode-000000" / "meta.json").read_text())
    assert meta["learners"] == ["household_00001"]
    assert meta["face"] == "single"
    env.reset(seed=1)  # closed is not broken
    env.step(np.zeros(2))
    env.close()
    assert verify(tmp_path / "episode-000003").ok


def test_a_ledger_never_overwrites_another(tmp_path: Path) -> None:
    env = small(ledger=tmp_path)
    env.reset(seed=1)
    env.step(np.zeros(2))
    env.close()
    with pytest.raises(InputError, match="taken"):
        small(ledger=tmp_path).reset(seed=1)
    assert verify(tmp_path / "episode-000000").rounds == 1


def test_a_taken_folder_stops_a_reset_before_anything_changes(tmp_path: Path) -> None:
    (tmp_path / "episode-000001").write_text("somebody else's")
    env = small(ledger=tmp_path)
    env.reset(seed=1)
    env.step(np.zeros(2))
    head, simulation = env.head, env.episodes.simulation
    number, seed = int(simulation.operator.round[0]), int(simulation.seeds[0])
    with pytest.raises(InputError, match="episode-000001 is taken"):
        env.reset(seed=2)
    assert (env.head, int(simulation.operator.round[0])) == (head, number)
    assert int(simulation.seeds[0]) == seed
    env.step(np.zeros(2))  # the episode goes on, and so does its ledger
    env.close()
    assert verify(tmp_path / "episode-000000").rounds == 2


def test_recording_changes_nothing(tmp_path: Path) -> None:
    assert play(small(ledger=tmp_path), 3) == play(small(), 3)


@pytest.mark.parametrize("reward", list(REWARDS))
def test_the_spec_serialises(reward: str) -> None:
    env = gymnasium.make(ID, **SMALL, reward=reward, rounds=12, price_rule="1/3")
    text = env.spec.to_json()
    again = gymnasium.make(EnvSpec.from_json(text))
    assert play(again, 3, 12) == play(env, 3, 12)
    copied = gymnasium.make(pickle.loads(pickle.dumps(env.spec)))
    assert play(copied, 3, 12) == play(env, 3, 12)


def test_side_by_side_is_one_after_the_other() -> None:
    envs = gymnasium.make_vec(ID, num_envs=3, vectorization_mode="sync", **SMALL, rounds=5)
    seen, _ = envs.reset(seed=10)
    singles = [small(rounds=5) for _ in range(3)]
    firsts = [env.reset(seed=10 + i)[0] for i, env in enumerate(singles)]
    assert np.array_equal(seen, firsts)
    rng = np.random.default_rng(0)
    for _ in range(5):
        actions = rng.uniform(-1, 1, (3, 2)).astype(np.float32)
        seen, rewards, terminated, truncated, _ = envs.step(actions)
        steps = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        assert np.array_equal(seen, [step[0] for step in steps])
        assert rewards.tolist() == [step[1] for step in steps]
    assert truncated.all()
    assert not terminated.any()
    envs.step(actions)  # autoreset
    envs.close()
