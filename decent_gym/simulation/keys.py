"""Seeds of episodes: every random number of an episode follows from one integer.

An episode has a seed of its own, from 0 to 2^63 - 1; the next episode's seed follows from it.  So
any episode can be had again from the seed that ``info["seed"]`` or the ledger's header tells.
"""

from typing import Final

from decent_gym.errors import InputError
from decent_gym.units import IntArray, exact_int

SEED_CAP: Final = 2**63 - 1
_MASK: Final = 2**64 - 1


def mix(value: int) -> int:
    """splitmix64's step and finaliser: a bijection of 64-bit integers that looks random.

    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014.
    """
    z = (value + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def checked_seed(seed: object) -> int:
    """`seed` as an int from 0 to 2^63 - 1, or InputError."""
    number = exact_int(seed, "seed")
    if number < 0:
        raise InputError(f"seed must be 0 or more, got {number}")
    return number


def next_seed(seed: int) -> int:
    """The seed of the episode after the one with `seed`."""
    return mix(seed) & SEED_CAP


def episode_key(seed: int) -> int:
    """The int64 key from which the kernels of an episode count."""
    return mix(seed ^ 0x6A09E667F3BCC908) - 2**63


def drawn_start(seed: int, starts: IntArray) -> int:
    """One of `starts`, drawn by the seed."""
    return int(starts[mix(seed ^ 0x3C6EF372FE94F82B) % len(starts)])
