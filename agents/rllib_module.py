"""RLlib's network for PPO, begun and written down as Stable-Baselines3's.

Both are two stacks of linear layers, one for the means of a Gaussian and one for the value, and a
standard deviation that does not depend on what is seen.  So a policy that RLlib trained is read,
judged and trained on without Ray: see :func:`as_stable_baselines`.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy.typing as npt
import torch
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

from decent_gym.errors import DataError

FIRST_MEANS: Final = 0.01
"""Weights of the layer before the action are begun this much smaller, so that first means are
near 0."""
LAYERS: Final = {
    "encoder.actor_encoder.net.mlp.": "mlp_extractor.policy_net.",
    "encoder.critic_encoder.net.mlp.": "mlp_extractor.value_net.",
    "pi.net.mlp.0.": "action_net.",
    "vf.net.mlp.0.": "value_net.",
    "pi.log_std": "log_std",
}
"""Beginnings of names: RLlib's, Stable-Baselines3's."""
CONSTANTS: Final = ("pi.log_std_clip_param_const", "vf.log_std_clip_param_const")


class TraderModule(DefaultPPOTorchRLModule):  # type: ignore[misc]  # untyped package
    """RLlib's default with a standard deviation of its own and small first means."""

    def setup(self) -> None:
        """Build the default network, then set what its configuration cannot say."""
        super().setup()
        with torch.no_grad():
            self.pi.log_std.fill_(self.model_config["log_std"])
            self.pi.net.mlp[0].weight.mul_(FIRST_MEANS)


def model_config(hidden: tuple[int, ...], activation: str, log_std: float) -> dict[str, Any]:
    """What ``config.rl_module(model_config=...)`` takes for a network that can be written down."""
    default = DefaultModelConfig(
        fcnet_hiddens=list(hidden),
        fcnet_activation=activation,
        free_log_std=True,
        vf_share_layers=False,
    )
    return {**vars(default), "log_std": log_std}


def as_stable_baselines(weights: Mapping[str, npt.ArrayLike]) -> dict[str, torch.Tensor]:
    """The ``state_dict`` of Stable-Baselines3's ``ActorCriticPolicy`` with the same weights.

    Parameters
    ----------
    weights : dict of str to array
        The state of a :class:`TraderModule` from a learner, so with its value network.

    Raises
    ------
    DataError
        For a layer that such a policy does not have.
    """
    named = {}
    for name, values in weights.items():
        if name in CONSTANTS:
            continue
        begins = next((begin for begin in LAYERS if name.startswith(begin)), None)
        if begins is None:
            raise DataError(
                f"{name!r} has no place in a policy of Stable-Baselines3; train with model_config()"
            )
        named[LAYERS[begins] + name.removeprefix(begins)] = torch.as_tensor(values).clone()
    return named
