"""Worlds that differ in one batch, and several learners in a world: always the single face's."""

import gymnasium
import numpy as np
import pytest

import decent_gym
from decent_gym.errors import ActionError, InputError, RoundOrderError, UnknownNameError
from decent_gym.replay import replay

SMALL = decent_gym.scenario("synthetic", organizations=8, days=14)
SEALED = decent_gym.scenario("synthetic", organizations=8, days=14, price_rule=0)
LARGE = decent_gym.scenario("synthetic", organizations=11, days=7)
BATTERY = next(m.name for m in SMALL.members if m.battery)
PUMP = next(m.name for m in SMALL.members if m.heat_pump)
PLANT = next(m.name for m in SMALL.members if m.chp)
DAY = 10


def vector(n, **options):
    return gymnasium.make_vec(
        "decent_gym/Trader-v0",
        num_envs=n,
        vectorization_mode="vector_entry_point",
        **{"scenario": SMALL, "rounds": DAY, **options},
    ).unwrapped


def single(**options):
    return gymnasium.make("decent_gym/Trader-v0", rounds=DAY, **options).unwrapped


def columns(envs, names):
    """Where the entries of a learner's own action stand in the shared action space."""
    return [envs.action_names.index(name) for name in names]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_world_may_have_its_own_scenario_learner_traders_and_start(threads):
    worlds = [
        {"scenario": SMALL, "learner": BATTERY, "traders": None},
        {"scenario": SEALED, "learner": PUMP, "traders": "truthful"},
        {"scenario": LARGE, "learner": BATTERY, "traders": {PLANT: "price_threshold"}},
        {"scenario": SMALL, "learner": PLANT, "traders": "zero_intelligence"},
        {"scenario": SEALED, "learner": BATTERY, "traders": {}},
    ]
    lists = {key: [world[key] for world in worlds] for key in worlds[0]}
    starts = [5, 100, 3, 500, 250]
    envs = vector(5, threads=threads, ledger={w: "memory" for w in range(5)}, **lists)
    assert envs.learner_names == tuple(lists["learner"])
    singles = [single(**world, ledger="memory") for world in worlds]
    random = np.random.default_rng(threads)
    seen, _ = envs.reset(seed=40, options={"start": starts})
    for w, env in enumerate(singles):
        assert np.array_equal(env.reset(seed=40 + w, options={"start": starts[w]})[0], seen[w])
    for step in range(1, 2 * DAY + 4):
        actions = random.uniform(-1, 1, envs.action_space.shape).astype(np.float32)
        seen, rewards, _, truncations, infos = envs.step(actions)
        for w, env in enumerate(singles):
            mine = columns(envs, env.action_names)
            assert np.flatnonzero(envs.owned[w]).tolist() == mine
            observation, reward, _, truncated, info = env.step(actions[w, mine])
            assert (reward, truncated) == (rewards[w], truncations[w])
            if step < DAY:
                assert env.head == envs.head(w) is not None
            if truncated:
                assert np.array_equal(infos["final_obs"][w], observation)
                assert infos["final_info"]["score"][w] == info["score"]
                observation, _ = env.reset()
            assert np.array_equal(observation, seen[w])
    assert len({tuple(row) for row in envs.owned.tolist()}) == 3
    envs.close()


def test_every_organization_of_every_world_is_a_row():
    envs = vector(15, learners="all", ledger={0: "memory", 2: "memory"})
    flexible = [m.name for m in SMALL.members if m.flexible]
    assert envs.worlds == 3 and envs.learner_names == tuple(flexible) * 3
    parallel = [
        decent_gym.parallel_env(scenario=SMALL, rounds=DAY, ledger="memory")
        for _ in range(envs.worlds)
    ]
    seen, infos = envs.reset(seed=9)
    assert infos["seed"].tolist() == [9] * 5 + [10] * 5 + [11] * 5
    for w, env in enumerate(parallel):
        observations, _ = env.reset(seed=9 + w)
        assert np.array_equal(np.stack(list(observations.values())), seen[5 * w : 5 * w + 5])
    random = np.random.default_rng(0)
    for step in range(1, DAY + 3):
        actions = random.uniform(-1, 1, envs.action_space.shape).astype(np.float32)
        seen, rewards, _, truncations, infos = envs.step(actions)
        for w, env in enumerate(parallel):
            rows = range(5 * w, 5 * w + 5)
            chosen = {
                name: actions[r][envs.owned[r]] for name, r in zip(flexible, rows, strict=True)
            }
            observations, paid, _, ends, facts = env.step(chosen)
            assert list(paid.values()) == rewards[rows].tolist()
            assert list(ends.values()) == truncations[rows].tolist()
            if step < DAY and w != 1:
                assert env.head == envs.head(w) is not None
            if step == DAY:
                scores = [facts[name]["score"] for name in flexible]
                assert scores == infos["final_info"]["score"][rows].tolist()
                observations, _ = env.reset()
            assert np.array_equal(np.stack(list(observations.values())), seen[rows])


def test_entries_of_devices_that_a_learner_does_not_own_are_ignored():
    envs = vector(2, learner=[BATTERY, PUMP])
    random = np.random.default_rng(3)
    outcomes = []
    for noise in (0.0, 1.0):
        envs.reset(seed=4)
        for _ in range(4):
            actions = random.uniform(-1, 1, envs.action_space.shape) * noise
            step = envs.step(np.where(envs.owned, 0.5, actions))
        outcomes.append(step[0])
    assert np.array_equal(*outcomes)


