"""``policy.json``: everything about a trained policy that is not a number of its network.

The file is ours, plain and strict, so that a policy can be rebuilt without unpickling anything.
Whatever it does not know, it refuses.
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import PurePath
from typing import Any, Final

from decent_gym.errors import DataError
from decent_gym.json_text import load_json

SCHEMA: Final = 2
ALGORITHMS: Final = ("ppo", "sac", "recurrent_ppo", "behaviour_cloning", "rllib_ppo")
ADDED: Final = {"lstm": 0, "validation": None}
"""What schema 1, which knew only ppo, did not say yet."""
ACTIVATIONS: Final = ("relu", "tanh")
LARGEST_FILE: Final = 65_536
"""Bytes."""
WIDEST_LAYER: Final = 2_048
MOST_LAYERS: Final = 4
MOST_NAMES: Final = 10_000
LONGEST_TEXT: Final = 200

Option = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a policy is, what it was trained on, and what it expects to see.

    Attributes
    ----------
    algorithm : {"ppo", "sac", "recurrent_ppo", "behaviour_cloning", "rllib_ppo"}
        What trained it, and so which network it is: see :func:`agents.learned.build_network`.
    scenario : str
        A name in ``SCENARIOS``, or the name of a scenario file (never a path).
    options : dict
        Keywords of the scenario.
    scenario_digest : str
        SHA-256 of the scenario, hexadecimal.
    learner : str
        The organization it acts for.
    observations, actions : tuple of str
        Names of the entries of both vectors, in order.
    hidden : tuple of int
        Widths of the hidden layers of the policy and of the value network.
    lstm : int
        Units of the recurrent layer before them, in both; 0 without one.
    activation : {"tanh", "relu"}
    clip, epsilon : float
        Observations become ``clip((x - mean) / sqrt(variance + epsilon), -clip, clip)``.
    steps, seed : int
        How long it was trained, and from which seed.
    validation : float or None
        Mean score on the validation weeks of repetition 0, EUR per week; None if nobody looked.
    settings : dict
        The other arguments of the training, as information.
    versions : dict of str to str
        Software that wrote the files, as information.
    schema : int
    """

    algorithm: str
    scenario: str
    options: dict[str, Option]
    scenario_digest: str
    learner: str
    observations: tuple[str, ...]
    actions: tuple[str, ...]
    hidden: tuple[int, ...]
    activation: str
    clip: float
    epsilon: float
    steps: int
    seed: int
    lstm: int = 0
    validation: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        _expect(self.schema == SCHEMA, "schema", self.schema, f"{SCHEMA}, this version's")
        is_right = self.algorithm in ALGORITHMS
        _expect(is_right, "algorithm", self.algorithm, f"one of {', '.join(ALGORITHMS)}")
        for name in ("scenario", "learner", "scenario_digest"):
            _expect(_is_text(getattr(self, name)), name, getattr(self, name), "a short text")
        parts = PurePath(self.scenario.replace("\\", "/")).parts
        _expect(len(parts) == 1 and parts[0] not in ("..", "/"), "scenario", self.scenario,
                "a name without folders")  # fmt: skip
        for name in ("observations", "actions"):
            names = getattr(self, name)
            is_right = isinstance(names, tuple) and 0 < len(names) <= MOST_NAMES
            _expect(is_right and all(map(_is_text, names)), name, names, "a list of names")
        is_right = isinstance(self.hidden, tuple) and len(self.hidden) <= MOST_LAYERS
        is_right = is_right and all(_is_int(w) and 0 < w <= WIDEST_LAYER for w in self.hidden)
        _expect(is_right, "hidden", self.hidden,
                f"up to {MOST_LAYERS} widths from 1 to {WIDEST_LAYER}")  # fmt: skip
        is_recurrent = self.algorithm == "recurrent_ppo"
        is_right = _is_int(self.lstm) and 0 <= self.lstm <= WIDEST_LAYER
        _expect(is_right and (self.lstm > 0) is is_recurrent, "lstm", self.lstm,
                f"1 to {WIDEST_LAYER} for recurrent_ppo, 0 for others")  # fmt: skip
        _expect(self.activation in ACTIVATIONS, "activation", self.activation, str(ACTIVATIONS))
        for name in ("clip", "epsilon"):
            value = getattr(self, name)
            is_right = isinstance(value, float) and 0 < value < math.inf
            _expect(is_right, name, value, "a positive number")
        for name in ("steps", "seed"):
            value = getattr(self, name)
            _expect(_is_int(value) and 0 <= value < 2**63, name, value, "an integer, 0 or more")
        is_right = isinstance(self.validation, float) and math.isfinite(self.validation)
        _expect(is_right or self.validation is None, "validation", self.validation,
                "a number or null")  # fmt: skip
        _expect(isinstance(self.options, dict) and all(map(_is_option, self.options.values())),
                "options", self.options, "names with plain values")  # fmt: skip
        for name in ("settings", "versions"):
            _expect(isinstance(getattr(self, name), dict), name, getattr(self, name), "an object")

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Description":
        """Read the file's text; one of schema 1 is brought up to this version's.

        Raises
        ------
        DataError
            For anything that :meth:`to_json` would not write, now or under schema 1: says which
            field, what it held and what was expected.
        """
        try:
            data = load_json(text, LARGEST_FILE)
        except ValueError as error:
            raise DataError(f"policy.json is no JSON that we write: {error}") from None
        if not isinstance(data, dict):
            raise DataError(f"policy.json must hold an object, got {type(data).__name__}")
        version = data.get("schema")
        if version not in (1, SCHEMA) or not _is_int(version):
            raise DataError(f"policy.json: schema must be 1 or {SCHEMA}, got {version!r}")
        known = {f.name for f in fields(cls)} - (ADDED.keys() if version == 1 else set())
        if data.keys() != known:
            wrong = sorted(data.keys() ^ known)
            raise DataError(f"policy.json: unknown or missing fields {', '.join(wrong)}")
        if version == 1:
            _expect(data["algorithm"] == "ppo", "algorithm", data["algorithm"], "'ppo'")
            data |= {"schema": SCHEMA, **ADDED}
        for name in ("observations", "actions", "hidden"):
            _expect(isinstance(data[name], list), name, data[name], "a list")
            data[name] = tuple(data[name])
        return cls(**data)


def _expect(is_right: bool, name: str, value: object, expected: str) -> None:
    if not is_right:
        raise DataError(
            f"policy.json: {name} must be {expected}, got {str(value)[:LONGEST_TEXT]!r}"
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_option(value: object) -> bool:
    return value is None or isinstance(value, Option)
