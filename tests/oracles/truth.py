"""The truths of small markets a second way: by integrals, sorting and enumeration; no clearing."""

from math import comb

import numpy as np


def best_shade(n: int, value: float) -> float:
    """What a buyer takes off its value among n truthful sellers and n - 1 truthful buyers, U[0, 1].

    The bid wins iff it exceeds A, the n-th smallest of the 2n - 1 others, and then the price is the
    mean of A and min(bid, B), B being the next of the others.
    """
    others, x = 2 * n - 1, np.linspace(0, 1, 20_001)
    density = others * comb(others - 1, n - 1) * x ** (n - 1) * (1 - x) ** (others - n)
    above = others - n  # how many lie above A, uniform on [A, 1]
    bids = np.arange(0.0, value + 1e-9, 0.001)
    profits = []
    for bid in bids:
        a = x[x <= bid]
        if above == 0:
            upper = np.full_like(a, bid)
        else:  # E min(bid, B) = A + the integral of ((1 - y) / (1 - A)) ** above from A to bid
            left = ((1 - bid) / np.maximum(1 - a, 1e-12)) ** (above + 1)
            upper = a + (1 - a) / (above + 1) * (1 - left)
        profits.append(np.trapezoid((value - (a + upper) / 2) * density[: len(a)], a))
    return float(value - bids[np.argmax(profits)])


def k_double_auction(costs: list[float], values: list[float]) -> tuple[list[bool], float | None]:
    """Who trades (sellers first), and the price at k = 1/2; limits must differ."""
    n = len(costs)
    ranked = sorted(costs + values)
    low, high = ranked[n - 1], ranked[n]  # as many limits below as there are sellers
    trades = [c <= low for c in costs] + [v >= high for v in values]
    return trades, (low + high) / 2 if any(trades) else None


def best_storage(prices: list[int], capacity: int) -> int:
    """The most that a lossless store earns, one unit of power, empty at first, by trying all."""
    worth = {0: 0}
    for price in prices:
        after: dict[int, int] = {}
        for held, money in worth.items():
            for change in (-1, 0, 1):
                if 0 <= held + change <= capacity:
                    best = after.get(held + change, -(10**9))
                    after[held + change] = max(best, money - change * price)
        worth = after
    return max(worth.values())
