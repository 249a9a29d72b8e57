"""Keys of the lotteries by which the tie rule ``random`` decides, one per book.

Counter-based: a key depends on (seed, world, round, commodity) and on nothing else, so neither
batch size nor order of computation shifts it.

Source: the finaliser of SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014 (the variant 13 of Stafford's mixers).
"""

import numpy as np
from numba import njit

from decent_gym.units import IntArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)


def lottery_keys(seed: int, world: int, round: int, commodity: int) -> int:
    """The int64 key of one book's lottery.

    Parameters
    ----------
    seed, world, round, commodity : int
        All >= 0 and below 2^63.
    """
    worlds = np.array([world], np.int64)
    rounds = np.array([round], np.int64)
    keys = np.empty((1, commodity + 1), np.int64)
    fill_lottery(0, 1, seed, worlds, rounds, keys)
    return int(keys[0, commodity])


def fill_lottery(
    first: int, last: int, seed: int, worlds: IntArray, rounds: IntArray, out: IntArray
) -> None:
    """Write the keys of the worlds ``first <= w < last``.

    Parameters
    ----------
    seed : int
        Of the scenario.
    worlds, rounds : int64 (W,)
        Ids of the worlds in the batch, and the round each is in.
    out : int64 (W, C)
        Modified in place, one key per world and commodity.
    """
    with np.errstate(over="ignore"):  # wraps on purpose; numpy warns of it if the JIT is off
        _fill(first, last, seed, worlds, rounds, out)


@njit(cache=True, nogil=True, _nrt=False)
def _mix(key):  # type: ignore[no-untyped-def]
    key = (key ^ (key >> _S30)) * _FIRST
    key = (key ^ (key >> _S27)) * _SECOND
    return key ^ (key >> _S31)


@njit(cache=True, nogil=True, _nrt=False)
def _fill(first, last, seed, worlds, rounds, out):  # type: ignore[no-untyped-def]
    root = _mix(np.uint64(seed) + _GOLDEN)
    for w in range(first, last):
        world = _mix((root ^ np.uint64(worlds[w])) + _GOLDEN)
        moment = _mix((world ^ np.uint64(rounds[w])) + _GOLDEN)
        for c in range(out.shape[1]):
            out[w, c] = np.int64(_mix((moment ^ np.uint64(c)) + _GOLDEN))
