"""Lottery keys: counter-based, so that no batch size shifts them."""

from itertools import product

import numpy as np
from oracles.merit_order import WORD, mix

from decent_gym.clearing.lottery import fill_lottery, lottery_keys

GOLDEN = 0x9E3779B97F4A7C15


def key(seed: int, world: int, number: int, commodity: int) -> int:
    """The same in Python integers."""
    value = mix((seed + GOLDEN) % WORD)
    for word in (world, number, commodity):
        value = mix(((value ^ word) + GOLDEN) % WORD)
    return value - WORD if value >= WORD // 2 else value


def test_as_in_plain_integers() -> None:
    big = 2**63 - 1
    for seed, world, number, commodity in product((0, 1, big), (0, 5, big), (0, 95, big), (0, 1)):
        got = lottery_keys(seed, world, number, commodity)
        assert got == key(seed, world, number, commodity)


def test_splitmix_is_the_published_one() -> None:
    # first output of SplitMix64 seeded with 1234567, from the Rosetta Code task
    assert mix((1234567 + GOLDEN) % WORD) == 6457827717110365317


def test_a_batch_is_its_worlds() -> None:
    worlds, rounds = np.array([7, 0, 3]), np.array([95, 2, 2])
    out = np.full((3, 2), -1)
    fill_lottery(0, 2, 42, worlds, rounds, out)
    assert (out[2] == -1).all()
    fill_lottery(2, 3, 42, worlds, rounds, out)
    assert out.tolist() == [
        [lottery_keys(42, w, r, c) for c in (0, 1)]
        for w, r in zip(worlds.tolist(), rounds.tolist(), strict=True)
    ]


def test_keys_differ() -> None:
    out = np.empty((200 * 96, 2), np.int64)
    worlds, rounds = (np.ravel(grid) for grid in np.meshgrid(np.arange(200), np.arange(96)))
    fill_lottery(0, len(out), 0, worlds.copy(), rounds.copy(), out)
    assert len(np.unique(out)) == out.size
