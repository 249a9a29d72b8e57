"""What happens beside learning: validation, the best policy, checkpoints, a progress bar."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from stable_baselines3.common.callbacks import BaseCallback

from agents.description import Description
from agents.learned import LearnedPolicy
from decent_gym import Scenario
from training import checkpoints
from training.held_out import cells, score_learned
from training.interruption import Interruption


class InterruptedTrainingError(Exception):
    """Ends ``learn`` between an update and the next experience."""


class Watch(BaseCallback):
    """Validates, keeps the best policy, writes checkpoints, shows progress.

    Parameters
    ----------
    facts : Description
        Of the run; ``settings`` says how often.
    scenario : Scenario
    folder : Path
    best : float
        Score to beat, EUR per week.
    interruption : Interruption
    """

    def __init__(
        self,
        facts: Description,
        scenario: Scenario,
        folder: Path,
        best: float,
        interruption: Interruption,
    ) -> None:
        super().__init__()
        self.facts, self.scenario, self.folder, self.best = facts, scenario, folder, best
        self.policy = folder / "policy"
        self.interruption = interruption
        self.validate_every: int = facts.settings["validate_every"]
        self.checkpoint_every: int = facts.settings["checkpoint_every"]
        self.weeks = cells(scenario, "validation") if self.validate_every else []
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn(f"{facts.algorithm} {{task.fields[note]}}"), BarColumn(),
            TaskProgressColumn(), TimeRemainingColumn(), console=console, transient=True,
            disable=not (facts.settings["progress"] and console.is_terminal),
        )  # fmt: skip

    def _on_training_start(self) -> None:
        self.seen = self.num_timesteps
        self.task = self.bar.add_task("", total=self.facts.settings["steps"], note="")

    def _on_rollout_start(self) -> None:
        if self.interruption.signal is not None:
            raise InterruptedTrainingError

    def _on_step(self) -> bool:
        self.bar.update(self.task, completed=self.num_timesteps)
        return True

    def _on_rollout_end(self) -> None:
        """Between experience and update: what acted just now is what is judged and written."""
        now = self.num_timesteps
        if self._is_due(self.validate_every):
            self._validate()
        if self._is_due(self.checkpoint_every):
            self.write_checkpoint()
        self.seen = now

    def _on_training_end(self) -> None:
        self.write_checkpoint()
        if self.weeks:
            self._validate()
        else:
            checkpoints.write(self.policy, self.facts, self.model)

    def write_checkpoint(self) -> Path:
        """Write ``checkpoints/<steps>``."""
        return checkpoints.write_checkpoint(self.folder, self.facts, self.model)

    def _is_due(self, every: int) -> bool:
        return every > 0 and self.num_timesteps // every > self.seen // every

    def _validate(self) -> None:
        statistics = checkpoints.statistics(self.model.get_vec_normalize_env())
        acting = LearnedPolicy(self.facts, self.model.policy, statistics)
        scores = score_learned(acting, self.scenario, self.facts.learner, self.weeks)["score"]
        score = float(np.mean(scores))
        self.logger.record("validation/score_eur_per_week", score)
        self.bar.update(self.task, note=f"{score:.2f} EUR/week")
        if score > self.best:
            self.best = score
            facts = replace(self.facts, validation=score)
            checkpoints.write(self.policy, facts, self.model)
