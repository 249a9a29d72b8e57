"""How far the rounds of a batch are."""

from numba import njit


@njit(cache=True, nogil=True, _nrt=False)
def count_cleared(first, last, cleared):  # type: ignore[no-untyped-def]
    """How many of the worlds ``first .. last - 1`` are `cleared`, bool (W,), not yet complete."""
    found = 0  # compiled: numpy takes four times as long to look at one flag, thrice a round
    for w in range(first, last):
        found += 1 if cleared[w] else 0
    return found
