"""One order, as people write it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from decent_gym.models.codes import Commodity, Side
from decent_gym.models.wish import Source, Wish
from decent_gym.units import ENERGY_CAP, micro_eur_per_kwh, wh


@dataclass(frozen=True, slots=True)
class Offer:
    """One order: so much energy, at this limit price or a better one, in this window.

    The fields are checked where the offer enters the book (:meth:`MarketController.submit`), by
    the same validator that checks whole batches.

    Parameters
    ----------
    organization : str
        Who offers.
    side : Side
        SELL or BUY.
    commodity : Commodity
        ELECTRICITY or HEAT.
    energy : int
        Wh, more than 0.
    price : int
        Limit in micro-euro per kWh; negative prices are legal.
    start, valid_until : int, optional
        The half-open window of rounds ``start <= round < valid_until``; the default is the round
        in which the offer is submitted, alone.
    id : int, optional
        The participant's own number for it, 0 or more, never used twice; the default is none (-1
        in books and records).  The market counts by itself: see :meth:`MarketController.submit`.
    device : int
        A new offer for the same device of the same organization, commodity and side withdraws the
        old one, with the reason ``REPLACED``; -1: no device, nothing is replaced.
    max_per_round : int
        The most that may be accepted in one round, Wh (a device's power x 15 min).
    wish : Wish, optional
        Of a BUY: the energy it wishes for; of either: the partner it wishes to trade with.
    source : Source, optional
        Of a SELL: what the energy is.  Both need a mechanism that reads them: ``preference``.
    """

    organization: str
    side: Side
    commodity: Commodity
    energy: int
    price: int
    start: int | None = None
    valid_until: int | None = None
    id: int | None = None
    device: int = -1
    max_per_round: int = ENERGY_CAP
    wish: Wish | None = None
    source: Source | None = None

    @classmethod
    def of(
        cls,
        organization: str,
        side: Side,
        commodity: Commodity,
        *,
        kwh: float | str | Decimal,
        eur_per_kwh: float | str | Decimal,
        **fields: Any,
    ) -> "Offer":
        """An offer in kWh and EUR/kWh, converted once (round half to even)."""
        return cls(organization, side, commodity, wh(kwh), micro_eur_per_kwh(eur_per_kwh), **fields)
