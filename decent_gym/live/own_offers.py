"""An organization's own offers, made outside of the market by the curve that the market uses."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from decent_gym.errors import ActionError
from decent_gym.live.messages import offer_entry
from decent_gym.live.openings import Opening
from decent_gym.market import Orders
from decent_gym.models import Commodity
from decent_gym.registry import unknown_name
from decent_gym.simulation import LEVERS
from decent_gym.simulation.actions import FULL, decide_learners
from decent_gym.simulation.curve import build_offers
from decent_gym.traders import LEARNER, TRADERS, Decisions, TraderView, decide_all, traders_of

_ROOM: Final = 16
"""More offers than one organization's curve has steps."""


def scripted_offers(opening: Opening, trader: str, key: int = 0) -> list[dict[str, Any]]:
    """What a scripted trader of this package would offer.

    Parameters
    ----------
    opening : Opening
    trader : str
        A name in ``TRADERS``.
    key : int
        Of its random numbers, if it draws any.

    Returns
    -------
    list of dict
        ``commodity``, ``side``, ``energy`` and ``price`` each, as they stand in a message.

    Raises
    ------
    UnknownNameError
        There is no such trader.
    """
    code = TRADERS[trader].code
    view, decisions = opening.trader_view(code, key), Decisions.empty(1, 1)
    decide_all(view, decisions, traders_of([code]), 0, 1)
    return _offers(view, decisions)


def acted_offers(opening: Opening, action: Mapping[str, float]) -> list[dict[str, Any]]:
    """What a learner would offer that takes this action.

    Parameters
    ----------
    opening : Opening
    action : mapping of str to float
        Levers, by their names in ``LEVERS``, in [-1, 1]; one that is not named stands at 0.

    Returns
    -------
    list of dict
        As :func:`scripted_offers`.

    Raises
    ------
    UnknownNameError, ActionError
        For a lever that there is not, or a value beyond [-1, 1].
    """
    levers = np.zeros((1, 1, len(LEVERS)), np.int64)
    for name, value in action.items():
        if name not in LEVERS:
            raise unknown_name("lever", name, LEVERS)
        if not -1.0 <= value <= 1.0:
            raise ActionError(f"{name} must be in [-1, 1], got {value}")
        levers[0, 0, LEVERS.index(name)] = round(float(value) * FULL)
    view, decisions = opening.trader_view(LEARNER, 0), Decisions.empty(1, 1)
    decide_all(view, decisions, (), 0, 1)
    decide_learners(
        0, 1, view.policy, levers, view.heat, view.cop, view.tariffs, view.max_charge,
        view.max_discharge, view.pump_max, view.store_in, view.store_out, view.chp_max,
        view.chp_heat_rate, view.boiler_max, *decisions.columns(),
    )  # fmt: skip
    return _offers(view, decisions)


def _offers(view: TraderView, decisions: Decisions) -> list[dict[str, Any]]:
    orders = Orders.empty(1, _ROOM)
    nothing = np.zeros(1, np.int64)
    build_offers(
        0, 1, view.policy, view.round, view.load, view.pv, view.heat, view.tariffs,
        *decisions.columns(), nothing, -1, 0, orders.owner, orders.side, orders.price,
        orders.energy, orders.start, orders.until, orders.cap, orders.count,
    )  # fmt: skip
    return [
        offer_entry(
            commodity,
            int(orders.side[0, commodity, r]),
            int(orders.energy[0, commodity, r]),
            int(orders.price[0, commodity, r]),
        )
        for commodity in Commodity
        for r in range(int(orders.count[0, commodity]))
    ]
