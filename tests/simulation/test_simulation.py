"""The whole step: nothing is lost, nothing depends on the batch, the process or the compiler."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oracles.districts import DAY, district, everybody

from decent_gym import SCENARIOS
from decent_gym.district import HeatNetwork
from decent_gym.errors import InputError, RoundOrderError, UnknownNameError
from decent_gym.ledger import verify
from decent_gym.models import Commodity, Money, Reason
from decent_gym.scenarios import Prices, Scenario
from decent_gym.simulation import LEVERS, Episodes, Simulation
from decent_gym.simulation.actions import FULL
from decent_gym.simulation.keys import next_seed
from decent_gym.traders import TRADERS
from decent_gym.views.recorder import Recorder

ROOT = Path(__file__).resolve().parents[2]
EVERYBODY = ("battery", "pump", "plant", "tank", "all", "bare_pump")
SCENARIO_KINDS = {
    "book": {},
    "residual": {"utility": "residual"},
    "alone": {"utility": None},
    "device": {"balance": "device"},
    "lottery": {"rules": {"tie_rule": "random", "price_rule": "1/3"}, "utility": None},
    "mixed": {"traders": tuple(TRADERS)},
    "cold": {"network": HeatNetwork(max_flow_kw=14, loss_kw=1, backup_kw=4)},
    "coupled": {"rules": {"clearing": "coupled"}},
    "coupled alone": {"rules": {"clearing": "coupled"}, "utility": None, "balance": "device"},
}


def stored(sim: Simulation) -> dict[str, np.ndarray]:
    d = sim.devices
    return {n: getattr(d, n).copy() for n in ("battery_soc", "store_soc", "pipe", "fuel_residue")}


def check_step(sim: Simulation, closed: np.ndarray, before: dict[str, np.ndarray]) -> None:
    """Every balance of the round just closed, exact, in every world."""
    s, op, d, f = sim.scenario, sim.operator, sim.devices, sim.flows
    now, n = closed % s.rounds, len(s.members)
    member = np.array([m.organization.priority == 0 for m in s.members])
    assert (op.accounts.sum(axis=1) == 0).all()
    assert (op.money.sum(axis=2) == 0).all()
    assert (op.traded.sum(axis=1) == 0).all()
    assert (op.round == closed + 1).all()

    moved = d.battery_soc - before["battery_soc"]
    rate = np.where(f.battery_energy > 0, d.battery_charge_rate, d.battery_discharge_rate)
    assert np.array_equal(moved, f.battery_energy * rate)
    heat = 1000 * f.heat + f.pump_heat + f.chp_heat + 1000 * f.boiler_heat
    used = 1000 * (s.heat[now] - f.unserved) + d.store_soc - before["store_soc"] + f.store_lost
    assert np.array_equal(heat[:, member], (used + d.pipe - before["pipe"])[:, member])
    burnt = f.chp_electricity * d.chp_fuel_rate + f.boiler_heat * d.boiler_fuel_rate
    assert np.array_equal(burnt, 1000 * f.fuel + d.fuel_residue - before["fuel_residue"])
    asked = f.heat[:, member].sum(axis=1) + sim._loss
    assert np.array_equal(f.backup_heat - f.spilled, asked)

    drawn = s.load[now] - s.pv[now] + f.battery_energy + f.pump_electricity - f.chp_electricity
    assert np.array_equal(op.metered[:, :n, 0][:, member], drawn[:, member])
    assert np.array_equal(op.metered[:, :n, 1][:, member], f.heat[:, member])
    assert np.array_equal(op.metered[:, :n][:, ~member], op.traded[:, :n][:, ~member])
    assert np.array_equal(op.metered[:, n + 1, 1], sim._loss)
    assert np.array_equal(op.money[Money.FUEL, :, :n], -f.fuel * s.prices.fuel)
    fees = -np.maximum(f.heat, 0) * s.prices.heat_fee * member
    assert np.array_equal(op.money[Money.FEE, :, :n], fees)

    for soc, capacity in ((d.battery_soc, d.battery_capacity), (d.store_soc, d.store_capacity)):
        assert ((soc >= 0) & (soc <= capacity)).all()
    assert (
        (f.battery_energy <= d.battery_charge) & (-f.battery_energy <= d.battery_discharge)
    ).all()
    for running, most, least in (
        (f.pump_electricity, d.pump_max, d.pump_min),
        (f.chp_electricity, d.chp_max, d.chp_min),
    ):
        assert ((running == 0) | ((running >= least) & (running <= most))).all()
    assert ((f.boiler_heat >= 0) & (f.boiler_heat <= d.boiler_max)).all()
    assert (f.backup_heat <= sim._backup).all()
    assert (np.maximum(f.heat, 0)[:, member].sum(axis=1) <= s.network.parameters()[0]).all()
    assert (f.unserved >= 0).all()


def actions_of(kind: str, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if kind == "random":
        return rng.integers(-FULL, FULL + 1, shape)
    if kind == "extreme":
        return rng.integers(-1, 2, shape) * FULL
    return np.full(shape, {"up": FULL, "down": -FULL}[kind])


@pytest.mark.parametrize("kind", SCENARIO_KINDS)
@pytest.mark.parametrize("how", ["random", "extreme", "up", "down"])
def test_every_balance_closes(kind: str, how: str) -> None:
    scenario = district(3, **SCENARIO_KINDS[kind])
    sim = Simulation(scenario, worlds=2, learners=EVERYBODY)
    sim.reset([1, 2], [0, 130])
    rng = np.random.default_rng(4)
    for _ in range(DAY):
        sim.actions[:] = actions_of(how, rng, sim.actions.shape)
        before, closed = stored(sim), sim.operator.round.copy()
        sim.step()
        check_step(sim, closed, before)
    assert sim.operator.accounts.any()


@pytest.mark.parametrize("trader", TRADERS)
def test_a_rural_week_closes_with_every_trader(trader: str) -> None:
    sim = Simulation(SCENARIOS["rural"](), traders=trader)
    sim.reset([7], [DAY * 7 * 10])
    for _ in range(7 * DAY):
        before, closed = stored(sim), sim.operator.round.copy()
        sim.step()
        check_step(sim, closed, before)


def test_synthetic_districts_close() -> None:
    for size in (3, 21):
        scenario = SCENARIOS["synthetic"](organizations=size, days=2)
        learners = [m.name for m in scenario.members if m.flexible][:4]
        sim = Simulation(scenario, worlds=3, learners=learners)
        sim.reset([1, 2, 3], [0, 50, 100])
        rng = np.random.default_rng(size)
        for _ in range(DAY):
            sim.actions[:] = actions_of("random", rng, sim.actions.shape)
            before, closed = stored(sim), sim.operator.round.copy()
            sim.step()
            check_step(sim, closed, before)


def test_accepted_offers_respect_their_limits() -> None:
    sim = Simulation(district(9), learners=EVERYBODY)
    sim.reset([1], [0])
    rng, rationed = np.random.default_rng(1), 0
    for _ in range(DAY):
        sim.actions[:] = actions_of("random", rng, sim.actions.shape)
        sim.step()
        o, op = sim.orders, sim.operator
        for c in Commodity:
            n = int(o.count[0, c])
            taken, price = op.accepted[0, c, :n], op.by_world.price[0, c]
            better = np.where(o.side[0, c, :n] == 1, o.price[0, c, :n] >= price,
                              o.price[0, c, :n] <= price)  # fmt: skip
            assert (taken[~better] == 0).all()
            assert (taken <= o.energy[0, c, :n]).all()
            rationed += (op.reason[0, c, :n] == Reason.MARGINAL).sum()
    assert rationed > 50


# -- what must not matter ------------------------------------------------------------------------


def trajectory(scenario: Scenario, seeds: list[int], starts: list[int], rounds: int) -> list[bytes]:
    """Digest of everything of every world after every round."""
    sim = Simulation(scenario, worlds=len(seeds), learners=EVERYBODY)
    sim.reset(seeds, starts)
    out = np.zeros(sim.observation_shape(), np.float32)
    digests = [hashlib.sha256() for _ in seeds]
    for t in range(rounds):
        for w, seed in enumerate(seeds):
            rng = np.random.default_rng([seed, t])
            sim.actions[w] = rng.integers(-FULL, FULL + 1, sim.actions.shape[1:])
        sim.step()
        sim.observe(out)
        op = sim.operator
        for w, digest in enumerate(digests):
            for part in (op.accounts, op.traded, op.metered, out, sim.view.load):
                digest.update(part[w].tobytes())
            digest.update(sim.terms[:, w].tobytes() + sim.devices.store_soc[w].tobytes())
            for c in Commodity:
                n = int(sim.orders.count[w, c])
                digest.update(op.accepted[w, c, :n].tobytes() + op.pays[w, c, :n].tobytes())
                digest.update(op.reason[w, c, :n].tobytes())
    return [digest.digest() for digest in digests]


@pytest.mark.parametrize("kind", ["book", "residual", "lottery", "coupled"])
def test_a_batch_is_as_many_single_worlds(kind: str) -> None:
    scenario = district(3, **SCENARIO_KINDS[kind])
    seeds, starts = [5, 0, 2**63 - 1, 5], [0, 96, 30, 17]
    together = trajectory(scenario, seeds, starts, 40)
    apart = [trajectory(scenario, [s], [t], 40)[0] for s, t in zip(seeds, starts, strict=True)]
    assert together == apart
    assert len(set(together)) == 4
    assert trajectory(scenario, seeds[::-1], starts[::-1], 40) == together[::-1]


@pytest.mark.parametrize("kind", ["book", "coupled"])
def test_worlds_may_run_in_parts(kind: str) -> None:
    scenario = district(3, **SCENARIO_KINDS[kind])
    whole = Simulation(scenario, worlds=5, learners=EVERYBODY)
    parts = Simulation(scenario, worlds=5, learners=EVERYBODY)
    whole.reset(range(5), range(5))
    parts.reset(range(3, 5), range(3, 5), 3, 5)
    parts.reset(range(3), range(3), 0, 3)
    out = [np.zeros(whole.observation_shape(), np.float32) for _ in range(2)]
    for _ in range(20):
        whole.step()
        for first, last in ((4, 5), (0, 2), (2, 4)):
            parts.step(first, last)
            parts.observe(out[1], first, last)
        whole.observe(out[0])
        assert np.array_equal(*out)
        assert np.array_equal(whole.operator.accounts, parts.operator.accounts)
        assert np.array_equal(whole.totals, parts.totals)


def test_reset_in_the_middle_begins_as_new_and_leaves_the_others() -> None:
    scenario = district(3)
    used = Simulation(scenario, worlds=3, learners=EVERYBODY)
    used.reset([1, 2, 3], [0, 0, 0])
    left = Simulation(scenario, worlds=3, learners=EVERYBODY)
    left.reset([1, 2, 3], [0, 0, 0])
    used.actions[:], left.actions[:] = 700_000, 700_000
    for _ in range(33):
        used.step()
        left.step()
    used.reset([9], [50], 1, 2)
    fresh = Simulation(scenario, learners=EVERYBODY)
    fresh.reset([9], [50])
    fresh.actions[:] = 700_000
    seen = np.zeros(used.observation_shape(), np.float32)
    new = np.zeros(fresh.observation_shape(), np.float32)
    for _ in range(30):
        used.observe(seen)
        fresh.observe(new)
        assert np.array_equal(seen[1], new[0])
        assert np.array_equal(used.operator.accounts[1], fresh.operator.accounts[0])
        assert np.array_equal(used.totals[:, 1], fresh.totals[:, 0])
        assert np.array_equal(used.operator.accounts[::2], left.operator.accounts[::2])
        for sim in (used, left, fresh):
            sim.step()


def test_episodes_of_a_batch_end_one_by_one() -> None:
    episodes = Episodes(district(3), ["battery"], worlds=3, rounds=4)
    episodes.reset([1, 2, 3])
    episodes.step()
    episodes.step()
    episodes.reset([9], None, 1, 2)
    assert episodes.elapsed.tolist() == [2, 0, 2]
    episodes.step()
    episodes.step()
    assert episodes.ended().tolist() == [True, False, True]
    with pytest.raises(RoundOrderError, match="reset"):
        episodes.step()
    episodes.step(1, 2)
    assert episodes.elapsed.tolist() == [4, 3, 4]
    seeds = [episodes.next_seeds(w, w + 1)[0] for w in range(3)]
    assert episodes.next_seeds(0, 3) == seeds == [next_seed(seed) for seed in (1, 9, 3)]


SCRIPT = """
import sys
from oracles.districts import district
from decent_gym.simulation import Episodes
import numpy as np
scenario = district(3, rules={"tie_rule": "random"}, utility=None)
episodes = Episodes(scenario, ["all", "plant"], rounds=20)
episodes.reset([6], {"start": 30})
ledger = episodes.record("memory")
rng = np.random.default_rng(0)
for _ in range(20):
    for k, levers in enumerate(episodes.levers):
        episodes.act(k, rng.uniform(-1, 1, len(levers)))
    episodes.step()
