"""Trade reduction: the least efficient deal is always dropped, and its limits are the prices.

With unit offers and k efficient deals (b_k >= s_k), k - 1 buyers pay b_k and k - 1 sellers get
s_k; the operator keeps the difference.  It is the second branch of `mcafee`, without the attempt
at one price; unequal energies are treated as there.

Properties, for unit offers: truthful, individually rational, no deficit, gains of at least
(1 - 1/k) of the optimum.  Never better than `mcafee`: it is the textbook comparison.  The price
rule is not read.

Source: McAfee, "A dominant strategy double auction", J. Econ. Theory 56 (1992); the name is from
Babaioff and Nisan, "Concurrent auctions across the supply chain", J. Artif. Intell. Res. 21 (2004).

>>> from decent_gym.clearing import clear
>>> side, limits = [1, 1, 1, 0, 0, 0], [100, 90, 80, 80, 85, 95]  # k = 2: 90 and 85 are dropped
>>> result = clear(side, limits, [1] * 6, mechanism="trade_reduction")
>>> result.pays.tolist(), result.surplus
([90, 0, 0, -85, 0, 0], 5)
"""

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mcafee import clear_or_reduce
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.rules import Rules


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    clear_or_reduce(books, rules, outcome, first, last, try_one_price=False)


TRADE_REDUCTION = Mechanism(
    "trade_reduction",
    clear_books,
    uniform=False,
    summary="Truthful: the least efficient deal is dropped, its limits are the prices.",
    members_only=True,
    budget="surplus",
    truthful="unit",
)
