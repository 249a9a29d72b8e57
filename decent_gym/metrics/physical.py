"""What flowed in the recorded rounds; a counterfactual clearing does not change it."""

import numpy as np

from decent_gym.metrics.energy import exchange, peak_kw, self_consumption, self_sufficiency
from decent_gym.metrics.energy_log import EnergyLog
from decent_gym.metrics.series import Series
from decent_gym.models import Commodity
from decent_gym.scenarios import Scenario
from decent_gym.units import WH_PER_KWH


def physical_figures(
    series: Series, log: EnergyLog | None = None, scenario: Scenario | None = None
) -> dict[str, float | None]:
    """Energy, peaks and loads of recorded rounds, in kWh, kW and shares.

    None where nothing in the recording or the scenario gives it: consumption and generation behind
    the meters need `log`, the heat network's capacity `scenario`; no scenario describes the
    electricity network, so its line loading and the share of time outside the voltage band
    (EN 50160) are not known, and nothing in a scenario curtails PV.

    Parameters
    ----------
    series : Series
    log : EnergyLog, optional
        Of the same rounds, as a replay of the episode fills it.
    scenario : Scenario, optional

    Source: shares as in :func:`decent_gym.metrics.self_sufficiency`; voltage characteristics,
    EN 50160:2010, section 4.2.2.
    """
    electricity = exchange(series, Commodity.ELECTRICITY)
    heat = exchange(series, Commodity.HEAT)
    imported = float(electricity[electricity > 0].sum())
    exported = float(-electricity[electricity < 0].sum())
    consumed = generated = None
    if log is not None:
        consumed = float(log.consumption[:, Commodity.ELECTRICITY].sum())
        generated = float(log.generation[:, Commodity.ELECTRICITY].sum())
    return {
        "self_sufficiency": None if consumed is None else self_sufficiency(consumed, imported),
        "self_consumption": None if generated is None else self_consumption(generated, exported),
        "imported_kwh": imported / WH_PER_KWH,
        "exported_kwh": exported / WH_PER_KWH,
        "peak_kw": peak_kw(series, Commodity.ELECTRICITY),
        "heat_imported_kwh": float(heat[heat > 0].sum()) / WH_PER_KWH,
        "heat_peak_kw": peak_kw(series, Commodity.HEAT),
        "heat_unserved_kwh": int(series.unserved.sum()) / WH_PER_KWH,
        "heat_curtailed_kwh": float(-heat[heat < 0].sum()) / WH_PER_KWH,
        "heat_network_loading": _heat_loading(series, scenario),
        "electricity_curtailed_kwh": None,
        "line_loading": None,
        "outside_en50160": None,
    }


def _heat_loading(series: Series, scenario: Scenario | None) -> float | None:
    """Highest share of the heat network's maximum flow that was drawn in a round."""
    if scenario is None:
        return None
    most, _, _ = scenario.network.parameters()
    drawn = np.maximum(series.metered[:, series.members, Commodity.HEAT], 0).sum(axis=1)
    return int(drawn.max()) / most if most else None
