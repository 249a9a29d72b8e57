"""Signals end a training between two updates, with a checkpoint; a second one ends it at once."""

import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agents.learned import LearnedPolicy, read_description
from training import arguments, watch
from training.interruption import Interruption, Stopped
from training.ppo import Args


@pytest.fixture
def signals_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sends a signal when so many steps are done."""

    def arm(number: signal.Signals, steps: int) -> None:
        on_step = watch.Watch._on_step

        def send(self: watch.Watch) -> bool:
            if self.num_timesteps == steps:
                signal.raise_signal(number)
            return on_step(self)

        monkeypatch.setattr(watch.Watch, "_on_step", send)

    return arm


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_checkpoint_is_written_and_resumed(
    recipe: Any,
    tmp_path: Path,
    signals_at: Any,
    number: signal.Signals,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    signals_at(number, 200)
    with pytest.raises(Stopped, match=f"{number.name}.*000000256 written: 256 of 384") as stopped:
        recipe.train(folder=tmp_path, steps=384, checkpoint_every=0)
    assert stopped.value.signal == number
    assert {n: signal.getsignal(n) for n in before} == before
    checkpoint = tmp_path / "checkpoints" / "000000256"
    assert list((tmp_path / "checkpoints").iterdir()) == [checkpoint]
    LearnedPolicy.load(checkpoint)
    capsys.readouterr()
    recipe.train(folder=tmp_path, steps=384, checkpoint_every=0, resume=Path("auto"))
    assert "256 of 384 steps done" in capsys.readouterr().err
    assert read_description(tmp_path / "policy").steps == 384


def test_the_second_signal_is_not_held_back() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_other_threads_may_train() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter() -> None:
        with Interruption() as interruption:
            seen.append((interruption.signal, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [(None, before)]


def test_command_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(args: Args) -> Path:
        raise Stopped("stopped at 5", signal.SIGTERM)

    monkeypatch.setattr(sys, "argv", ["x", "--folder", "a b", "--resume", "old", "--seed", "3"])
    with pytest.raises(SystemExit) as ended:
        arguments.run_script(Args, "ppo", train)
    assert ended.value.code == 143
    assert capsys.readouterr().err == (
        "stopped at 5; go on with\npython -m training.ppo --folder 'a b' --seed 3 --resume auto\n"
    )


def test_loops_over_trainings_end_as_well() -> None:
    assert issubclass(Stopped, KeyboardInterrupt)
    assert not issubclass(Stopped, Exception)
