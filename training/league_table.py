"""What the members of a league earn on held-out weeks, as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from agents.league_env import one_hot
from decent_gym import Scenario
from decent_gym.envs import TraderVectorEnv
from training.held_out import ROUNDS_PER_WEEK, Cell, Policy


@dataclass(frozen=True, slots=True)
class Found:
    """EUR per week of one member on the test weeks.

    Attributes
    ----------
    scripted : everybody acts by the scripted traders
    learned : everybody in the league acts by the policy
    response : this one acts by the best response found, the others by the policy; None if none was
        looked for
    responder : which one that is, chosen on the validation weeks
    """

    member: str
    scripted: float
    learned: float
    response: float | None = None
    responder: str | None = None

    @property
    def exploitability(self) -> float | None:
        """What the best response gains."""
        return None if self.response is None else self.response - self.learned


def play(
    scenario: Scenario, league: Mapping[str, Policy], these: Sequence[Cell]
) -> dict[str, npt.NDArray[np.float64]]:
    """EUR per week of every member on cells, each acting by its policy of the shared actions."""
    env = TraderVectorEnv(
        len(these) * len(league), scenario=scenario, learners=list(league), rounds=ROUNDS_PER_WEEK
    )
    starts, seeds = [cell.start for cell in these], [cell.seed for cell in these]
    who = one_hot(env.learner_names, list(league))
    seen, _ = env.reset(seed=seeds, options={"start": starts})
    rows: dict[int, list[int]] = {}
    for row, name in enumerate(env.learner_names):
        rows.setdefault(id(league[name]), []).append(row)
    policies = {id(policy): policy for policy in league.values()}
    actions = np.zeros(env.action_space.shape, np.float32)
    infos: dict[str, Any] = {}
    for _ in range(ROUNDS_PER_WEEK):
        for key, mine in rows.items():
            actions[mine] = policies[key].predict(np.concatenate([seen[mine], who[mine]], axis=1))
        seen, _, _, _, infos = env.step(actions)
    env.close()
    scores = infos["final_info"]["score"].reshape(len(these), len(league))
    return dict(zip(league, scores.T, strict=True))


def table(lines: Sequence[Found]) -> Table:
    """The lines for people."""
    drawn = Table(title="EUR per week on the test weeks")
    drawn.add_column("member", no_wrap=True)
    for head in ("scripted", "learned", "response", "exploitability"):
        drawn.add_column(head, justify="right")
    drawn.add_column("by", no_wrap=True)
    for line in lines:
        drawn.add_row(*cells_of(line))
    return drawn


def markdown(lines: Sequence[Found]) -> str:
    """The lines as a Markdown table."""
    head = "| member | scripted | learned | response | exploitability | by |\n"
    rows = ["| " + " | ".join(cells_of(line)) + " |\n" for line in lines]
    return head + "|---|---:|---:|---:|---:|---|\n" + "".join(rows)


def cells_of(line: Found) -> tuple[str, ...]:
    """One line as texts."""
    numbers = (line.scripted, line.learned, line.response)
    shown = ["" if number is None else f"{number:.2f}" for number in numbers]
    gain = "" if line.exploitability is None else f"{line.exploitability:+.2f}"
    return (line.member, *shown, gain, line.responder or "")
