"""Reference returns: what known policies score, and the two that scores are normalised by.

The file beside this one, ``reference_returns.json``, is written by :mod:`training.reference` and
belongs to one version of the environment.  With its constants::

    normalised = (score - no_flexibility) / (reference - no_flexibility)

so that doing nothing is 0 and the reference is 1.  What the reference is, ``kind`` says: an upper
bound, or only what a price taker with perfect foresight would have made of the prices that the
market had without its trades.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from decent_gym import Scenario
from decent_gym.errors import DataError

SCHEMA: Final = 1
FILE: Final = Path(__file__).with_name("reference_returns.json")
ZERO: Final = "no_flexibility"
ONE: Final = "LP, market prices"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario and learner, and what everybody scored there.

    Attributes
    ----------
    title : str
    scenario : str
        A name in ``SCENARIOS``.
    options : dict
        Its keywords.
    learner : str
    digest : str
        SHA-256 of the scenario, hexadecimal.
    weeks, seeds : tuple of int
        The K held-out weeks and the seeds of their forecast errors.
    kind : str
        What the reference is, as in :class:`agents.optimal.Optimum`.
    rows : dict of str to list
        Policy -> scores, EUR per week, R runs of K weeks.
    """

    title: str
    scenario: str
    options: dict[str, Any]
    learner: str
    digest: str
    weeks: tuple[int, ...]
    seeds: tuple[int, ...]
    kind: str
    rows: dict[str, list[list[float]]]

    def mean(self, row: str) -> float:
        """EUR per week, over runs and weeks."""
        return float(np.mean(self.rows[row]))

    def normalised(self, score: float) -> float:
        """A mean score per week, EUR, on the scale from doing nothing (0) to the reference (1)."""
        zero, one = self.mean(ZERO), self.mean(ONE)
        return (score - zero) / (one - zero)


@dataclass(frozen=True, slots=True)
class ReferenceReturns:
    """All cases, of one version of the environment, on one split."""

    environment: str
    split: str
    date: str
    cases: tuple[Case, ...]
    schema: int = SCHEMA

    def case(self, scenario: Scenario, learner: str) -> Case | None:
        """The case of exactly this scenario and learner, if there is one."""
        digest = scenario.digest.hex()
        return next((c for c in self.cases if (c.digest, c.learner) == (digest, learner)), None)


def load(path: Path = FILE) -> ReferenceReturns:
    """Read the file.

    Raises
    ------
    DataError
        If it is not there, or not of this schema.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise DataError(f"{path.name}: schema must be {SCHEMA}, got {data['schema']!r}")
        cases = [
            Case(**{**case, "weeks": tuple(case["weeks"]), "seeds": tuple(case["seeds"])})
            for case in data.pop("cases")
        ]
        return ReferenceReturns(**data, cases=tuple(cases))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; python -m training.reference writes it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} is no file of reference returns: {error}") from None


def save(returns: ReferenceReturns, path: Path = FILE) -> None:
    """Write the file, a run a line."""
    text = json.dumps(asdict(returns), indent=1)
    flat = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: f"[{_joined(found[1])}]", text)
    path.write_text(flat + "\n", encoding="utf-8")


def _joined(values: str) -> str:
    return " ".join(values.split())


def normalised(score: float, scenario: Scenario, learner: str) -> float | None:
    """`score`, EUR per week on the test weeks, between doing nothing (0) and the reference (1).

    None if no constants are known for exactly this scenario and learner.
    """
    case = load().case(scenario, learner)
    return None if case is None else case.normalised(score)