sys.stdout.write(f"{ledger.head} {episodes.scores().tobytes().hex()} "
                 f"{episodes.observations.tobytes().hex()}")
"""


def told(**environment: str) -> list[str]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_another_process_and_no_compiler_give_the_same() -> None:
    first = told()
    assert len(first[0]) == 64
    assert told(PYTHONHASHSEED="7") == first
    assert told(NUMBA_DISABLE_JIT="1") == first


# -- ledgers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["book", "residual", "lottery", "alone", "cold", "mixed", "coupled", "coupled alone"]
)
def test_what_was_recorded_clears_again(kind: str, tmp_path: Path) -> None:
    scenario = district(3, **SCENARIO_KINDS[kind])
    heads = []
    for where in (tmp_path / "one", "memory"):
        # the last of two worlds: the seed decides, not the place in the batch
        episodes = Episodes(scenario, EVERYBODY, worlds=2, rounds=60)
        episodes.reset([4, 5])
        ledger = episodes.record(where, 1)
        rng = np.random.default_rng(0)
        for _ in range(60):
            for k, levers in enumerate(episodes.levers):
                episodes.act(k, rng.uniform(-1, 1, len(levers)))
            episodes.step()
        heads.append(ledger.head)
        episodes.close()
    result = verify(tmp_path / "one")
    assert result.ok, result.reason
    assert result.rounds == 60
    assert heads == [result.head] * 2


def test_actions_are_recorded_and_the_ledger_ends_with_its_episode(tmp_path: Path) -> None:
    episodes = Episodes(district(3), ["battery", "tank"], rounds=3)
    episodes.reset([1])
    ledger, keeper = episodes.record(tmp_path / "a"), Recorder()
    kept = keeper.rounds
    episodes.simulation.operator.listen(0, keeper)
    episodes.act(0, [0.5, -1.0])
    episodes.act(1, [[0.25, 0.125]])
    episodes.step()
    expected = np.zeros((2, len(LEVERS)), np.int64)
    expected[0, :2], expected[1, 4:6] = (500_000, -(10**6)), (250_000, 125_000)
    assert kept[0].actions.tolist() == expected.ravel().tolist()
    with pytest.raises(RoundOrderError, match="reset"):
        episodes.record(tmp_path / "b")
    episodes.reset([2])
    episodes.step()  # nobody records this episode
    assert verify(tmp_path / "a").rounds == 1
    assert episodes.ledgers == {}
    ledger.close()
    episodes.reset([3])
    episodes.record(tmp_path / "c")
    episodes.close()
    episodes.step()
    assert verify(tmp_path / "c").rounds == 0
    assert len(kept) == 3


# -- heat that cannot be served, and mistakes ------------------------------------------------------


def test_missing_heat_is_reported_and_charged() -> None:
    cold = district(3, **SCENARIO_KINDS["cold"], prices=Prices(comfort=2_000_000))
    episodes = Episodes(cold, ["bare_pump"], rounds=DAY)
    episodes.reset([0])
    keeper, missing = Recorder(), 0
    kept = keeper.rounds
    episodes.simulation.operator.listen(0, keeper)
    for _ in range(DAY):
        episodes.act(0, [-1.0, -1.0])
        episodes.step()
        sim = episodes.simulation
        unserved = sim.flows.unserved[0]
        assert np.array_equal(kept[-1].unserved, unserved)
        assert np.array_equal(sim.terms[5, 0], -2_000_000 * unserved)
        missing += int(unserved.sum())
    assert missing > 10_000
    enough = Simulation(district(3))
    enough.reset([0], [0])
    for _ in range(DAY):
        enough.step()
        assert not enough.flows.unserved.any()


def test_devices_absorb_forecast_errors_if_the_scenario_says_so() -> None:
    """With balance='device' a house with an idle battery is in balance as far as that reaches."""
    left = {}
    for balance in ("market", "device"):
        sim = Simulation(district(3, balance=balance), learners=("battery",))
        sim.reset([0], [0])
        left[balance] = 0
        for _ in range(30):
            sim.step()
            left[balance] += abs(int(sim.operator.metered[0, 0, 0] - sim.operator.traded[0, 0, 0]))
    assert left["device"] == 0 < left["market"]


@pytest.mark.parametrize(
    ("seeds", "starts"),
    [([1], [0]), ([1, 2], [0]), ([1, -1], [0, 0]), ([1, 2], [0, 192]), ([1, 2], [0, -1]),
     ([1, 2.0], [0, 0]), ([1, 2**63], [0, 0]), ([1, 2], [0, 0.5])],
)  # fmt: skip
def test_a_bad_reset_changes_nothing(seeds: list[int], starts: list[int]) -> None:
    sim = Simulation(district(3), worlds=2)
    sim.reset([8, 9], [10, 11])
    sim.step()
    before = [sim.seeds.copy(), sim.operator.round.copy(), sim.operator.accounts.copy()]
    with pytest.raises(InputError):
        sim.reset(seeds, starts)
    after = [sim.seeds, sim.operator.round, sim.operator.accounts]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_misspelt_names_are_told() -> None:
    scenario = district(0)
    with pytest.raises(UnknownNameError, match="did you mean 'battery'"):
        Simulation(scenario, learners=("batery",))
    with pytest.raises(UnknownNameError, match="did you mean 'truthful'"):
        Simulation(scenario, traders="truthfull")
    with pytest.raises(UnknownNameError, match="did you mean 'plant'"):
        Simulation(scenario, traders={"plannt": "truthful"})
    with pytest.raises(UnknownNameError, match="did you mean 'no_flexibility'"):
        Simulation(scenario, traders={"plant": "no_flexibilty"})
    with pytest.raises(InputError, match="utility"):
        Simulation(scenario, learners=("utility",))
    with pytest.raises(InputError, match="no flexible device"):
        Episodes(scenario, ["plain"])


def test_traders_can_be_chosen_one_by_one() -> None:
    sim = Simulation(district(0), traders={"plant": "no_flexibility"}, learners=("tank",))
    codes = dict(zip((m.name for m in everybody()), sim.policy[0].tolist(), strict=True))
    assert codes["plant"] == TRADERS["no_flexibility"].code
    assert codes["battery"] == TRADERS["truthful"].code
    assert codes["tank"] == -1
    assert codes["utility"] == -2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"scenario": "rural"}, "scenario must be a Scenario, got 'rural'"),
        ({"worlds": 0}, "worlds"),
        ({"worlds": 1.5}, "worlds must be an integer"),
        ({"learners": "battery"}, "list of different names, got 'battery'"),
        ({"learners": ("battery", "battery")}, "list of different names"),
        ({"traders": 5}, "traders must be .* got int 5"),
        ({"traders": ["truthful"] * 2}, "traders must be .* got list"),
    ],
)
def test_other_mistakes_are_told_too(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Simulation(**{"scenario": district(0), **arguments})


def test_worlds_that_there_are_not_are_refused_before_a_kernel_writes_beside_its_arrays() -> None:
    sim = Simulation(district(3), worlds=2, learners=("battery",))
    out = np.zeros(sim.observation_shape(), np.float32)
    with pytest.raises(RoundOrderError, match="reset"):
        sim.step()
    sim.reset([8], [10], 1, 2)
    with pytest.raises(RoundOrderError, match="reset"):
        sim.step()
    sim.reset([8, 9], [10, 11])
    before = [sim.seeds.copy(), sim.operator.round.copy()]
    for first, last in ((0, 3), (-1, 1), (2, 1), (3, 4)):
        with pytest.raises(InputError, match="not a range of the 2"):
            sim.reset([1] * max(last - first, 0), [0] * max(last - first, 0), first, last)
        with pytest.raises(InputError, match="not a range of the 2"):
            sim.step(first, last)
        with pytest.raises(InputError, match="not a range of the 2"):
            sim.observe(out, first, last)
    assert np.array_equal(sim.seeds, before[0]) and np.array_equal(sim.operator.round, before[1])


def test_episodes_refuse_worlds_that_there_are_not() -> None:
    episodes = Episodes(district(3), ["battery"], worlds=2)
    episodes.reset([8, 9])
    for call in (
        lambda: episodes.reset([8, 9, 10], None, 0, 3),
        lambda: episodes.act(0, np.zeros(2), 0, 3),
        lambda: episodes.act(0, np.zeros(2), -1, 1),
        lambda: episodes.step(0, 3),
    ):
        with pytest.raises(InputError, match="not a range of the 2"):
            call()
    assert episodes.elapsed.tolist() == [0, 0]


@pytest.mark.parametrize("kind", SCENARIO_KINDS)
def test_books_have_room_for_every_offer_that_can_be_made(kind: str) -> None:
    """Compiled code would write past the end: the bound per member must hold by itself."""
    scenario = district(2, members=everybody(), **SCENARIO_KINDS[kind])
    most = 0
    for name in (*TRADERS, None):
        learners = [m.name for m in scenario.members if m.flexible] if name is None else []
        sim = Simulation(scenario, worlds=4, learners=learners, traders=name)
        room = sim.orders.side.shape[2]
        sim.orders = type(sim.orders).empty(4, 3 * room)  # so that one too many is seen, not lost
        sim.operator._allocate(sim.operator.book.grown(3 * room))
        sim.reset(range(4), [0, 20, 50, 90])
        rng = np.random.default_rng(0)
        for _ in range(60):
            sim.actions[:] = rng.choice([-FULL, FULL, 0, 123_456, -654_321], sim.actions.shape)
            sim.step()
            most = max(most, int(sim.orders.count.max()))
            assert most <= room
    assert most > room // 2
