"""From accepted energy to accounts: the trade of a round, then its imbalance.

Accounts are one per organization, then fuel, network and the operator (the last one); every kind
of money sums to zero over them in every round.
"""

from numba import njit

_BUY = 1
_SHORT = 2
_LONG = 3


@njit(cache=True, nogil=True, _nrt=False)
def apply_trades(  # type: ignore[no-untyped-def]
    first, last, count, owner, side, accepted, pays, surplus, unsettled, money, traded
):
    """Settle what was accepted.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    count : int64 (W, C)
    owner, side : int64 (W, C, M)
        `owner` is an account index below A.
    accepted : int64 Wh (W, C, M)
    pays : int64 n-euro (W, C, M), buyers positive
    surplus : int64 n-euro (W, C)
        Goes to the operator's account, the last one.
    unsettled : int64 Wh (W, C, M)
        Modified in place: falls by `accepted`.
    money : int64 n-euro (W, A)
        Modified in place: received minus paid is added.
    traded : int64 Wh (W, A, C)
        Modified in place: bought minus sold is added.
    """
    operator = money.shape[1] - 1
    for w in range(first, last):
        for c in range(count.shape[1]):
            for i in range(count[w, c]):
                energy = accepted[w, c, i]
                account = owner[w, c, i]
                unsettled[w, c, i] -= energy
                money[w, account] -= pays[w, c, i]
                traded[w, account, c] += energy if side[w, c, i] == _BUY else -energy
            money[w, operator] += surplus[w, c]


@njit(cache=True, nogil=True, _nrt=False)
def apply_conversions(first, last, count, owner, delivered, earns, money, traded):  # type: ignore[no-untyped-def]
    """Settle what conversions sold and bought, on top of the orders.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    count : int64 (W,)
    owner : int64 (W, K)
    delivered : int64 Wh (W, K, 2), sold (above 0) or bought
    earns : int64 n-euro (W, K)
    money : int64 n-euro (W, A)
        Modified in place: received minus paid is added.
    traded : int64 Wh (W, A, C)
        Modified in place: bought minus sold is added.
    """
    for w in range(first, last):
        for k in range(count[w]):
            account = owner[w, k]
            money[w, account] += earns[w, k]
            for c in range(traded.shape[2]):
                traded[w, account, c] -= delivered[w, k, c]


@njit(cache=True, nogil=True, _nrt=False)
def settle_imbalance(first, last, traded, metered, tariffs, money):  # type: ignore[no-untyped-def]
    """Settle metered against traded energy at two prices, with the operator's account.

    Whoever drew more than it bought (short) pays the SHORT price, whoever drew less (long)
    receives the LONG price.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    traded, metered : int64 Wh (W, A, C)
        Bought minus sold; drawn minus fed in.  The operator's own row (the last) is not read.
    tariffs : int64 micro-euro per kWh (W, C, 4)
        Columns as in :class:`decent_gym.models.Tariff`.
    money : int64 n-euro (W, A)
        Modified in place: received minus paid is added.
    """
    operator = money.shape[1] - 1
    for w in range(first, last):
        for account in range(operator):
            for c in range(traded.shape[2]):
                short = metered[w, account, c] - traded[w, account, c]
                paid = short * tariffs[w, c, _SHORT if short > 0 else _LONG]
                money[w, account] -= paid
                money[w, operator] += paid
