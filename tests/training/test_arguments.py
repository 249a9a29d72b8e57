"""Defaults, then YAML, then the command line; and nothing misspelt passes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

import decent_gym
from decent_gym.errors import InputError, UnknownNameError
from training import arguments
from training.arguments import hyperparameters, parse, resuming
from training.learning_run import RunArgs


@dataclass(frozen=True, kw_only=True)
class Args(RunArgs):
    folder: Path = Path("runs/x")
    steps: int = 10
    gamma: float = 0.9
    hidden: tuple[int, ...] = (64, 64)
    activation: Literal["tanh", "relu"] = "tanh"
    ent_coef: float | Literal["auto"] = "auto"
    wide: bool = False


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(arguments, "FOLDER", tmp_path)
    path = tmp_path / "ppo.yml"
    path.write_text(
        "synthetic:\n  gamma: 0.8\n  hidden: [32]\n"
        "synthetic/household_00001:\n  gamma: 0.7\n"
        "street.toml:\n  gamma: 0.6\n"
    )
    return path


@pytest.mark.parametrize(
    ("words", "gamma", "hidden"),
    [
        ("", 0.9, (64, 64)),
        ("--scenario rural --gamma 0.5", 0.5, (64, 64)),
        ("--scenario synthetic", 0.8, (32,)),
        ("--scenario=synthetic --learner=household_00001", 0.7, (32,)),
        ("--learner household_00001 --scenario synthetic --hidden 8 8", 0.7, (8, 8)),
        ("--scenario synthetic --learner household_00001 --gamma 0.5", 0.5, (32,)),
        ("--scenario some/where/street.toml --options tariff flat", 0.6, (64, 64)),
    ],
)
def test_a_later_place_wins(file: Path, words: str, gamma: float, hidden: tuple[int, ...]) -> None:
    args = parse(Args, "ppo", words.split())
    assert (args.gamma, args.hidden) == (gamma, hidden)


def test_help_says_where_defaults_come_from(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(Args, "ppo", ["--scenario", "synthetic", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "training/ppo.py" in text
    assert "training/hyperparameters/ppo.yml" in text
    assert "For synthetic and building_03 ppo.yml says gamma 0.8, hidden (32,)" in text
    assert "(default: 0.8)" in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rural: {gama: 0.9}", "argument in ppo.yml: rural 'gama'; did you mean 'gamma'"),
        ("synthetic: {gama: 0.9}", "did you mean 'gamma'"),  # not the one asked for, yet seen
        ("rurl: {gamma: 0.9}", "scenario in ppo.yml 'rurl'; did you mean 'rural'"),
        ("rural: {folder: x}", "unknown argument in ppo.yml: rural 'folder'"),
        ("rural: {seed: 3}", "unknown argument"),
    ],
)
def test_misspelt_names_are_errors(file: Path, text: str, why: str) -> None:
    file.write_text(text)
    with pytest.raises(UnknownNameError) as error:
        parse(Args, "ppo", [])
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("gamma: 1", 1.0),
        ("gamma: 1e-3", 0.001),
        ("gamma: 1.0e-3", 0.001),
        ("steps: 5", 5),
        ("hidden: [8, 4]", (8, 4)),
        ("hidden: []", ()),
        ("activation: relu", "relu"),
        ("ent_coef: auto", "auto"),
        ("ent_coef: 0.1", 0.1),
        ("wide: true", True),
    ],
)
def test_right_values_are_taken(file: Path, value: str, wanted: Any) -> None:
    file.write_text("rural: {" + value + "}")
    found = hyperparameters(Args, file, "rural", "x")[value.split(":")[0]]
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    "value",
    [
        "gamma: high",
        "gamma: [0.9]",
        "gamma: true",
        "gamma: .nan",
        "gamma:",
        "steps: 5.0",
        "steps: '5'",
        "steps: true",
        "hidden: 8",
        "hidden: [8, x]",
        "hidden: '8'",
        "activation: gelu",
        "ent_coef: manual",
        "wide: 1",
    ],
)
def test_wrong_values_are_named(file: Path, value: str) -> None:
    file.write_text("rural: {" + value + "}")
    with pytest.raises(InputError, match=f"ppo.yml: rural: {value.split(':')[0]} must be"):
        hyperparameters(Args, file, "rural", "x")


@pytest.mark.parametrize(
    "text",
    [
        "rural: {gamma: 0.9, gamma: 0.8}",
        "rural: {gamma: 0.9}\nrural: {gamma: 0.8}",
        "rural: 3",
        "rural:",
        "[1]",
        "rural: {gamma: !!python/object/apply:os.getcwd []}",
        "rural: [",
    ],
)
def test_other_yaml_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(InputError, match=r"ppo\.yml"):
        hyperparameters(Args, file, "rural", "x")


def test_the_files_that_come_with_it_fit(recipe: Any) -> None:
    path = Path(arguments.__file__).parent / "hyperparameters" / f"{recipe.algorithm}.yml"
    kind = recipe.script.Args
    hyperparameters(kind, path, "rural", "building_03")
    for line in path.read_text().splitlines():
        if line.startswith("synthetic/") or line.startswith("rural/"):
            district, learner = line.rstrip(":").split("/")
            members = {member.name for member in decent_gym.scenario(district).members}
            assert learner in members


def test_going_on_repeats_the_command() -> None:
    assert resuming(["--seed", "1"]) == ["--seed", "1", "--resume", "auto"]
    assert resuming(["--resume=x", "--seed", "1"]) == ["--seed", "1", "--resume", "auto"]
    assert resuming(["--resume", "x"]) == ["--resume", "auto"]
