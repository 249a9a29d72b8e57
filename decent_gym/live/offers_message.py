"""A message of offers, read: what it offers, and what it says of who signed it."""

from dataclasses import dataclass

import numpy as np

from decent_gym.market import Orders
from decent_gym.models import Commodity
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True)
class Seal:
    """What a signed message says beside its offers; nothing of it has been checked.

    Attributes
    ----------
    organization, district, ledger : str
        Who offers, and in which market.
    nonce : int
        Above every one that the organization has used.
    key_id : bytes (4,)
        Names the key.
    signature : bytes (64,)
    payload : bytes
        What was signed: the message without its signature, as canonical JSON.
    """

    organization: str
    district: str
    ledger: str
    nonce: int
    key_id: bytes
    signature: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class OffersMessage:
    """What one message offers.

    Attributes
    ----------
    round : int
        The round it is for.
    number : int
        The participant's own number of the message; the same one again is the same message.
    offers : int64 (n, 6)
        Commodity, side, energy (Wh), price (micro-euro/kWh), device, id; -1 for no device or id.
    seal : Seal or None
        Of a signed message.
    """

    round: int
    number: int
    offers: IntArray
    seal: Seal | None = None

    def orders(self, owner: int) -> tuple[Orders, IntArray]:
        """The batch for the operator's validator, and each offer's row in its commodity."""
        n = len(self.offers)
        orders = Orders.empty(1, n)
        rows = np.zeros(n, np.int64)
        orders.owner[:] = owner
        orders.start[:], orders.until[:] = self.round, self.round + 1
        columns = (orders.side, orders.energy, orders.price, orders.device, orders.id)
        for commodity in Commodity:
            mine = self.offers[:, 0] == commodity
            count = int(mine.sum())
            orders.count[0, commodity] = count
            rows[mine] = np.arange(count)
            for column, values in zip(columns, self.offers[mine, 1:].T, strict=True):
                column[0, commodity, :count] = values
        orders.cap[:] = orders.energy
        return orders, rows
