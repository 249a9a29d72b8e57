"""The tables of docs/environment.md are those of the code, and its example runs."""

import inspect
import re
from pathlib import Path

from oracles.districts import district

from decent_gym import observation_fields
from decent_gym.envs import TraderEnv
from decent_gym.simulation import LEVERS, REWARDS, Term
from decent_gym.simulation.forecast import LEADS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "environment.md").read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """Cells of the one table whose header begins so."""
    found = re.findall(rf"^\| {re.escape(header)}.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert len(found) == 1
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in found[0].splitlines()]


def names(cells: list[str]) -> list[str]:
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_observation_fields() -> None:
    rows = []
    for name, unit, usual, meaning in table("field |"):
        low, high = map(float, usual.split(" to "))
        if "..." not in name:
            rows.append((name.strip("`"), unit, low, high, meaning))
            continue
        first, last = names([name])
        stem = first.removesuffix("_0")
        assert last == f"{stem}_{LEADS[-1]}"
        for lead in LEADS:
            rows.append((f"{stem}_{lead}", unit, low, high, f"{meaning}, {lead} rounds ahead"))
    assert rows == [(f.name, f.unit, f.low, f.high, f.meaning) for f in observation_fields()]
    assert f"A float32 vector of {len(rows)} entries" in PAGE
    assert f"each of the leads {', '.join(map(str, LEADS))}," in PAGE


def test_levers() -> None:
    assert names([row[0] for row in table("lever |")]) == list(LEVERS)


def test_reward_terms() -> None:
    rows = table("term |")
    assert names([row[0] for row in rows]) == [term.name.lower() for term in Term]
    columns = zip(*((int(weight) for weight in row[1:4]) for row in rows), strict=True)
    shown = dict(zip(("score", "money", "savings"), columns, strict=True))
    assert shown == dict(REWARDS)


def test_info_keys() -> None:
    env = TraderEnv(district(0), "all", rounds=1)
    _, after_reset = env.reset(seed=0)
    *_, after_step = env.step([0.0] * 10)
    keys: dict[str, set[str]] = {"reset": set(), "step": set(), "last step": set(), "both": set()}
    for row in table("key |"):
        keys[row[1]] |= set(names(row[:1]))
    assert keys["reset"] | keys["both"] == set(after_reset)
    assert keys["step"] | keys["last step"] | keys["both"] == set(after_step)


def test_keywords() -> None:
    parameters = inspect.signature(TraderEnv).parameters
    shown = {row[0].strip("`"): row[1].strip("`") for row in table("keyword |")}
    assert shown.pop("others") == ""
    defaults = {name: p.default for name, p in parameters.items() if name != "options"}
    assert shown == {
        name: f'"{value}"' if isinstance(value, str) else str(value)
        for name, value in defaults.items()
    }


def test_the_examples_run(capsys: object) -> None:
    first, *others = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(first, "docs/environment.md", "exec"), names)
    assert float(capsys.readouterr().out) < 0  # type: ignore[attr-defined]
    assert len(others) >= 2
    for code in others:  # they go on where the first ends
        exec(compile(code, "docs/environment.md", "exec"), names)
