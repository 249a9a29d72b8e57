"""A trained policy as an object with ``predict(obs)``, loaded without running anybody's code.

A policy is a folder of three files::

    policy.json         names, shapes, network, where it comes from (agents/description.py)
    normalisation.npz   mean and variance of observations, of returns; counts
    model.zip           Stable-Baselines3's archive of weights, without its pickled ``data``

Loading builds the network from ``policy.json`` and fills it with tensors only.
"""

import io
import os
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.save_util import load_from_zip_file, save_to_zip_file

import decent_gym
from agents.archives import MEMBERS_OF_A_MODEL, checked_bytes, read_arrays
from agents.description import LARGEST_FILE, Description
from decent_gym.errors import DataError, InputError

DESCRIPTION: Final = "policy.json"
NORMALISATION: Final = "normalisation.npz"
MODEL: Final = "model.zip"
FloatArray = npt.NDArray[np.float32]
Parameters = dict[str, dict[str, Any]]


class LearnedPolicy:
    """A policy that was trained, for acting and not for training on.

    Attributes
    ----------
    description : Description
    """

    def __init__(
        self,
        description: Description,
        policy: ActorCriticPolicy,
        normalisation: Mapping[str, npt.NDArray[Any]],
    ) -> None:
        self.description = description
        self._policy = policy
        self._mean = normalisation["observation_mean"]
        self._scale = np.sqrt(normalisation["observation_variance"] + description.epsilon)

    @classmethod
    def load(cls, folder: str | Path) -> "LearnedPolicy":
        """Read a policy's folder; nothing in it is executed.

        Raises
        ------
        DataError
            If a file is missing, edited, of another version, or does not fit the others or this
            version's observations.
        """
        description = read_description(folder)
        fields = tuple(field.name for field in decent_gym.observation_fields())
        if description.observations != fields:
            raise DataError(
                f"the policy sees {len(description.observations)} fields that differ from the "
                f"{len(fields)} of this version ({first_difference(description, fields)}); train "
                "it again"
            )
        policy = build_network(description)
        parameters = read_parameters(folder)
        try:
            policy.load_state_dict(parameters["policy"], strict=True)
        except (KeyError, RuntimeError, TypeError, AttributeError) as error:
            raise DataError(f"{MODEL} does not fit {DESCRIPTION}: {error}") from None
        policy.set_training_mode(False)
        return cls(description, policy, read_normalisation(folder, description))

    def predict(self, obs: npt.ArrayLike) -> FloatArray:
        """The action, without noise.

        Parameters
        ----------
        obs : float array (F,) or (n, F)
            As the environment gives it; normalised here.

        Returns
        -------
        float32 (A,) or (n, A), in [-1, 1]

        Raises
        ------
        InputError
            For a wrong shape or values that are not finite.
        """
        values = np.asarray(obs, np.float32)
        wanted = len(self.description.observations)
        if values.ndim not in (1, 2) or values.shape[-1] != wanted:
            raise InputError(f"obs must be (n, {wanted}) or ({wanted},), got {values.shape}")
        if not np.isfinite(values).all():
            raise InputError("obs holds values that are not finite")
        clip = self.description.clip
        normal = np.clip((values - self._mean) / self._scale, -clip, clip).astype(np.float32)
        actions, _ = self._policy.predict(normal, deterministic=True)
        return np.asarray(actions, np.float32)


def build_network(description: Description) -> ActorCriticPolicy:
    """The untrained network that a description describes."""
    activation = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[description.activation]
    return ActorCriticPolicy(
        spaces.Box(-np.inf, np.inf, (len(description.observations),), np.float32),
        spaces.Box(-1.0, 1.0, (len(description.actions),), np.float32),
        lambda _: 0.0,  # a learning rate; nothing is learnt here
        net_arch=list(description.hidden),
        activation_fn=activation,
    )


def read_description(folder: str | Path) -> Description:
    """``policy.json`` of a folder."""
    path = Path(folder) / DESCRIPTION
    try:
        with path.open("rb") as file:
            return Description.from_json(file.read(LARGEST_FILE + 1))
    except FileNotFoundError:
        raise DataError(
            f"{folder} holds no {DESCRIPTION}; give the folder that training.ppo names at the end"
        ) from None


def read_parameters(folder: str | Path) -> Parameters:
    """``policy`` (finite tensors only) and ``policy.optimizer`` of ``model.zip``."""
    content = checked_bytes(Path(folder) / MODEL, MEMBERS_OF_A_MODEL)
    try:
        _, parameters, _ = load_from_zip_file(io.BytesIO(content), load_data=False, device="cpu")
    except (pickle.UnpicklingError, RuntimeError, ValueError, KeyError, EOFError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{MODEL} holds more than tensors, or less: {reason}") from None
    weights = parameters.get("policy")
    if not isinstance(weights, dict):
        raise DataError(f"{MODEL} holds no named weights of a policy")
    for name, tensor in weights.items():
        if not isinstance(tensor, torch.Tensor) or not torch.isfinite(tensor).all():
            raise DataError(f"{MODEL}: {name} must be a tensor of finite numbers")
    return parameters


def read_normalisation(folder: str | Path, description: Description) -> dict[str, npt.NDArray[Any]]:
    """``normalisation.npz`` of a folder: float64 arrays, variances positive."""
    wide = (len(description.observations),)
    shapes = {
        "observation_mean": wide,
        "observation_variance": wide,
        "observation_count": (),
        "return_mean": (),
        "return_variance": (),
        "return_count": (),
    }
    arrays = read_arrays(Path(folder) / NORMALISATION, shapes)
    for name, array in arrays.items():
        if not name.endswith("_mean") and (array < 0).any():
            raise DataError(f"{NORMALISATION}: {name} must not be negative")
    return arrays


def write_policy(
    folder: str | Path,
    description: Description,
    parameters: Parameters,
    normalisation: Mapping[str, npt.ArrayLike],
) -> Path:
    """Write a policy's folder, or replace it as a whole; returns its path."""
    folder = Path(folder)
    fresh = folder.with_name(folder.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (fresh / DESCRIPTION).write_text(description.to_json(), encoding="utf-8")
    arrays = {name: np.asarray(value, np.float64) for name, value in normalisation.items()}
    np.savez(fresh / NORMALISATION, **arrays)
    save_to_zip_file(fresh / MODEL, data=None, params=parameters)
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(fresh, folder)
    return folder


def first_difference(description: Description, fields: tuple[str, ...]) -> str:
    """Where two lists of names part, in words."""
    pairs = zip(description.observations, fields, strict=False)
    for at, (mine, other) in enumerate(pairs):
        if mine != other:
            return f"entry {at} is {mine!r} there and {other!r} here"
    return "one is longer"
