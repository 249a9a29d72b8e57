"""Pay as bid: the allocation of the merit order, every pair of orders at a price of its own.

The accepted bids from high to low are laid beside the accepted asks from low to high, Wh by Wh;
each stretch where one bid meets one ask is a pair, and trades at

    ask + floor(k (bid - ask)),

with k the price rule: 1/2 by default (``midpoint``), 1 pays every buyer its bid, 0 pays every
seller its ask.  What an order pays is the sum over its pairs.

Properties: volume, welfare and rationing of ``merit_order``; budget balance to 0 n-euro;
individual rationality (in merit order the bid of a pair is never below its ask).  Not truthful:
everybody gains by guessing the margin.

Source: the discriminatory (pay-as-bid) auction with k-double auction prices per pair, Chatterjee
and Samuelson, "Bargaining under incomplete information", Operations Research 31 (1983); with k = 1
the pay-as-bid matching of the Grid Singularity exchange.

>>> from decent_gym.clearing import clear
>>> bids, asks = [9, 5], [2, 4]  # 10 Wh each; the pairs are 9 with 2 and 5 with 4
>>> result = clear([1, 1, 0, 0], bids + asks, [10] * 4, mechanism="pay_as_bid")
>>> result.pays.tolist(), result.surplus
([50, 40, -50, -40], 0)
>>> result.prices.tolist(), result.price, result.price_low, result.price_high
([5.0, 4.0, 5.0, 4.0], 4, 4, 5)
"""

from numba import njit

from decent_gym.clearing import merit_order
from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.ranking import merit_ranking
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    merit_order.clear_books(books, rules, outcome, first, last)
    ranking = merit_ranking(books, rules, first, last)
    _, num, den = rules.codes
    _pair(
        first, last, num, den, ranking.counts, ranking.asks, ranking.bids, books.price,
        outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


PAY_AS_BID = Mechanism(
    "pay_as_bid",
    clear_books,
    uniform=False,
    summary="The merit order's allocation; each pair of a bid and an ask at its own price.",
    bar="limit",
)


@njit(cache=True, nogil=True)
def _pair(first, last, num, den, counts, asks, bids, price, accepted, pays):  # type: ignore[no-untyped-def]
    for b in range(first, last):
        r = b - first
        for i in range(pays.shape[1]):
            pays[b, i] = 0
        a = 0
        ask_left = 0
        ask = 0
        for j in range(counts[r, 1]):
            bid = bids[r, j]
            left = accepted[b, bid]
            while left > 0:
                while ask_left == 0:
                    ask = asks[r, a]
                    ask_left = accepted[b, ask]
                    a += 1
                energy = min(left, ask_left)
                low = price[b, ask]
                paid = energy * (low + num * (price[b, bid] - low) // den)
                pays[b, bid] += paid
                pays[b, ask] -= paid
                left -= energy
                ask_left -= energy