def test_a_mistake_is_named_and_changes_nothing():
    envs = vector(3, scenario=[SMALL, LARGE, SMALL], learner=BATTERY)
    envs.reset(seed=1)
    before = [b.episodes.simulation.operator.round.copy() for b in envs.variants.batches]
    longest = SMALL.rounds - DAY
    for options, says in (
        ({"start": [0, longest, 0]}, "start .*must be"),
        ({"start": [0, 0]}, "one round or 3"),
        ({"start": longest}, "start .*must be"),
        ({"strat": 4}, "did you mean 'start'"),
    ):
        with pytest.raises(InputError, match=says):
            envs.reset(seed=2, options=options)
    bad = np.zeros(envs.action_space.shape)
    bad[1, 0] = 2
    with pytest.raises(ActionError, match=r"in world 1: battery must be in \[-1, 1\], got 2.0"):
        envs.step(bad)
    for wrong in (bad[:2], bad[:, :1], [[0, 0], [0], [0, 0]], "text"):
        with pytest.raises(ActionError, match="actions must be"):
            envs.step(wrong)
    after = [b.episodes.simulation.operator.round for b in envs.variants.batches]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"learner": [BATTERY, PUMP]}, "learner must be one, or a list of 4"),
        ({"scenario": [SMALL] * 3}, "scenario must be one, or a list of 4"),
        ({"scenario": []}, "the list is empty"),
        ({"traders": ["truthful"] * 3}, "a list of 4 of these"),
        ({"traders": ["truthful", 5, None, None]}, "got int 5"),
        ({"learners": [BATTERY, PUMP, PLANT]}, "4 is no multiple of the 3 learners"),
        ({"learners": [BATTERY, BATTERY]}, "different names"),
        ({"learners": []}, "at least one"),
        ({"learners": BATTERY}, "'all' or a list"),
        ({"learners": [BATTERY], "learner": PUMP}, "not both"),
        ({"learners": ["utility", PUMP]}, "is the utility"),
    ],
)
def test_what_does_not_fit_is_refused(options, says):
    with pytest.raises(InputError, match=says):
        vector(4, **options)


def test_all_learners_must_be_the_same_in_every_scenario():
    with pytest.raises(InputError, match="the same flexible organizations in every scenario"):
        vector(10, scenario=[SMALL, LARGE], learners="all")
    assert vector(10, scenario=[SMALL, SEALED], learners="all").worlds == 2


def test_every_world_of_the_documented_example_can_be_replayed(tmp_path):
    envs = vector(
        4,
        scenario=[decent_gym.scenario("rural", tariff=t) for t in ("flat", "time_of_use")] * 2,
        learner=["building_03", "building_03", "building_08", "building_08"],
        traders=["truthful", None, "zero_intelligence", {"heat_plant": "truthful"}],
        ledger={world: tmp_path / str(world) for world in range(4)},
        price_rule=1,
    )
    envs.reset(seed=1)
    for actions in np.random.default_rng(0).uniform(-1, 1, (3, *envs.action_space.shape)):
        envs.step(actions)
    envs.close()
    for world in range(4):
        again = replay(tmp_path / str(world) / "episode-000000")
        assert again.ok and again.rounds == 3


def test_traders_are_kept_as_they_were_given(tmp_path):
    traders = {PLANT: "price_threshold"}
    envs = vector(
        1, learner=BATTERY, traders=traders, scenario="synthetic", organizations=8, days=14,
        ledger={0: tmp_path / "one"},
    )  # fmt: skip
    traders[PLANT] = "no_flexibility"
    envs.reset(seed=1)
    envs.step(np.zeros(envs.action_space.shape))
    envs.close()
    assert replay(tmp_path / "one" / "episode-000000").ok


class FullDisk:
    """Listens to one round, and fails at the next."""

    def __init__(self):
        self.heard = 0

    def on_round(self, record):
        self.heard += 1
        if self.heard > 1:
            raise OSError("no space left")


@pytest.mark.parametrize("threads", [1, 2])
def test_after_half_a_round_only_a_reset_goes_on(threads):
    envs = vector(6, learner=BATTERY, threads=threads)
    still = np.zeros(envs.action_space.shape)
    envs.reset(seed=1)
    ((episodes, _),) = envs.variants.batches
    episodes.simulation.operator.listen(0, FullDisk())
    envs.step(still)
    with pytest.raises(OSError, match="no space left"):
        envs.step(still)
    with pytest.raises(RoundOrderError, match="call reset"):
        envs.step(still)
    episodes.simulation.operator.listeners.clear()
    fresh = vector(6, learner=BATTERY)
    assert np.array_equal(envs.reset(seed=1)[0], fresh.reset(seed=1)[0])
    assert np.array_equal(envs.step(still)[0], fresh.step(still)[0])
    envs.close()


def test_a_seed_of_numpy_is_a_seed():
    seeds = []
    for seed in (5, np.int64(5)):
        envs = vector(2, learner=BATTERY)
        envs.reset(seed=seed)
        seeds.append(envs.reset()[1]["seed"].tolist())
    assert seeds[0] == seeds[1]
    with pytest.raises(InputError, match="seed"):
        envs.reset(seed=5.0)


def test_a_misspelt_name_in_a_list_is_told():
    with pytest.raises(UnknownNameError, match="did you mean 'heat_plant_0001'"):
        vector(2, learner=[BATTERY, "heat_plant"])
    with pytest.raises(UnknownNameError, match="did you mean 'truthful'"):
        vector(2, learner=BATTERY, traders=["truthful", "truthfull"])
