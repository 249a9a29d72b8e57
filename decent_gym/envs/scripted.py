"""What a scripted trader would have scored where a learner stood: the other half of a comparison.

Same scenario, days, forecast errors, initial states and neighbours as ``decent_gym/Trader-v0``
with the same seed and start, because both run the same simulation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError
from decent_gym.models import COMMODITIES
from decent_gym.scenarios import Scenario
from decent_gym.scenarios import scenario as find_scenario
from decent_gym.simulation import Simulation, Term
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR, checked_int

SCORE = "score"


def run_scripted(
    scenario: str | Path | Scenario,
    organization: str,
    trader: str,
    *,
    starts: Sequence[int],
    seeds: Sequence[int],
    rounds: int = 96,
    traders: str | Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, npt.NDArray[np.float64]]:
    """Run episodes, side by side, in which a scripted trader acts for `organization`.

    Parameters
    ----------
    scenario, **options
        As for :class:`TraderEnv`.
    organization : str
        Whose score is wanted.
    trader : str
        The scripted trader that acts for it.
    starts, seeds : sequence of int, one per episode
        What ``reset(seed=..., options={"start": ...})`` would be given.
    rounds : int
        Length of the episodes.
    traders : str or mapping, optional
        Scripted traders of the others, as for :class:`TraderEnv`.

    Returns
    -------
    dict of float64 (episodes,), EUR
        Totals of the terms of ``info["reward_terms"]`` by name, and ``score``, as in ``info`` at
        the end of an episode.  ``reference`` is what the same load would have cost without
        flexibility and without a local market.

    Raises
    ------
    UnknownNameError
        For a misspelt name or keyword; the message names the nearest right one.
    InputError
        If `starts` and `seeds` differ in length or are empty, an episode leaves the scenario, or
        `organization` is the utility, for which nobody decides.
    """
    simulation, index, length = _begin(
        find_scenario(scenario, **options), organization, trader, starts, seeds, rounds, traders
    )
    for _ in range(length):
        simulation.step()
    totals = simulation.totals[:, :, index]
    scores = totals[: Term.REFERENCE].sum(axis=0) / NANO_EUR_PER_EUR
    return {
        **{term.name.lower(): totals[term] / NANO_EUR_PER_EUR for term in Term},
        SCORE: scores,
    }


def scripted_prices(
    scenario: str | Path | Scenario,
    organization: str,
    trader: str,
    *,
    starts: Sequence[int],
    seeds: Sequence[int],
    rounds: int = 96,
    traders: str | Mapping[str, str] | None = None,
    **options: Any,
) -> npt.NDArray[np.float64]:
    """The prices of the episodes that :func:`run_scripted` runs when given the same arguments.

    Returns
    -------
    float64 (episodes, rounds, C), EUR/kWh
        Clearing prices by commodity, NaN where nothing was traded.

    Raises
    ------
    UnknownNameError, InputError
        As :func:`run_scripted`.
    """
    simulation, _, length = _begin(
        find_scenario(scenario, **options), organization, trader, starts, seeds, rounds, traders
    )
    prices = np.empty((len(starts), length, COMMODITIES))
    for at in range(length):
        simulation.step()
        outcome = simulation.operator.by_world
        prices[:, at] = np.where(outcome.volume > 0, outcome.price / MICRO_EUR_PER_EUR, np.nan)
    return prices


def _begin(
    district: Scenario,
    organization: str,
    trader: str,
    starts: Sequence[int],
    seeds: Sequence[int],
    rounds: int,
    traders: str | Mapping[str, str] | None,
) -> tuple[Simulation, int, int]:
    """Episodes that have just begun, the organization's index, and how long they will be."""
    length = checked_int(rounds, "rounds (length of an episode)", 1, district.rounds)
    if not len(starts) or len(starts) != len(seeds):
        raise InputError(
            f"starts and seeds need one entry per episode, got {len(starts)} and {len(seeds)}"
        )
    for start in starts:
        checked_int(start, "start", 0, district.rounds - length)
    index = district.index(organization)
    if district.members[index].organization.priority == 1:
        raise InputError(f"{organization!r} is the utility; it only quotes its tariffs")
    if isinstance(traders, str):
        traders = {member.name: traders for member in district.members}
    if traders is None or isinstance(traders, Mapping):
        traders = {**(traders or {}), organization: trader}
    simulation = Simulation(district, worlds=len(starts), traders=traders)
    simulation.reset(seeds, starts)
    return simulation, index, length
