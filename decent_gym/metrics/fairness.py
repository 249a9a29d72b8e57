"""How evenly something is shared out, and who has power over a book.

Gini and Jain are of non-negative amounts, such as savings; with a negative one among them they
mean nothing and are None.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError
from decent_gym.models import ClearedBook, Side


def gini(amounts: npt.ArrayLike) -> float | None:
    """Gini coefficient: sum over i, j of |x_i - x_j| / (2 n^2 mean).

    0: all the same; (n - 1) / n: one has everything.  None if nobody has anything or somebody's
    amount is negative.

    Source: A. Sen, "On Economic Inequality", Oxford 1973, section 2.7; computed from the sorted
    amounts.
    """
    x = np.sort(_amounts(amounts))
    total = float(x.sum())
    if x[0] < 0 or total == 0:
        return None
    n = len(x)
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float((ranks * x).sum() / (n * total))


def jain(amounts: npt.ArrayLike) -> float | None:
    """Jain's index: (sum x)^2 / (n sum x^2).

    1: all the same; 1/n: one has everything.  None as for :func:`gini`.

    Source: R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness and discrimination",
    DEC-TR-301, 1984.
    """
    x = _amounts(amounts)
    if x.min() < 0 or x.sum() == 0:
        return None
    x = x / x.max()
    return float(x.sum() ** 2 / (len(x) * (x**2).sum()))


def herfindahl(amounts: npt.ArrayLike) -> float | None:
    """Herfindahl-Hirschman index: sum of squared shares, 1/n to 1; None without amounts.

    Parameters
    ----------
    amounts : array-like (n,)
        What each sold, say; 0 or more.

    Raises
    ------
    InputError
        For a negative amount.

    Source: A. O. Hirschman, "The paternity of an index", American Economic Review 54 (1964) 761.
    """
    x = _amounts(amounts)
    if x.min() < 0:
        raise InputError(f"market shares need amounts of 0 or more, got {x.min():g}")
    total = x.sum()
    return None if total == 0 else float(((x / total) ** 2).sum())


def residual_supply(book: ClearedBook, organizations: Sequence[int]) -> list[float | None]:
    """Residual supply index of each organization: (S - S_i) / D over the offered energies.

    Below 1 it is pivotal: demand cannot be met without it.  None if nobody demands anything.

    Parameters
    ----------
    book : ClearedBook
    organizations : sequence of int
        Account indices.

    Source: A. Sheffrin, "Predicting market power using the residual supply index", FERC Market
    Monitoring Workshop 2002.
    """
    sells = book.column("side") == Side.SELL
    supply, demand = int(book.offered[sells].sum()), int(book.offered[~sells].sum())
    if demand == 0:
        return [None for _ in organizations]
    owner = book.column("owner")
    own = [int(book.offered[sells & (owner == n)].sum()) for n in organizations]
    return [(supply - part) / demand for part in own]


def _amounts(amounts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    x = np.asarray(amounts, np.float64)
    if x.ndim != 1 or not len(x):
        raise InputError(f"amounts must be a list of at least one number, got shape {x.shape}")
    if not np.isfinite(x).all():
        bad = next(value for value in x.tolist() if not math.isfinite(value))
        raise InputError(f"amounts must be finite, got {bad}")
    return x
