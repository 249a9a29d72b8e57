"""Strongly budget-balanced trade reduction: SBBA where either side may lose its marginal order.

`sbba` lets the next *seller* set the price, and drops the marginal buyer if there is none that
fits.  Here the side whose marginal order comes first is a choice:

* buyers first (price rule 1): as `sbba`;
* sellers first (price rule 0): the mirror image.  If the next buyer's limit b_{k+1} >= s_k, the k
  deals trade at b_{k+1}; else at s_k without seller k, and one of the k buyers is dropped by lot;
* any other price rule, the default too: the side with fewer offers first, buyers if there are as
  many.  On the longer side there is more likely somebody left to set the price, and how many offers
  there are does not depend on anybody's limit.

Properties: those of `sbba`.

Source: Gonen and Segal-Halevi, "Strongly budget balanced auctions for multi-sided markets", AAAI
2020, for two categories of agents.  Its code leaves the order of the categories to the caller, and
drops a deal also where the next limit just equals the marginal one; here equal limits trade.

>>> from decent_gym.clearing import clear
>>> side, limits = [1, 1, 0], [9, 8, 4]  # one seller: the second buyer sets the price
>>> clear(side, limits, [1] * 3, mechanism="trade_reduction_sbb").pays.tolist()
[8, 0, -8]
>>> clear(side, limits, [1] * 3, mechanism="trade_reduction_sbb", price_rule=1).volume
0
"""

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.sbba import (
    BUYERS_FIRST,
    SELLERS_FIRST,
    SHORT_SIDE_FIRST,
    clear_in_order,
)


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    ends = {"0/1": SELLERS_FIRST, "1/1": BUYERS_FIRST}
    order = ends.get(str(rules.price_rule), SHORT_SIDE_FIRST)
    clear_in_order(books, rules, outcome, first, last, order)


TRADE_REDUCTION_SBB = Mechanism(
    "trade_reduction_sbb",
    clear_books,
    uniform=False,
    summary="As sbba, but on the shorter side the marginal order is dropped, buyer or seller.",
    members_only=True,
    draws=True,
    truthful="unit",
)
