"""The utility serves at tariff what members left over among themselves (``utility="residual"``)."""

from numba import njit

_BUY = 1
_RETAIL = 0
_FEED_IN = 1
_HARD = -1


@njit(cache=True, nogil=True, _nrt=False)
def serve_residual(  # type: ignore[no-untyped-def]
    first, last, count, side, price, offered, wishes, utility, tariffs, accepted, pays,
    utility_energy, utility_pays,
):  # fmt: skip
    """Let the utility sell at retail and buy at feed-in what the clearing left over.

    A BUY order whose limit is at least the retail price gets the rest of its energy at retail, a
    SELL order whose limit is at most the feed-in tariff sells its rest at that; the others keep
    their rest, and so does who takes nothing but special energy or wishes for another partner.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    count : int64 (W, C)
    side, price, offered : int64 (W, C, M)
    wishes : int64 (3, W, C, M) or empty
    utility : int
        Its account index.
    tariffs : int64 micro-euro per kWh (W, C, 4)
        Columns as in :class:`decent_gym.models.Tariff`.
    accepted : int64 Wh (W, C, M)
        Modified in place: raised by what the utility served.
    pays : int64 n-euro (W, C, M)
        Modified in place: buyers positive.
    utility_energy : int64 Wh (W, C)
        Written: what the utility sold minus what it bought.
    utility_pays : int64 n-euro (W, C)
        Written: what the utility pays minus what it receives, so that with the changes of `pays`
        money sums to zero.
    """
    for w in range(first, last):
        for c in range(count.shape[1]):
            retail, feed_in = tariffs[w, c, _RETAIL], tariffs[w, c, _FEED_IN]
            sold = 0
            bought = 0
            for i in range(count[w, c]):
                rest = offered[w, c, i] - accepted[w, c, i]
                if wishes.shape[3] > 0:
                    partner = wishes[2, w, c, i]
                    hard = side[w, c, i] == _BUY and wishes[0, w, c, i] > 0
                    hard &= wishes[1, w, c, i] == _HARD
                    rest = 0 if hard or (partner >= 0 and partner != utility) else rest
                if side[w, c, i] == _BUY:
                    rest = rest if price[w, c, i] >= retail else 0
                    sold += rest
                    pays[w, c, i] += rest * retail
                else:
                    rest = rest if price[w, c, i] <= feed_in else 0
                    bought += rest
                    pays[w, c, i] -= rest * feed_in
                accepted[w, c, i] += rest
            utility_energy[w, c] = sold - bought
            utility_pays[w, c] = bought * feed_in - sold * retail


@njit(cache=True, nogil=True, _nrt=False)
def certify_residual(first, last, count, side, wishes, accepted, origin):  # type: ignore[no-untyped-def]
    """Count what the utility sold as plain, and what it bought as what it was.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    count : int64 (W, C)
    side, accepted : int64 (W, C, M)
        After :func:`serve_residual`.
    wishes : int64 (3, W, C, M)
    origin : int64 Wh (W, C, M, 4)
        Certificates, modified in place: rows sum to `accepted`.
    """
    for w in range(first, last):
        for c in range(count.shape[1]):
            for i in range(count[w, c]):
                kind = 0 if side[w, c, i] == _BUY else wishes[0, w, c, i]
                certified = 0
                for k in range(origin.shape[3]):
                    certified += origin[w, c, i, k]
                origin[w, c, i, kind] += accepted[w, c, i] - certified
