"""Faces of the simulation for reinforcement-learning libraries, without logic of their own."""

from decent_gym.envs.scripted import run_scripted
from decent_gym.envs.single import TraderEnv

__all__ = ["TraderEnv", "run_scripted"]
