"""A training script's arguments, from three places; a later one wins.

1. the defaults of the script's dataclass;
2. ``training/hyperparameters/<algorithm>.yml``: what stands under the scenario, then what stands
   under ``scenario/learner``;
3. the command line.

The YAML file says only what differs from the dataclass, and only how to learn, never what or where.
"""

import shlex
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro
import yaml
from rich.console import Console

from decent_gym import SCENARIOS
from decent_gym.errors import DecentGymError, InputError
from decent_gym.registry import unknown_name
from training.interruption import Stopped
from training.learning_run import RunArgs, say

FOLDER: Final = Path(__file__).parent / "hyperparameters"
NOT_IN_YAML: Final = frozenset(
    {"scenario", "options", "learner", "folder", "seed", "resume", "progress"}
)
"""What is learnt and where it goes: said on the command line only."""
A = TypeVar("A", bound=RunArgs)


@dataclass(frozen=True, kw_only=True)
class Which:
    """The arguments that choose entries of a YAML file."""

    scenario: str = RunArgs.scenario
    learner: str = RunArgs.learner


def run_script(kind: type[A], algorithm: str, train: Callable[[A], Path]) -> None:
    """The command line of a training script."""
    words = sys.argv[1:]
    try:
        args = parse(kind, algorithm, words)
        policy = train(args)
    except DecentGymError as error:
        sys.exit(f"training.{algorithm}: {error}")
    except Stopped as stopped:
        say(f"{stopped}; go on with\npython -m training.{algorithm} {shlex.join(resuming(words))}")
        sys.exit(128 + stopped.signal)
    Console(soft_wrap=True).print(
        f"policy: {policy}\njudge it: python -m training.evaluate --runs {args.folder}"
    )


def parse(kind: type[A], algorithm: str, words: Sequence[str]) -> A:
    """The arguments that a command line means; ``--help`` shows them and ends.

    Raises
    ------
    InputError, UnknownNameError
        If the YAML file holds what no such script knows.
    """
    asks_nothing = [word for word in words if word not in ("-h", "--help")]
    which, _ = tyro.cli(Which, args=asks_nothing, return_unknown_args=True)
    file = FOLDER / f"{algorithm}.yml"
    found = hyperparameters(kind, file, which.scenario, which.learner)
    origin = (
        f"Defaults come from training/{algorithm}.py and, for the scenario, from "
        f"training/hyperparameters/{file.name}; the command line wins. "
        f"For {which.scenario} and {which.learner} {file.name} says {in_words(found)}."
    )
    prog = f"python -m training.{algorithm}"
    return tyro.cli(kind, args=words, default=kind(**found), prog=prog, description=origin)


def in_words(found: Mapping[str, Any]) -> str:
    """``gamma 0.98, n_envs 4``, or ``nothing``."""
    return ", ".join(f"{name} {value}" for name, value in found.items()) or "nothing"


def resuming(words: Sequence[str]) -> list[str]:
    """The same command line, but going on from the newest checkpoint."""
    kept = [word for word in words if not word.startswith("--resume=")]
    if "--resume" in kept:
        at = kept.index("--resume")
        del kept[at : at + 2]
    return [*kept, "--resume", "auto"]


def hyperparameters(kind: type[RunArgs], file: Path, scenario: str, learner: str) -> dict[str, Any]:
    """What a YAML file says for a scenario and a learner, as keywords of `kind`.

    Raises
    ------
    InputError
        Naming file, entry and value, if the value does not fit the argument.
    UnknownNameError
        Naming the nearest right one, for an unknown scenario or argument, also in other entries.
    """
    try:
        entries = yaml.load(file.read_text(encoding="utf-8"), Loader=_NoTwice)  # a SafeLoader
    except yaml.YAMLError as error:
        raise InputError(f"{file.name} is not YAML: {error}") from None
    entries = {} if entries is None else entries
    hints = get_type_hints(kind)
    known = [f.name for f in fields(kind) if f.name not in NOT_IN_YAML]
    checked = {}
    for key, entry in _mapping(entries, file.name).items():
        base = str(key).split("/")[0]
        if not base.endswith(".toml") and base not in SCENARIOS:
            raise unknown_name(f"scenario in {file.name}", base, SCENARIOS)
        place = f"{file.name}: {key}"
        for name in _mapping(entry, place):
            if name not in known:
                raise unknown_name(f"argument in {place}", name, known)
        checked[key] = {n: fitting(v, hints[n], f"{place}: {n}") for n, v in entry.items()}
    name = Path(scenario).name
    return checked.get(name, {}) | checked.get(f"{name}/{learner}", {})


def fitting(value: Any, hint: Any, place: str) -> Any:
    """`value` as the type `hint`, which is one of those that arguments have."""
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            try:
                return fitting(value, part, place)
            except InputError:
                continue
    elif get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
    elif get_origin(hint) is tuple:
        if isinstance(value, list):
            return tuple(fitting(part, get_args(hint)[0], place) for part in value)
    elif hint is float:
        try:  # YAML takes 1e-3 for text: it wants a point in it
            number = float(value) if isinstance(value, str | int | float) else float("nan")
        except ValueError:
            number = float("nan")
        if isfinite(number) and not isinstance(value, bool):
            return number
    elif isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    wanted = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    raise InputError(f"{place} must be {wanted}, got {type(value).__name__} {value!r}")


def _mapping(value: Any, place: str) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{place} must hold names and values, got {value!r}")
    return value


class _NoTwice(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} stands twice", node.start_mark
                )
        return super().construct_mapping(node, deep)
