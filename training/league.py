"""Train all flexible organizations of a district at once, and ask how exploitable they are.

    python -m training.league --folder runs/league-0 --opponents league --seed 0

One policy is shared by all members of the league (parameter sharing).  ``--opponents`` says among
whom a member learns: ``scripted`` traders, ``frozen`` earlier selves, ``self`` (everybody learns at
once) or ``league``, a third of each.  Then the policy is frozen, and for some members a *best
response* is trained while all others act by it.  What that gains on held-out weeks is the
exploitability that was found: a lower bound of the true one, since a better learner might gain
more.

What comes out, under ``--folder``: ``policies/<member>/`` (each a folder as training.ppo writes it,
so training.evaluate judges it), ``league.json`` and ``league.md``.

Source: fictitious self-play, J. Heinrich, M. Lanctot, D. Silver, ICML 2015; a league of earlier
selves, O. Vinyals et al., Nature 575 (2019); exploitability by an approximate best response,
F. Timbers et al., "Approximate exploitability", IJCAI 2022.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

import decent_gym
from agents.description import Description
from agents.league_env import LeagueVecEnv
from agents.shared_policy import Frozen, freeze, write_member
from agents.storage_rule import StorageRule
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.errors import DecentGymError, InputError
from training.held_out import Cell, Policy, cells, score_scripted
from training.league_table import Found, markdown, play, table

SEEDS_APART = 1_000_003
KINDS = {
    "scripted": (1, 0, 0),
    "frozen": (0, 1, 0),
    "self": (0, 0, 1),
    "league": (1, 1, 1),
}
"""Shares of worlds that are scripted, frozen, mirror."""


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train all flexible organizations of a district at once, and ask how exploitable they are."""

    scenario: str = "rural"
    """a name in SCENARIOS, or the path of a .toml file"""
    options: dict[str, int | str] = field(default_factory=dict)
    """keywords of the scenario: --options tariff time_of_use"""
    members: tuple[str, ...] = ()
    """the league; by default every organization with a flexible device"""
    opponents: Literal["scripted", "frozen", "self", "league"] = "league"
    """among whom a member learns"""
    folder: Path = Path("runs/league")
    """where everything is written"""
    seed: int = 0
    """of networks, episodes, exploration and draws of opponents"""
    steps: int = 600_000
    """rounds of experience of single members, over all worlds"""
    rows: int = 48
    """members that learn side by side, at least; whole worlds are made of them"""
    snapshot_every: int = 60_000
    """steps between frozen selves"""
    pool: int = 6
    """frozen selves that are kept, the newest"""

    exploit: tuple[str, ...] = ()
    """members whose best response is trained; by default the first three"""
    response_steps: int = 200_000
    """of each best response; 0: none"""
    weeks: int | None = None
    """judge on so many weeks of validation and test only"""

    rounds: int = 96
    """length of a training episode"""
    learning_rate: float = 1e-3
    """falls linearly to 0 over the run"""
    n_steps: int = 96
    """rounds per row between updates"""
    batch_size: int = 512
    """at most; the nearest that divides the experience of an update is taken"""
    n_epochs: int = 4
    gamma: float = 0.9
    log_std: float = 0.5
    hidden: tuple[int, ...] = (64, 64)
    threads: int = 1
    """share the worlds of a step"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


def run(args: Args) -> list[Found]:
    """Train, judge and write everything; returns one line per member.

    Raises
    ------
    UnknownNameError, InputError
        For names that do not exist, or do not belong to the league.
    """
    torch.set_num_threads(1)
    scenario = find_scenario(args.scenario, **args.options)
    members = args.members or tuple(m.name for m in scenario.members if m.flexible)
    if not args.hidden:
        raise InputError("hidden must name at least one layer, got ()")
    exploit = args.exploit or members[:3]
    for name in exploit:
        if name not in members:
            raise InputError(f"exploit names {name!r}, who is not in the league {members}")
    shared = train(args, scenario, members, members, KINDS[args.opponents], args.steps, [])
    for name in members:
        write_member(args.folder / "policies", scenario, shared, name)
    everybody: dict[str, Policy] = dict.fromkeys(members, shared)
    test = cells(scenario, "test", most=args.weeks)
    learned = play(scenario, everybody, test)
    lines = []
    for name in members:
        scripted = scenario.members[scenario.index(name)].trader
        alone = float(score_scripted(scripted, scenario, name, test)["score"].mean())
        lines.append(Found(name, alone, float(learned[name].mean())))
    if args.response_steps:
        lines = [respond(args, scenario, shared, everybody, test, line) if line.member in exploit
                 else line for line in lines]  # fmt: skip
    args.folder.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(line), "exploitability": line.exploitability} for line in lines]
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()}
    text = json.dumps({"settings": settings, "lines": rows}, indent=1) + "\n"
    (args.folder / "league.json").write_text(text, encoding="utf-8")
    (args.folder / "league.md").write_text(markdown(lines), encoding="utf-8")
    return lines


def train(
    args: Args,
    scenario: Scenario,
    members: Sequence[str],
    focal: Sequence[str],
    shares: tuple[int, int, int],
    steps: int,
    opponents: Sequence[Policy],
) -> Frozen:
    """A policy for `focal` among the members of the league.

    Frozen worlds hold `opponents`; without any, earlier selves.
    """
    per_kind = -(-args.rows // sum(shares))
    worlds = [share * per_kind for share in shares]
    worlds[2] = -(-worlds[2] // len(members))
    league = LeagueVecEnv(
        *worlds, members=members, focal=focal, seed=args.seed, scenario=scenario,
        rounds=args.rounds, threads=args.threads,
    )  # fmt: skip
    normalised = VecNormalize(league, gamma=args.gamma)
    model = PPO(
        "MlpPolicy",
        normalised,
        learning_rate=lambda left: args.learning_rate * left,
        n_steps=args.n_steps,
        batch_size=largest_divisor(league.num_envs * args.n_steps, args.batch_size),
        n_epochs=args.n_epochs,
        gamma=args.gamma,
        policy_kwargs={"net_arch": list(args.hidden), "log_std_init": args.log_std},
        seed=args.seed,
        device="cpu",
    )
    facts = describe(args, scenario, members, league.action_names, focal[0])
    normalised.seed(args.seed * SEEDS_APART)  # neighbouring seeds must not share their days
    league.opponents = list(opponents) or [freeze(model, facts)]  # at first the untrained self
    try:
        model.learn(steps, callback=Watch(args, facts, league, grows=not opponents))
        return freeze(model, facts)
    finally:
        normalised.close()


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of `number` that is not above `most`."""
    return next(size for size in range(min(number, most), 0, -1) if number % size == 0)


