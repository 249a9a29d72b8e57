"""Money between accounts: one per organization, then fuel, network and operator."""

from typing import Final

from numba import njit

FUEL: Final = 0
NETWORK: Final = 1
OPERATOR: Final = 2
SPECIAL_ACCOUNTS: Final = 3
"""Account indices after the N organizations: N + FUEL, N + NETWORK, N + OPERATOR."""


@njit(cache=True, nogil=True, _nrt=False)
def post(first, last, fuel, fees, trade, imbalance, fuel_money, fee_money, accounts):  # type: ignore[no-untyped-def]
    """Book fuel (W, N) and network fees (W, N), n-euro, then add all kinds to the accounts.

    Fills the `fuel_money` and `fee_money` rows (W, A) and updates `accounts` (W, A) in place.
    """
    organizations = fuel.shape[1]
    for w in range(first, last):
        burnt, levied = 0, 0
        for n in range(organizations):
            fuel_money[w, n] = -fuel[w, n]
            fee_money[w, n] = -fees[w, n]
            burnt += fuel[w, n]
            levied += fees[w, n]
        for a in range(organizations, organizations + 3):
            fuel_money[w, a] = 0
            fee_money[w, a] = 0
        fuel_money[w, organizations] = burnt
        fee_money[w, organizations + 1] = levied
        for a in range(organizations + 3):
            accounts[w, a] += trade[w, a] + imbalance[w, a] + fuel_money[w, a] + fee_money[w, a]
