"""Which conversions an organization may have in one round, beside each other and in groups.

What a market refuses by these rules, an audit must not find in a ledger: both call this file.
"""

from typing import Final

from numba import njit

from decent_gym.clearing.conversion_faults import conversion_fault
from decent_gym.clearing.coupled_inputs import FLOW_CAP
from decent_gym.units import PRODUCT_CAP

MOST_CONVERSIONS: Final = 16
"""Of one organization in a round."""

UNKNOWN_OWNER = 20
DISABLED = 21
TOO_MANY = 22
TOO_MUCH = 23
GROUP_OF_ONE = 24
GROUP_SPLIT = 25
GROUP_REFUSED = 26
BAD_ACCOUNT = 27


def flow_limits(accounts: int) -> tuple[int, int]:
    """Activity times ratios (mWh) and times cost (n-euro) that one account may offer a round."""
    return FLOW_CAP // accounts, PRODUCT_CAP // accounts


@njit(cache=True, nogil=True, _nrt=False)
def admit_conversions(  # type: ignore[no-untyped-def]
    first, last, o_sequence, o_owner, o_electricity, o_heat, o_cost, o_most, o_group, o_fuel,
    o_source, o_supply, o_count, status, sequence, owner, electricity, heat, cost, most, group,
    fuel, source, supply, count, next_sequence, enabled, balances, most_rows, flow_limit,
    cost_limit,
):  # fmt: skip
    """Write every admissible conversion into its world's; `status` holds what was judged before.

    Of a group all are admitted, or none.  Returns the number of refused ones.
    """
    refused = 0
    accounts = enabled.shape[0]
    for w in range(first, last):
        r = 0
        while r < o_count[w]:
            a, label = o_owner[w, r], o_group[w, r]
            end = r + 1
            while (
                label >= 0
                and end < o_count[w]
                and o_owner[w, end] == a
                and (o_group[w, end] == label)
            ):
                end += 1
            standing = count[w]
            held, flow, spent = 0, 0, 0
            split = False
            for k in range(standing):
                if owner[w, k] == a:
                    held += 1
                    flow += (abs(electricity[w, k]) + abs(heat[w, k])) * most[w, k]
                    spent += abs(cost[w, k]) * most[w, k]
                    split |= label >= 0 and group[w, k] == label
            bad = 0
            for i in range(r, end):
                code = status[w, i]
                if a < 0 or a >= accounts:
                    code = 20
                elif not enabled[a]:
                    code = 21
                elif code == 0 and abs(balances[w, a]) > 2**60:
                    code = 27
                elif code == 0 and label >= 0 and end == r + 1:
                    code = 24
                elif code == 0 and split:
                    code = 25
                elif code == 0 and held >= most_rows:
                    code = 22
                elif code == 0:
                    held += 1
                    flow += (abs(o_electricity[w, i]) + abs(o_heat[w, i])) * o_most[w, i]
                    spent += abs(o_cost[w, i]) * o_most[w, i]
                    if flow > flow_limit or spent > cost_limit:
                        code = 23
                status[w, i] = code
                bad += 1 if code != 0 else 0
            if bad > 0:
                refused += end - r
                for i in range(r, end):
                    if status[w, i] == 0:
                        status[w, i] = 26
            else:
                for i in range(r, end):
                    k = count[w]
                    sequence[w, k] = next_sequence[w]
                    o_sequence[w, i] = next_sequence[w]
                    owner[w, k] = a
                    electricity[w, k] = o_electricity[w, i]
                    heat[w, k] = o_heat[w, i]
                    cost[w, k] = o_cost[w, i]
                    most[w, k] = o_most[w, i]
                    group[w, k] = label
                    fuel[w, k] = o_fuel[w, i]
                    source[w, k] = o_source[w, i]
                    supply[w, k] = o_supply[w, i]
                    next_sequence[w] += 1
                    count[w] = k + 1
            r = end
    return refused


def admission_fault(code: int, row: dict[str, int], limits: tuple[int, int]) -> tuple[str, str]:
    """The field that a status blames, what is wrong with it, and the remedy.

    Parameters
    ----------
    code : int, not 0
        Of this module or of :mod:`decent_gym.clearing.conversion_faults`.
    row : dict
        The conversion's columns by the names of :func:`admit_conversions`.
    limits : tuple of int
        As :func:`flow_limits` gives them.
    """
    label = row["group"]
    known = {
        UNKNOWN_OWNER: ("organization", "is not an organization of this market"),
        DISABLED: ("organization", "is disabled and may not submit"),
        TOO_MANY: ("organization", f"has {MOST_CONVERSIONS} conversions in this round already"),
        TOO_MUCH: (
            "max",
            f"{row['most']} is too much with what stands already: activity times ratio may sum to "
            f"{limits[0]} mWh, times cost to {limits[1]} n-euro",
        ),
        GROUP_OF_ONE: (
            "group",
            f"{label} has one conversion only: a group shares a capacity among at least two, "
            "submitted together; use -1 for no group",
        ),
        GROUP_SPLIT: ("group", f"{label} stands already; submit a group's conversions together"),
        BAD_ACCOUNT: ("organization", "has an account beyond what sums in 64 bits allow"),
    }
    return known[code] if code in known else conversion_fault(code, row)