class Watch(BaseCallback):
    """Freezes earlier selves, shows progress."""

    def __init__(self, args: Args, facts: Description, league: LeagueVecEnv, grows: bool) -> None:
        super().__init__()
        self.args, self.facts, self.league, self.grows = args, facts, league, grows
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeRemainingColumn(), console=console, transient=True,
            disable=not (args.progress and console.is_terminal),
        )  # fmt: skip

    def _on_training_start(self) -> None:
        self.seen = 0
        self.bar.start()
        what = "league" if self.grows else f"response of {self.facts.learner}"
        self.task = self.bar.add_task(what, total=self.locals["total_timesteps"])

    def _on_step(self) -> bool:
        self.bar.update(self.task, completed=self.num_timesteps)
        return True

    def _on_rollout_end(self) -> None:
        every = self.args.snapshot_every
        if self.grows and self.num_timesteps // every > self.seen // every:
            mine = freeze(self.model, self.facts)
            self.league.opponents = [*self.league.opponents, mine][-self.args.pool :]
        self.seen = self.num_timesteps

    def _on_training_end(self) -> None:
        self.bar.stop()


def describe(
    args: Args, scenario: Scenario, members: Sequence[str], actions: Sequence[str], learner: str
) -> Description:
    """What a shared policy is."""
    fields = tuple(f.name for f in decent_gym.observation_fields())
    return Description(
        algorithm="ppo",
        scenario=Path(args.scenario).name,
        options=args.options,
        scenario_digest=scenario.digest.hex(),
        learner=learner,
        observations=fields + tuple(f"is_{name}" for name in members),
        actions=tuple(actions),
        hidden=args.hidden,
        activation="tanh",
        clip=10.0,
        epsilon=1e-8,
        steps=0,
        seed=args.seed,
        settings={k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()},
    )


def respond(
    args: Args,
    scenario: Scenario,
    shared: Frozen,
    everybody: Mapping[str, Policy],
    test: Sequence[Cell],
    line: Found,
) -> Found:
    """The best response of one member that was found, chosen on the validation weeks."""
    name, actions = line.member, shared.acting.description.actions
    trained = train(
        args, scenario, list(everybody), [name], (0, 1, 0), args.response_steps, [shared]
    )
    candidates: dict[str, Policy] = {
        "itself": shared,
        "trained": trained,
        "storage rule": StorageRule.of(scenario, actions),
    }
    validation = cells(scenario, "validation", most=args.weeks)
    means = {
        what: float(play(scenario, {**everybody, name: policy}, validation)[name].mean())
        for what, policy in candidates.items()
    }
    best = max(means, key=lambda what: means[what])
    gained = play(scenario, {**everybody, name: candidates[best]}, test)[name]
    return replace(line, response=float(gained.mean()), responder=best)


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    console = Console()
    try:
        lines = run(args)
    except DecentGymError as error:
        sys.exit(f"training.league: {error}")
    console.print(table(lines))
    console.print(f"policies: {args.folder / 'policies'}")


if __name__ == "__main__":
    main()
