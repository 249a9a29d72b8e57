"""``decent_gym/Trader-v0``: one learner among scripted traders, as a Gymnasium environment."""

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, SupportsFloat

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from decent_gym.clearing import Rules
from decent_gym.registry import unknown_name
from decent_gym.scenarios import SCENARIOS, Scenario
from decent_gym.scenarios import scenario as find_scenario
from decent_gym.simulation import LEVERS, Episodes, round_report
from decent_gym.simulation.keys import checked_seed
from decent_gym.simulation.observations import BOUND, FIELDS, FloatArray
from decent_gym.simulation.recording import EpisodeLedgers
from decent_gym.units import ROUND_SECONDS
from decent_gym.views.recorder import Recorder
from decent_gym.views.render import RENDER_MODES, render_round

DEFAULT_LEARNER: Final = "building_03"


class TraderEnv(gymnasium.Env[FloatArray, FloatArray]):
    """Trade a building's flexibility in a local market for heat and electricity.

    One step is one 15-minute round.  The action at t trades round t; the next observation holds
    its result.

    Action
        Box [-1, 1], float32: two entries per device the learner owns, a quantity (share of what
        is feasible, one way or the other) and a limit price on the closed range from feed-in to
        retail; see ``decent_gym.simulation.LEVERS`` and :attr:`action_names`.
    Observation
        Box float32, 77 entries: calendar, own devices, last prices and volumes of both books,
        known tariffs, and forecasts 0 to 95 rounds ahead; see
        :func:`decent_gym.observation_fields`.
    Reward
        ``score`` (default): euro of the round, money plus change of stored energy at a fixed
        reference value, minus wear and comfort; the rewards of an episode sum to its score.
        ``money``: payments alone.  ``savings``: the score less what the round would have cost
        without flexibility and without a local market.
    End
        Never terminated; truncated after `rounds` rounds (bootstrap from the last observation).
    Start
        A midnight of the split, drawn by the seed, or ``options={"start": round}``.
    Info
        Plain units.  After a reset: ``seed``, and ``round`` and ``time`` (UTC) of the open round.
        After a step: ``round`` and ``time`` of the round that was traded, ``reward_terms`` (EUR),
        ``requested`` and ``executed`` (kWh per device), ``traded`` and ``metered`` (kWh by
        commodity), ``unserved`` (kWh of heat), ``volume`` (kWh of all) and ``price`` (EUR/kWh,
        None if nothing traded) by commodity, ``reasons`` (of the learner's own offers), and at
        the end ``score``.

    Parameters
    ----------
    scenario : str, Path or Scenario
        A name in ``SCENARIOS``, a TOML file, or a scenario.
    learner : str
        The organization that learns.
    rounds : int
        Length of an episode, 96 is a day.
    split : {"train", "validation", "test"}
    reward : {"score", "money", "savings"}
    traders : str or mapping, optional
        Scripted traders of the others: one for all, or by organization.
    ledger : None, "memory" or path
        Record every episode; under a path, in folders ``episode-000000``, ``episode-000001`` ...,
        which the operating system brings to the device when it likes (``sync="never"``).
    render_mode : None, "ansi" or "rgb_array"
    **options
        Keywords of the scenario, such as ``tariff="time_of_use"`` or ``price_rule=0``.

    Raises
    ------
    UnknownNameError
        For a misspelt name or keyword; the message names the nearest right one.
    """

    # Gymnasium declares it as an instance variable and reads it from the class
    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        scenario: str | Path | Scenario = "rural",
        learner: str = DEFAULT_LEARNER,
        *,
        rounds: int = 96,
        split: str = "train",
        reward: str = "score",
        traders: str | Mapping[str, str] | None = None,
        ledger: str | Path | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise unknown_name("render_mode", render_mode, RENDER_MODES)
        check_keywords(scenario, options, type(self).__init__)
        self.scenario = find_scenario(scenario, **options)
        self.learner = learner
        self.render_mode = render_mode
        self.episodes = Episodes(
            self.scenario, [learner], rounds=rounds, split=split, reward=reward, traders=traders
        )
        self.action_space = spaces.Box(-1.0, 1.0, (len(self.episodes.levers[0]),), np.float32)
        self.observation_space = spaces.Box(-BOUND, BOUND, (len(FIELDS),), np.float32)
        self._recorder = Recorder(keep=96)
        if render_mode is not None:
            self.episodes.simulation.operator.listen(0, self._recorder)
        places = {} if ledger is None else {0: ledger}
        self._ledgers = EpisodeLedgers("single", places, {0: scenario}, options)
        self._seed: int | None = None

    @property
    def action_names(self) -> tuple[str, ...]:
        """What each entry of the action moves."""
        return tuple(LEVERS[i] for i in self.episodes.levers[0])

    @property
    def head(self) -> str | None:
        """Hash of the last ledger record, or None if nothing is recorded."""
        return self.episodes.head(0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode; without `seed`, the one that follows the last."""
        if seed is not None:
            episode = seed = checked_seed(seed)
        elif self._seed is None:
            episode = int(self.np_random.integers(2**31))
        else:
            episode = self.episodes.next_seeds(0, 1)[0]
        folders = self._ledgers.claim()
        self.episodes.reset([episode], options)
        super().reset(seed=seed)  # only now: a mistake must leave everything as it was
        self._seed = episode
        self._ledgers.begin(self.episodes.record, folders)
        return self.episodes.observations[0, 0].copy(), {"seed": episode, **self._now()}

    def step(
        self, action: npt.ArrayLike
    ) -> tuple[FloatArray, SupportsFloat, bool, bool, dict[str, Any]]:
        """Trade one round; see the class."""
        episodes = self.episodes
        now = self._now()
        episodes.act(0, action)
        episodes.step()
        truncated = bool(episodes.elapsed[0] >= episodes.rounds)
        info = {
            **now,
            **round_report(episodes.simulation, 0, int(episodes.simulation.learners[0, 0])),
        }
        if truncated:
            info["score"] = float(episodes.scores()[0, 0])
        observation = episodes.observations[0, 0].copy()
        return observation, float(episodes.rewards[0, 0]), False, truncated, info

    def render(self) -> Any:
        """The last round as text (``ansi``) or picture (``rgb_array``)."""
        if self.render_mode is None:
            return None
        if self._recorder.last is None:
            return "no round yet" if self.render_mode == "ansi" else None
        names = [organization.name for organization in self.scenario.organizations]
        return render_round(
            self._recorder.last, names, self.learner, self._state(), self.render_mode
        )

    def close(self) -> None:
        """Close the ledger."""
        self.episodes.close()

    def _state(self) -> dict[str, float]:
        """The learner's own state for pictures: levels of its stores, and the score so far."""
        devices, n = self.episodes.simulation.devices, int(self.episodes.simulation.learners[0, 0])
        state = {"score [EUR]": float(self.episodes.scores()[0, 0])}
        for name, soc, capacity in (
            ("battery", devices.battery_soc, devices.battery_capacity),
            ("thermal store", devices.store_soc, devices.store_capacity),
        ):
            if capacity[0, n]:
                state[f"{name} [%]"] = 100 * float(soc[0, n]) / float(capacity[0, n])
        return state

    def _now(self) -> dict[str, Any]:
        number = int(self.episodes.simulation.operator.round[0])
        seconds = self.scenario.start + number * ROUND_SECONDS
        return {"round": number, "time": datetime.fromtimestamp(seconds, UTC).isoformat()}


def check_keywords(scenario: object, options: Mapping[str, Any], face: Any) -> None:
    """Refuse a keyword that neither the face nor the scenario knows, naming the nearest of both."""
    known = [name for name in inspect.signature(face).parameters if name not in ("self", "options")]
    if isinstance(scenario, str) and scenario in SCENARIOS:
        known += inspect.signature(SCENARIOS[scenario]).parameters
    elif isinstance(scenario, Scenario):
        known += Rules().to_dict()
    elif isinstance(scenario, Path) or (isinstance(scenario, str) and scenario.endswith(".toml")):
        known += ("tariff", *Rules().to_dict())
    else:
        return  # not a scenario: whoever looks it up says so
    for name in options:
        if name not in (*known, "wishes"):
            raise unknown_name("keyword", name, (*known, "wishes"))
