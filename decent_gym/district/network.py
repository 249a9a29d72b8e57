"""Heat network, first version: one node, a maximum flow, a constant loss, a backup boiler.

===============  ==========================================================================  =====
quantity         formula (sums over all organizations but the utility)                        unit
===============  ==========================================================================  =====
flow             sum of max(metered, 0)                                                      Wh
asked of backup  sum of metered + loss: the utility's sales and all imbalance                Wh
cut              max(asked - backup, flow - max_flow, 0)                                     Wh
backup makes     max(asked, 0), after the cut                                                Wh
spilled          max(-asked, 0): fed in, and nobody takes it                                 Wh
===============  ==========================================================================  =====

A cut is unserved heat.  It first falls on those who draw more than they bought, in proportion to
min(metered - traded, metered); if the trades alone are too much, then on all who draw, in
proportion to what they draw.  Shares are largest remainders, ties go to the lower index.  A seller
who fails to deliver is short and pays for it, but heat can only be missing where it is drawn.

Source: conservation of energy; largest remainder, M. L. Balinski, H. P. Young, "Fair
Representation", 2nd ed. (2001), Hamilton's method.
"""

from dataclasses import dataclass

from numba import njit

from decent_gym.district.physical import Number, power
from decent_gym.errors import InputError
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True)
class HeatNetwork:
    """The pipes of a district.

    Parameters
    ----------
    max_flow_kw : number
        Most heat that all organizations together can draw, kW.
    loss_kw : number
        Heat the pipes lose all the time, kW; the network's account buys it.
    backup_kw : number
        Capacity of the utility's backup boiler, kW; at least the loss.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    max_flow_kw: Number
    loss_kw: Number
    backup_kw: Number

    def __post_init__(self) -> None:
        _, loss, backup = self.parameters()
        if loss > backup:
            raise InputError(
                f"heat_network.loss_kw must be at most backup_kw = {self.backup_kw}, "
                f"got {self.loss_kw}"
            )

    def parameters(self) -> tuple[int, int, int]:
        """Maximum flow, loss and backup capacity, Wh per round."""
        return (
            power("heat_network.max_flow_kw", self.max_flow_kw),
            power("heat_network.loss_kw", self.loss_kw),
            power("heat_network.backup_kw", self.backup_kw),
        )


@njit(cache=True, nogil=True, _nrt=False)
def serve(
    first: int,
    last: int,
    max_flow: int,
    loss: int,
    backup: int,
    utility: IntArray,
    traded: IntArray,
    metered: IntArray,
    unserved: IntArray,
    weight: IntArray,
    remainder: IntArray,
    backup_heat: IntArray,
    spilled: IntArray,
) -> int:
    """Cut what the network cannot bring; return the number of worlds in which something was cut.

    Arrays are int64 (W, N), the last two (W,).  Worlds ``first <= w < last``.

    Parameters
    ----------
    max_flow, loss, backup : Wh per round
    utility : 1 for the utility, else 0
    traded : Wh of heat bought minus sold
    metered : Wh of heat drawn minus fed in, reduced in place by what is unserved
    unserved : Wh, filled
    weight, remainder : scratch
    backup_heat, spilled : Wh, filled
    """
    short = 0
    for w in range(first, last):
        asked, flow = _asked(utility[w], metered[w])
        unserved[w, :] = 0
        if asked + loss > backup or flow > max_flow:
            short += 1
            for only_short in (True, False):
                cut = max(asked + loss - backup, flow - max_flow, 0)
                total = 0
                for n in range(metered.shape[1]):
                    drawn = max(metered[w, n], 0) * (1 - utility[w, n])
                    if only_short:
                        drawn = min(drawn, max(metered[w, n] - traded[w, n], 0))
                    weight[w, n] = drawn
                    total += drawn
                _share(min(cut, total), total, weight[w], metered[w], unserved[w], remainder[w])
                asked, flow = _asked(utility[w], metered[w])
        backup_heat[w] = max(asked + loss, 0)
        spilled[w] = max(-asked - loss, 0)
    return short


@njit(cache=True, nogil=True, _nrt=False)
def _asked(utility: IntArray, metered: IntArray) -> tuple[int, int]:
    """Net heat and drawn heat of one world's members, Wh."""
    asked = 0
    flow = 0
    for n in range(metered.shape[0]):
        if utility[n] == 0:
            asked += metered[n]
            flow += max(metered[n], 0)
    return asked, flow


@njit(cache=True, nogil=True, _nrt=False)
def _share(
    cut: int,
    total: int,
    weight: IntArray,
    metered: IntArray,
    unserved: IntArray,
    remainder: IntArray,
) -> None:
    """Take `cut` out of `metered` in proportion to `weight`, by largest remainder."""
    if cut <= 0:
        return
    left = cut
    for n in range(weight.shape[0]):
        # cut * weight can pass 2^63: multiply bit by bit, dividing as we go
        quotient = 0
        rest = 0
        for bit in range(62, -1, -1):
            rest = 2 * rest + weight[n] * ((cut >> bit) & 1)
            quotient = 2 * quotient + rest // total
            rest %= total
        remainder[n] = rest
        metered[n] -= quotient
        unserved[n] += quotient
        left -= quotient
    while left > 0:
        best = 0
        for n in range(1, weight.shape[0]):
            if remainder[n] > remainder[best]:
                best = n
        remainder[best] = -1
        metered[best] -= 1
        unserved[best] += 1
        left -= 1
