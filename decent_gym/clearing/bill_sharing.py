"""Bill sharing: energy inside the community is free, the community's bill is shared by energy.

What members trade among themselves costs nothing.  The community's bill is what the utility charges
for the energy that is missing, or pays for what is left (``utility="residual"``): with demand D,
supply S and retail price R, each kWh wanted costs R (D - S) / D if D > S; else each kWh offered
brings the feed-in tariff f (S - D) / S.  The billing period is one round.

All offers trade whatever their limits, the longer side in proportion to its energy.

Properties: budget balance to 0 n-euro, and the sum of all bills is the community's bill with the
utility.  It pays nobody for selling to a neighbour as long as energy is scarce: a seller who could
have had f from the utility is worse off, which `limits_passed` shows.  Price rule, tie rule,
priority and seed are not read.

Source: Long, Wu, Zhang, Thomas, Cheng and Jenkins, "Peer-to-peer energy trading in a community
microgrid", IEEE PES General Meeting 2017.

>>> from decent_gym.clearing import clear
>>> # two members want 4 Wh each, a third has 5: 2.5 each, in whole Wh
>>> result = clear([1, 1, 0], [30, 30, 10], [4, 4, 5], mechanism="bill_sharing")
>>> result.accepted.tolist(), result.pays.tolist(), result.limits_passed
([3, 2, 5], [0, 0, 0], 1)
"""

import numpy as np

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.price_taking import clear_at
from decent_gym.clearing.rules import Rules


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    clear_at(books, outcome, np.zeros(last - first, np.int64), first, last)


BILL_SHARING = Mechanism(
    "bill_sharing",
    clear_books,
    uniform=False,
    summary="Price-taking: free inside, the community's bill with the utility shared by energy.",
    members_only=True,
    respects_limits=False,
)
