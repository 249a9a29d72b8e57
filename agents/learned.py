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
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.save_util import load_from_zip_file, save_to_zip_file
from stable_baselines3.sac.policies import SACPolicy

import decent_gym
from agents.archives import MEMBERS_OF_A_MODEL, checked_bytes, read_arrays
from agents.description import LARGEST_FILE, Description
from decent_gym.errors import DataError, InputError
from decent_gym.files import open_regular

DESCRIPTION: Final = "policy.json"
NORMALISATION: Final = "normalisation.npz"
MODEL: Final = "model.zip"
VARIABLES: Final = "variables"
ACTIVATION_LAYERS: Final = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
FloatArray = npt.NDArray[np.float32]
Parameters = dict[str, dict[str, Any]]


class LearnedPolicy:
    """A policy that was trained, for acting and not for training on.

    One with a recurrent layer remembers, row by row, what it saw since :meth:`reset`; so a policy
    serves one environment, or one batch of them, at a time.

    Attributes
    ----------
    description : Description
    """

    def __init__(
        self,
        description: Description,
        policy: BasePolicy,
        normalisation: Mapping[str, npt.NDArray[Any]],
    ) -> None:
        self.description = description
        self._policy = policy
        self._mean = normalisation["observation_mean"]
        self._scale = np.sqrt(normalisation["observation_variance"] + description.epsilon)
        self._memory: tuple[FloatArray, FloatArray] | None = None

    @classmethod
    def load(cls, folder: str | Path) -> "LearnedPolicy":
        """Read a policy's folder, or the one that its ``policy.json`` is in; nothing is executed.

        Raises
        ------
        DataError
            If a file is missing, edited, of another version, or does not fit the others or this
            version's observations.
        """
        if Path(folder).name == DESCRIPTION:
            folder = Path(folder).parent
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

    def reset(self, rows: npt.ArrayLike | None = None) -> None:
        """Forget what was seen, when episodes begin; only recurrent policies remember anything.

        Parameters
        ----------
        rows : bool array (n,), optional
            Where a new episode begins, of the rows that :meth:`predict` is given; all by default.

        Raises
        ------
        InputError
            If `rows` is no mask of as many rows as are remembered.
        """
        if rows is None:
            self._memory = None
            return
        mask = np.asarray(rows)
        wanted = None if self._memory is None else self._memory[0].shape[1]
        if mask.dtype != np.bool_ or mask.ndim != 1 or wanted not in (None, len(mask)):
            count = "n" if wanted is None else wanted
            raise InputError(
                f"rows must be bool ({count},), got {mask.dtype} of shape {mask.shape}"
            )
        for part in self._memory or ():
            part[:, mask] = 0

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
            For a wrong shape, values that are not finite, or another number of rows than a
            recurrent policy remembers.
        """
        values = np.asarray(obs, np.float32)
        wanted = len(self.description.observations)
        if values.ndim not in (1, 2) or values.shape[-1] != wanted:
            raise InputError(f"obs must be (n, {wanted}) or ({wanted},), got {values.shape}")
        if not np.isfinite(values).all():
            raise InputError("obs holds values that are not finite")
        rows = 1 if values.ndim == 1 else len(values)
        if self._memory is not None and self._memory[0].shape[1] != rows:
            raise InputError(
                f"obs has {rows} rows, but the policy remembers {self._memory[0].shape[1]}; call "
                "reset() when episodes begin"
            )
        clip = self.description.clip
        normal = np.clip((values - self._mean) / self._scale, -clip, clip).astype(np.float32)
        actions, self._memory = self._policy.predict(normal, state=self._memory, deterministic=True)
        return np.asarray(actions, np.float32)


def build_network(description: Description) -> BasePolicy:
    """The untrained network that a description describes.

    =====================  =======================================================================
    algorithm              network
    =====================  =======================================================================
    ``sac``                actor with tanh at its end, two critics and their targets
    ``recurrent_ppo``      an LSTM each before the hidden layers of policy and value
    others                 Gaussian policy and value, hidden layers of their own
    =====================  =======================================================================
    """
    seen = spaces.Box(-np.inf, np.inf, (len(description.observations),), np.float32)
    moved = spaces.Box(-1.0, 1.0, (len(description.actions),), np.float32)
    layers: dict[str, Any] = {
        "net_arch": list(description.hidden),
        "activation_fn": ACTIVATION_LAYERS[description.activation],
    }
    if description.algorithm == "sac":
        return SACPolicy(seen, moved, _no_rate, **layers)
    if description.algorithm == "recurrent_ppo":
        return RecurrentActorCriticPolicy(
            seen, moved, _no_rate, lstm_hidden_size=description.lstm, **layers
        )
    return ActorCriticPolicy(seen, moved, _no_rate, **layers)


def _no_rate(_: float) -> float:
    """A learning rate; nothing is learnt here."""
    return 0.0


def read_description(folder: str | Path) -> Description:
    """``policy.json`` of a folder."""
    path = Path(folder) / DESCRIPTION
    try:
        with open_regular(path) as file:
            return Description.from_json(file.read(LARGEST_FILE + 1))
    except FileNotFoundError:
        raise DataError(
            f"{folder} holds no {DESCRIPTION}; give the folder that training names at its end"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def read_parameters(folder: str | Path) -> Parameters:
    """What ``model.zip`` holds: ``policy`` (finite tensors only), state of the optimisers.

    Tensors that belong to neither stand under ``variables``, if there are any.
    """
    content = checked_bytes(Path(folder) / MODEL, MEMBERS_OF_A_MODEL)
    try:
        _, parameters, variables = load_from_zip_file(
            io.BytesIO(content), load_data=False, device="cpu"
        )
    except (pickle.UnpicklingError, RuntimeError, ValueError, KeyError, EOFError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{MODEL} holds more than tensors, or less: {reason}") from None
    weights = parameters.get("policy")
    if not isinstance(weights, dict):
        raise DataError(f"{MODEL} holds no named weights of a policy")
    if variables is not None and not isinstance(variables, dict):
        raise DataError(f"{MODEL}: its variables must have names")
    for name, tensor in {**weights, **(variables or {})}.items():
        if not _is_plain(tensor) or not torch.isfinite(tensor).all():
            raise DataError(f"{MODEL}: {str(name)[:80]} must be a tensor of finite numbers")
    _refuse_odd_tensors(parameters)
    return parameters if variables is None else {**parameters, VARIABLES: variables}


def _refuse_odd_tensors(parameters: dict[str, Any]) -> None:
    """Whatever lies anywhere in what training goes on from; lists may hold themselves."""
    seen: set[int] = set()
    left: list[Any] = [parameters]
    while left:
        value = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
        elif isinstance(value, torch.Tensor) and not _is_plain(value):
            raise DataError(f"{MODEL} holds a tensor that is no plain array of floats")


def _is_plain(value: object) -> bool:
    """Whether it is a tensor that takes no more memory than the file: strides can repeat bytes."""
    return (
        type(value) in (torch.Tensor, torch.nn.Parameter)
        and value.dtype in (torch.float32, torch.float64)
        and value.device.type == "cpu"
        and value.layout is torch.strided
        and not value.is_nested
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


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
    """Write a policy's folder, or replace it as a whole; returns its path.

    Parameters
    ----------
    folder : str or Path
    description : Description
    parameters : dict of str to state dict
        ``policy``, the ``state_dict`` of :func:`build_network`'s network, and what training wants
        to go on from, as :func:`read_parameters` gives it back.
    normalisation : dict of str to float
        Six entries: ``observation_mean`` (F,), ``observation_variance`` (F,),
        ``observation_count`` (), and the same of ``return``, all ().
    """
    folder = Path(folder)
    fresh = folder.with_name(folder.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (fresh / DESCRIPTION).write_text(description.to_json(), encoding="utf-8")
    arrays = {name: np.asarray(value, np.float64) for name, value in normalisation.items()}
    np.savez(fresh / NORMALISATION, **arrays)
    params = {name: state for name, state in parameters.items() if name != VARIABLES}
    save_to_zip_file(fresh / MODEL, params=params, pytorch_variables=parameters.get(VARIABLES))
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
