"""A round as one organization saw it, in plain units, for ``info`` and for people."""

from typing import Any, Final

import numpy as np
from numba import njit

from decent_gym.models import Commodity, Reason
from decent_gym.simulation.rewards import Term
from decent_gym.simulation.simulation import Simulation
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR

_TERMS = tuple(term.name.lower() for term in Term)
_COMMODITIES = tuple(commodity.name.lower() for commodity in Commodity)
_REASONS = tuple(reason.name.lower() for reason in Reason)
_ASKED = ("battery", "heat_pump", "chp")
_DONE = ("battery", "heat_pump", "chp", "thermal_store", "boiler")
_FIGURES: Final = 25 + 2 * len(Reason)


def round_report(simulation: Simulation, world: int, n: int) -> dict[str, Any]:
    """What organization `n` asked for and got in the round just closed.

    Returns
    -------
    dict
        ``reward_terms`` (EUR by term), ``requested`` and ``executed`` (kWh per device, what is
        drawn or stored is positive), ``traded`` and ``metered`` (kWh bought, drawn, by commodity),
        ``unserved`` (kWh of heat that did not arrive), ``price`` (EUR/kWh by commodity, None where
        nothing traded), ``volume`` (kWh), and ``reasons`` (of its own offers: counts by reason and
        commodity).
    """
    d, flows, operator = simulation.decisions, simulation.flows, simulation.operator
    orders, outcome = simulation.orders, operator.by_world
    figures = np.empty(_FIGURES, np.int64)
    _collect(
        world, n, simulation.terms, d.charge, d.discharge, d.pump_firm, d.pump_flex, d.chp,
        flows.battery_energy, flows.pump_electricity, flows.chp_electricity, flows.store_flow,
        flows.boiler_heat, flows.unserved, operator.traded, operator.metered, outcome.volume,
        outcome.price, orders.count, orders.owner, operator.reason, figures,
    )  # fmt: skip
    f = figures.tolist()
    kwh = [value / 1000 for value in f[8:23]]
    kwh[6] /= 1000
    return {
        "reward_terms": dict(
            zip(_TERMS, [value / NANO_EUR_PER_EUR for value in f[:8]], strict=True)
        ),
        "requested": dict(zip(_ASKED, kwh[:3], strict=True)),
        "executed": dict(zip(_DONE, kwh[3:8], strict=True)),
        "traded": dict(zip(_COMMODITIES, kwh[8:10], strict=True)),
        "metered": dict(zip(_COMMODITIES, kwh[10:12], strict=True)),
        "unserved": kwh[12],
        "volume": dict(zip(_COMMODITIES, kwh[13:15], strict=True)),
        "price": {
            name: price / MICRO_EUR_PER_EUR if sold else None
            for name, price, sold in zip(_COMMODITIES, f[23:25], f[21:23], strict=True)
        },
        "reasons": {
            name: {reason: n for reason, n in zip(_REASONS, f[at : at + 9], strict=True) if n}
            for name, at in zip(_COMMODITIES, (25, 34), strict=True)
        },
    }


@njit(cache=True, nogil=True, _nrt=False)
def _collect(  # type: ignore[no-untyped-def]
    w, n, terms, charge, discharge, pump_firm, pump_flex, chp, battery, pump, chp_made, store,
    boiler, unserved, traded, metered, volume, price, count, owner, reason, out,
):  # fmt: skip
    """Fill `out` with the figures of a report, in its order; energies in Wh, the store's in mWh."""
    for k in range(8):
        out[k] = terms[k, w, n]
    out[8] = charge[w, n] - discharge[w, n]
    out[9] = pump_firm[w, n] + pump_flex[w, n]
    out[10] = -chp[w, n]
    out[11] = battery[w, n]
    out[12] = pump[w, n]
    out[13] = -chp_made[w, n]
    out[14] = store[w, n]  # mWh
    out[15] = -boiler[w, n]
    out[16], out[17] = traded[w, n, 0], traded[w, n, 1]
    out[18], out[19] = metered[w, n, 0], metered[w, n, 1]
    out[20] = unserved[w, n]
    out[21], out[22] = volume[w, 0], volume[w, 1]
    out[23], out[24] = price[w, 0], price[w, 1]
    out[25:] = 0
    for c in range(2):
        for i in range(count[w, c]):
            # offers of a round leave with it, so the slots still hold what became of them
            if owner[w, c, i] == n:
                out[25 + 9 * c + reason[w, c, i]] += 1
