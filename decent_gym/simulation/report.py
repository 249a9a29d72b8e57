"""A round as one organization saw it, in plain units, for ``info`` and for people."""

from typing import Any

from decent_gym.models import Commodity, Reason
from decent_gym.simulation.rewards import Term
from decent_gym.simulation.simulation import Simulation
from decent_gym.units import NANO_EUR_PER_EUR

_TERMS = tuple(term.name.lower() for term in Term)
_COMMODITIES = tuple(commodity.name.lower() for commodity in Commodity)
_REASONS = tuple(reason.name.lower() for reason in Reason)


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
    outcome = operator.by_world
    terms = simulation.terms[:, world, n].tolist()
    volume, price = outcome.volume[world].tolist(), outcome.price[world].tolist()
    traded, metered = operator.traded[world, n].tolist(), operator.metered[world, n].tolist()
    at = (world, n)
    return {
        "reward_terms": {
            name: value / NANO_EUR_PER_EUR for name, value in zip(_TERMS, terms, strict=True)
        },
        "requested": {
            "battery": (int(d.charge[at]) - int(d.discharge[at])) / 1000,
            "heat_pump": (int(d.pump_firm[at]) + int(d.pump_flex[at])) / 1000,
            "chp": -int(d.chp[at]) / 1000,
        },
        "executed": {
            "battery": int(flows.battery_energy[at]) / 1000,
            "heat_pump": int(flows.pump_electricity[at]) / 1000,
            "chp": -int(flows.chp_electricity[at]) / 1000,
            "thermal_store": int(flows.store_flow[at]) / 1_000_000,
            "boiler": -int(flows.boiler_heat[at]) / 1000,
        },
        "traded": {name: value / 1000 for name, value in zip(_COMMODITIES, traded, strict=True)},
        "metered": {name: value / 1000 for name, value in zip(_COMMODITIES, metered, strict=True)},
        "unserved": int(flows.unserved[at]) / 1000,
        "volume": {name: value / 1000 for name, value in zip(_COMMODITIES, volume, strict=True)},
        "price": {
            name: value / 1_000_000 if sold else None
            for name, value, sold in zip(_COMMODITIES, price, volume, strict=True)
        },
        "reasons": _reasons(simulation, world, n),
    }


def _reasons(simulation: Simulation, world: int, n: int) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for c, commodity in enumerate(_COMMODITIES):
        sent = int(simulation.orders.count[world, c])
        owners = simulation.orders.owner[world, c, :sent]
        own: dict[str, int] = {}
        # offers of a round leave with it, so the slots still hold what became of them
        for reason in simulation.operator.reason[world, c, :sent][owners == n].tolist():
            name = _REASONS[reason]
            own[name] = own.get(name, 0) + 1
        counts[commodity] = own
    return counts
