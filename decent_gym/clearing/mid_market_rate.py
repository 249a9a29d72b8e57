"""Mid-market rate: inside the community a kWh costs the mean of retail price and feed-in tariff.

With retail price R and feed-in tariff f, what is traded inside costs

    p = (R + f) / 2

for buyers and sellers alike.  All offers trade whatever their limits, the longer side in proportion
to its energy; what is left of it goes to the utility at R or f (``utility="residual"``), so that a
longer buying side with demand D against supply S pays the blend (S p + (D - S) R) / D per kWh, a
longer selling side gets (D p + (S - D) f) / S.  Money that does not split is rounded on payments.

Properties: budget balance to 0 n-euro, inside and with the utility; nobody is worse off than with
the utility alone.  There is nothing to gain by a limit, because none is read; `limits_passed` says
how often one was passed.  Supply and demand that do not meet leave no trace in the price.  Price
rule, tie rule, priority and seed are not read.

Source: Long, Wu, Zhang, Thomas, Cheng and Jenkins, "Peer-to-peer energy trading in a community
microgrid", IEEE PES General Meeting 2017.

>>> from decent_gym.clearing import clear
>>> # 4 and 2 Wh wanted, 3 offered: shared 2 to 1, at (30 + 10) / 2
>>> result = clear(
...     [1, 1, 0], [30, 15, 10], [4, 2, 3], mechanism="mid_market_rate", retail=30, feed_in=10
... )
>>> result.accepted.tolist(), result.pays.tolist(), result.price, result.limits_passed
([2, 1, 3], [40, 20, -60], 20, 1)
"""

import numpy as np

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.price_taking import clear_at, totals_offered
from decent_gym.clearing.rules import Rules
from decent_gym.models import Tariff


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    supply, demand = totals_offered(books, first, last)
    tariffs = books.tariffs[first:last]
    ends = tariffs[:, Tariff.RETAIL] + tariffs[:, Tariff.FEED_IN]
    clear_at(books, outcome, np.minimum(supply, demand) * ends // 2, first, last)


MID_MARKET_RATE = Mechanism(
    "mid_market_rate",
    clear_books,
    uniform=False,
    summary="Price-taking: the mean of retail price and feed-in tariff, whatever the limits.",
    needs=("retail", "feed_in"),
    members_only=True,
    respects_limits=False,
)
