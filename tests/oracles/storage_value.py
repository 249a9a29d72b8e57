"""The best value of one store at given prices by dynamic programming, exact in fractions.

What stored energy is worth, V_t(s), is concave and piecewise linear in s.  It is kept as its value
at 0 and a list of (slope, length), slopes falling.  One step back in time: whatever a round can do
with the store is a concave piecewise linear function too, of the energy taken out; the best of both
joins their pieces in falling order of slopes, and what lies outside the store is cut off.

Shares nothing with a linear program: no matrix, no solver, no floats.
"""

from fractions import Fraction


def best(initial, capacity, rounds, final, kept=1):
    """Value of holding `initial` in a store of `capacity`, with `final` per unit at the end.

    `rounds` holds, first round first, what :func:`battery_round` and :func:`heat_round` return:
    the most that can be put in, its worth (a cost is negative), and from there on (slope, length)
    per unit less put in, taken out in the end.  `kept` is the share left of the content, before
    anything else happens in a round.
    """
    kept, capacity = Fraction(kept), Fraction(capacity)
    at_zero, pieces = Fraction(0), [(Fraction(final), capacity)]
    for most_in, worth, segments in reversed(rounds):
        joined = sorted([*pieces, *segments], key=lambda piece: -piece[0])
        at_zero, joined = _cut(at_zero + worth, joined, most_in, kept * capacity)
        pieces = [(slope * kept, length / kept) for slope, length in joined]
    return _value(at_zero, pieces, Fraction(initial))


def battery_round(
    buy, sell, charge, discharge, stored_per_drawn, taken_per_given, net=0, wear=0
):  # fmt: skip
    """Fixed net load beside a battery; prices per kWh, energies in kWh."""
    buy, sell, charge, discharge, a, b, net = (
        Fraction(x) for x in (buy, sell, charge, discharge, stored_per_drawn, taken_per_given, net)
    )
    # the net exchange falls from net + charge to net - discharge; where it crosses 0 the price
    # changes from what is paid to what is earned
    edges = sorted({net + charge, net, net - discharge, *_between(net - discharge, net + charge)})
    segments = []
    for low, high in zip(edges[-2::-1], edges[:0:-1], strict=True):
        rate, worn = (a, wear) if low >= net else (b, -wear)
        segments.append((((buy if low >= 0 else sell) + worn) / rate, (high - low) * rate))
    top = net + charge
    return charge * a, -top * (buy if top > 0 else sell) - charge * wear, segments


def _between(low, high):
    return {Fraction(0)} if low < 0 < high else set()


def heat_round(demand, charge, discharge, sources, buy, sell, plenty=1000):
    """Heat demand beside a tank; `sources` are (cost per kWh of heat, most kWh)."""
    demand, charge, discharge, plenty = (Fraction(x) for x in (demand, charge, discharge, plenty))
    # merit order of everything that raises the heat at hand, sales given up among it
    ladder = [(Fraction(cost), Fraction(most)) for cost, most in sources]
    ladder = sorted([*ladder, (Fraction(buy), plenty), (Fraction(sell), plenty)])
    cost_of_nothing = -Fraction(sell) * plenty  # all sold, no source on: `plenty` short
    needed = demand + charge + plenty
    total, bought = cost_of_nothing, []
    for cost, most in ladder:
        taken = min(most, needed)
        needed -= taken
        total += cost * taken
        bought.append((cost, taken))
    segments, left = [], charge + discharge
    for cost, taken in reversed(bought):
        length = min(taken, left)
        left -= length
        segments.append((cost, length))
    return charge, -total, segments


def _cut(at_left, pieces, below, wide):
    """A function on [-below, ...) cut down to [0, wide]: its value at 0 and its pieces."""
    inside, left, skip = [], wide, below
    for slope, length in pieces:
        gone = min(length, skip)
        skip -= gone
        at_left += slope * gone
        kept = min(length - gone, left)
        left -= kept
        if kept:
            inside.append((slope, kept))
    return at_left, inside


def _value(at_zero, pieces, at):
    for slope, length in pieces:
        step = min(length, at)
        at_zero, at = at_zero + slope * step, at - step
    return at_zero
