"""Faces of the simulation for reinforcement-learning libraries, without logic of their own."""

from decent_gym.envs.scripted import run_scripted, scripted_prices
from decent_gym.envs.single import TraderEnv
from decent_gym.envs.vector import TraderVectorEnv

__all__ = ["TraderEnv", "TraderVectorEnv", "run_scripted", "scripted_prices"]
