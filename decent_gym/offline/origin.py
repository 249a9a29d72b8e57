"""Where recorded episodes come from: enough to make their environment again and to name entries."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from decent_gym.errors import DataError, InputError
from decent_gym.json_text import load_json
from decent_gym.units import checked_int

FORMAT: Final = 1
"""Raised whenever a file of an older version would be misread."""
ENVIRONMENT: Final = "decent_gym/Trader-v0"
LARGEST_ORIGIN: Final = 2**20
"""Bytes of its JSON."""
LONGEST_EPISODE: Final = 2**18
"""Rounds."""
_MOST_NAMES: Final = 4_096
_LONGEST_TEXT: Final = 1_000

Option = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What was recorded: the environment's keywords, who acted, and the names of all entries.

    Attributes
    ----------
    scenario : str
        A name in ``SCENARIOS``, or the name of a scenario file.
    options : dict
        Keywords of the scenario.
    scenario_digest : str
        SHA-256 of the scenario, hexadecimal.
    learner : str
        Whose observations, actions and rewards these are.
    rounds : int
        Length of every episode.
    split, reward : str
        As in :class:`decent_gym.envs.TraderEnv`.
    traders : str, dict of str to str, or None
        Scripted traders of the others.
    policy : str
        Who acted, for people.
    observations, actions, terms : tuple of str
        Names of the entries of an observation, of an action, and of the reward's terms.
    environment : str
        Gymnasium's id, with its version.
    software : str
        Version of decent-gym.
    format : int

    Raises
    ------
    InputError
        Naming the field, what it held and what is expected.
    """

    scenario: str
    options: dict[str, Option]
    scenario_digest: str
    learner: str
    rounds: int
    split: str
    reward: str
    traders: str | dict[str, str] | None
    policy: str
    observations: tuple[str, ...]
    actions: tuple[str, ...]
    terms: tuple[str, ...]
    environment: str = ENVIRONMENT
    software: str = ""
    format: int = FORMAT

    def __post_init__(self) -> None:
        if type(self.format) is not int or self.format != FORMAT:
            raise InputError(f"format must be {FORMAT}, the only known one, got {self.format!r}")
        if not self.software:
            object.__setattr__(self, "software", _installed())
        for name in ("scenario", "scenario_digest", "learner", "split", "reward", "policy",
                     "environment", "software"):  # fmt: skip
            _expect(_is_text(getattr(self, name)), name, getattr(self, name), "a short text")
        checked_int(self.rounds, "rounds", 1, LONGEST_EPISODE)
        for name in ("observations", "actions", "terms"):
            names = getattr(self, name)
            is_right = isinstance(names, tuple) and 0 < len(names) <= _MOST_NAMES
            is_right = is_right and all(map(_is_text, names)) and len(set(names)) == len(names)
            _expect(is_right, name, names, "different names")
        is_right = isinstance(self.options, dict) and all(map(_is_text, self.options))
        is_right = is_right and all(isinstance(v, Option) for v in self.options.values())
        _expect(is_right, "options", self.options, "names with plain values")
        named = self.traders if isinstance(self.traders, dict) else {"all": self.traders}
        is_right = all(_is_text(who) for who in named)
        is_right = is_right and all(
            _is_text(t) or t is self.traders is None for t in named.values()
        )
        _expect(is_right, "traders", self.traders, "a name, names by organization, or None")

    def keywords(self) -> dict[str, Any]:
        """Keywords with which ``gymnasium.make(origin.environment, ...)`` makes it again.

        Of a scenario file only the name is known: put its path in place of ``scenario``.
        """
        return {
            "scenario": self.scenario,
            "learner": self.learner,
            "rounds": self.rounds,
            "split": self.split,
            "reward": self.reward,
            "traders": self.traders,
            **self.options,
        }

    def to_json(self) -> str:
        """The one text of it: keys sorted, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Origin":
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        DataError
            For anything else, naming the field.
        """
        try:
            values = load_json(text, LARGEST_ORIGIN)
        except ValueError as error:
            raise DataError(f"the origin is no JSON that we write: {error}") from None
        return cls.from_values(values)

    @classmethod
    def from_values(cls, values: object) -> "Origin":
        """The same from the object that the JSON holds."""
        if not isinstance(values, Mapping):
            raise DataError(f"the origin must be an object, got {type(values).__name__}")
        known = {field.name for field in fields(cls)}
        if values.get("format") == FORMAT and values.keys() != known:
            wrong = sorted(map(str, values.keys() ^ known))[:5]
            raise DataError(f"the origin: unknown or missing fields {', '.join(wrong)}")
        lists = {name: values.get(name) for name in ("observations", "actions", "terms")}
        named = {k: tuple(v) if isinstance(v, list) else v for k, v in lists.items()}
        try:
            return cls(**{**values, **named})
        except (InputError, TypeError) as error:
            raise DataError(f"the origin: {error}") from None


def _installed() -> str:
    try:
        return version("decent-gym")
    except PackageNotFoundError:
        return "checkout"


def _expect(is_right: bool, name: str, value: object, expected: str) -> None:
    if not is_right:
        raise InputError(f"{name} must be {expected}, got {str(value)[:200]!r}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT
