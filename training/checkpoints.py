"""Checkpoints: what is written, which one is resumed, and how a model is filled from it.

A checkpoint is a policy's folder (agents/learned.py) named after its steps.  With SAC the newest
one holds the replay buffer too; it is large, so older ones lose theirs.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from agents.description import Description
from agents.learned import (
    DESCRIPTION,
    VARIABLES,
    LearnedPolicy,
    read_description,
    read_normalisation,
    read_parameters,
    write_policy,
)
from decent_gym.errors import DataError, InputError
from training.replay import REPLAY, read_replay, write_replay

CHECKPOINTS: Final = "checkpoints"
UNFINISHED: Final = "unfinished"
AUTO: Final = "auto"
MUST_AGREE: Final = (
    "algorithm",
    "scenario_digest",
    "learner",
    "observations",
    "actions",
    "hidden",
    "lstm",
    "activation",
)
MAY_DIFFER: Final = frozenset({"folder", "resume", "steps", "progress", "torch_threads"})
"""Settings that a resumed run may change without anybody being told."""


def newest(run: Path) -> Path | None:
    """The checkpoint with the most steps in a run's folder."""
    found = [path for path in (run / CHECKPOINTS).glob("*") if path.name.isdecimal()]
    return max(found, key=lambda path: int(path.name), default=None)


def to_resume(resume: Path | None, run: Path) -> Path | None:
    """The checkpoint that `resume` means for a run that writes to `run`; None: begin.

    Raises
    ------
    DataError
        If there is no checkpoint in the folder that `resume` names.
    InputError
        If the run would mix with another one's checkpoints in `run`.
    """
    last = newest(run)
    if resume is None:
        if last is not None:
            raise InputError(
                f"{run} holds a run already, up to {last}; --resume auto continues it, another "
                "--folder begins a new one"
            )
        return None
    if str(resume) == AUTO:
        return last
    found = resume if (resume / DESCRIPTION).exists() else newest(resume)
    if found is None:
        raise DataError(f"{resume} is no checkpoint and holds none; give one of {CHECKPOINTS}/")
    if last is not None and last.resolve() != found.resolve():
        raise InputError(
            f"{run} holds {last}, which is not what {found} would continue; take another --folder"
        )
    return found


def write(folder: Path, facts: Description, model: BaseAlgorithm) -> None:
    """Write a policy's folder with everything that training wants to go on from."""
    parameters = dict(model.get_parameters())
    if isinstance(model, SAC) and model.log_ent_coef is not None:
        parameters[VARIABLES] = {"log_ent_coef": model.log_ent_coef.detach()}
    facts = replace(facts, steps=model.num_timesteps)
    write_policy(folder, facts, parameters, statistics(model.get_vec_normalize_env()))


def write_checkpoint(run: Path, facts: Description, model: BaseAlgorithm) -> Path:
    """:func:`write` into ``checkpoints/<steps>``, with the replay buffer if there is one."""
    folder = run / CHECKPOINTS / f"{model.num_timesteps:09}"
    unfinished = run / UNFINISHED / folder.name  # so that no checkpoint is ever seen in part
    write(unfinished, facts, model)
    if isinstance(model, OffPolicyAlgorithm):
        write_replay(unfinished / REPLAY, model.replay_buffer)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.rename(folder)
    shutil.rmtree(unfinished.parent)
    if isinstance(model, OffPolicyAlgorithm):
        for old in (run / CHECKPOINTS).glob(f"*/{REPLAY}"):
            if old.parent != folder:
                old.unlink()
    return folder


def restore(folder: Path, model: BaseAlgorithm, envs: VecNormalize, facts: Description) -> str:
    """Fill model, optimisers, statistics and replay buffer; says in words what was not there.

    Raises
    ------
    DataError
        If the folder cannot be trusted.
    InputError
        If it is of another network, scenario or learner, or has done all steps already.
    """
    found = read_description(folder)
    for name in MUST_AGREE:
        if getattr(found, name) != getattr(facts, name):
            raise InputError(
                f"{folder} was trained with {name} {getattr(found, name)!r}, now it is "
                f"{getattr(facts, name)!r}; resume with the same"
            )
    if found.steps >= facts.settings["steps"]:
        raise InputError(
            f"{folder} has {found.steps} steps already; --steps counts from the beginning, "
            "so ask for more"
        )
    LearnedPolicy.load(folder)  # checks everything that acting needs
    parameters = read_parameters(folder)
    model.policy.load_state_dict(parameters["policy"], strict=True)
    for name in model.get_parameters():
        if name.endswith("optimizer"):
            restore_adam(attrgetter(name)(model), parameters.get(name, {}))
    if isinstance(model, SAC) and model.log_ent_coef is not None:
        _restore_entropy(model.log_ent_coef, parameters.get(VARIABLES, {}))
    arrays = read_normalisation(folder, found)
    for running, name in ((envs.obs_rms, "observation"), (envs.ret_rms, "return")):
        running.mean = arrays[f"{name}_mean"].copy()
        running.var = arrays[f"{name}_variance"].copy()
        running.count = float(arrays[f"{name}_count"])
    model.num_timesteps = found.steps
    return _restore_replay(folder / REPLAY, model) + _changes(found.settings, facts.settings)


def restore_adam(optimizer: torch.optim.Optimizer, saved: Any) -> None:
    """Adam's moments from a checkpoint; its settings stay those of this run."""
    now = optimizer.state_dict()
    shapes = [p.shape for group in optimizer.param_groups for p in group["params"]]
    states = saved.get("state") if isinstance(saved, dict) else None
    if states == {}:  # written before the first update
        return
    if not isinstance(states, dict) or states.keys() != set(range(len(shapes))):
        raise DataError("the checkpoint holds no state of the optimiser that fits the network")
    for at, shape in enumerate(shapes):
        moments = states[at]
        wanted = {"step": torch.Size(), "exp_avg": shape, "exp_avg_sq": shape}
        if not isinstance(moments, dict) or moments.keys() != wanted.keys():
            raise DataError(f"optimiser state {at} of the checkpoint is not Adam's")
        for name, tensor in moments.items():
            is_right = isinstance(tensor, torch.Tensor) and tensor.shape == wanted[name]
            if not is_right or not torch.isfinite(tensor).all():
                raise DataError(f"optimiser state {at}: {name} does not fit or is not finite")
    optimizer.load_state_dict({"state": states, "param_groups": now["param_groups"]})


def statistics(envs: VecNormalize) -> dict[str, Any]:
    """The running means, variances and counts, as ``normalisation.npz`` wants them."""
    pairs = ((envs.obs_rms, "observation"), (envs.ret_rms, "return"))
    return {
        f"{name}_{what}": value
        for running, name in pairs
        for what, value in (
            ("mean", running.mean), ("variance", running.var), ("count", running.count)
        )
    }  # fmt: skip


def _restore_entropy(now: torch.Tensor, saved: Mapping[str, Any]) -> None:
    value = saved.get("log_ent_coef")
    if not isinstance(value, torch.Tensor) or value.shape != now.shape:
        raise DataError("the checkpoint holds no entropy coefficient that fits")
    with torch.no_grad():
        now.copy_(value)


def _restore_replay(path: Path, model: BaseAlgorithm) -> str:
    if not isinstance(model, OffPolicyAlgorithm):
        return ""
    if path.exists():
        return f", {read_replay(path, model.replay_buffer):,} of them in the replay buffer"
    model.learning_starts += model.num_timesteps
    return ", the replay buffer begins empty (only the newest checkpoint keeps it)"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Settings that are not what they were, in words."""
    changed = [
        f"{name} {str(before[name])[:40]} -> {now[name]}"
        for name in sorted(before.keys() & now.keys() - MAY_DIFFER)
        if before[name] != (list(now[name]) if isinstance(now[name], tuple) else now[name])
    ]
    return f"; changed: {', '.join(changed)}" if changed else ""
