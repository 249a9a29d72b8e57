"""Closed loop with physics by hand: does flexibility pay at bang-bang prices?"""

import numpy as np
import pytest
from oracles.trader_views import house

from decent_gym.traders import TRADERS, Decisions, decide_all, traders_of

RETAIL, FEED_IN, HEAT_RETAIL = 300_000, 80_000, 150_000
DAY = np.array([RETAIL] * 36 + [FEED_IN] * 28 + [RETAIL] * 32)  # the sun sets the price at noon


def decide(view, name):
    view.policy[:] = TRADERS[name].code
    decisions = Decisions.empty(1, 1)
    decide_all(view, decisions, traders_of([TRADERS[name].code]), 0, 1)
    return {block: int(getattr(decisions, block)[0, 0]) for block in decisions.__slots__}


def battery_earns(name):
    """Micro-euro x Wh / kWh over five days, price-taking; 10 kWh, 1 kWh a round."""
    soc, money = 0, 0
    for price in np.tile(DAY, 5):
        view = house(charge_rate=950, discharge_rate=1053)
        view.max_charge[:] = min(1000, (10**7 - soc) // 950)
        view.max_discharge[:] = min(1000, soc // 1053)
        d = decide(view, name)
        bought = d["charge"] if price <= d["charge_limit"] else 0
        sold = d["discharge"] if price >= d["discharge_limit"] else 0
        soc += 950 * bought - 1053 * sold
        assert 0 <= soc <= 10**7
        money += int(price) * (sold - bought)
    return money, soc


def heat_pump_costs(name, heat_price=0):
    """The same for a heat pump with a 10 kWh tank that loses 5 % a day; 0.75 kWh heat a round.

    The network buys any heat at `heat_price`; 0 is nobody.
    """
    stored, money = 0, 0
    for price in np.tile(DAY, 5):
        stored -= stored * 534 // 10**6
        view = house(heat=750, cop=3000, pump_max=600, store_out=min(2500, stored // 1000))
        view.store_in[:] = min(2500, (10**7 - stored) // 1000)
        view.price_low[0, 1] = view.price_high[0, 1] = heat_price
        d = decide(view, name)
        taken = d["pump_firm"] + (d["pump_flex"] if price <= d["pump_limit"] else 0)
        sold = d["heat_sell"] if 0 < d["heat_sell_limit"] <= heat_price else 0
        stored += taken * 3000 - 750_000 - 1000 * sold
        money -= heat_price * sold
        assert d["heat_firm"] == 750
        assert 0 <= stored <= 10**7
        money += int(price) * taken
    return money


def plant_earns(name, demand):
    """The same for a CHP with store and boiler that alone serves a heat demand, Wh a round."""
    stored, money, backup = 0, 0, 0
    for price in np.tile(DAY, 5):
        stored -= stored * 534 // 10**6
        view = house(chp_max=1500, chp_heat_rate=1571, chp_fuel_rate=2858)
        view.boiler_max[:], view.boiler_fuel_rate[:] = 6000, 1112
        view.store_out[:] = min(6000, stored // 1000)
        view.store_in[:] = min(6000, (3 * 10**7 - stored) // 1000)
        d = decide(view, name)
        made = d["chp"] if price >= d["chp_limit"] else 0
        from_store = min(demand, d["heat_sell"])
        from_boiler = min(demand - from_store, d["boiler"])
        backup += demand - from_store - from_boiler
        heat_price = d["heat_sell_limit"] if from_store == demand else d["boiler_limit"]
        stored += made * 1571 - from_store * 1000
        assert 0 <= stored <= 3 * 10**7
        fuel = (made * 2858 + from_boiler * 1112) * 100_000 // 1000
        money += int(price) * made + heat_price * (from_store + from_boiler) - fuel
    assert backup == 0
    return money


def test_a_truthful_battery_earns_the_spread():
    money, soc = battery_earns("truthful")
    # bought 10.526 kWh at 0.08 and sold 9.497 at 0.30 a day, but for rounding
    assert money == pytest.approx(5 * 1000 * (9.497 * RETAIL - 10.526 * FEED_IN), rel=2e-3)
    assert soc < 2 * 10**6
    assert battery_earns("no_flexibility") == (0, 0)
    assert battery_earns("price_threshold")[0] == money


def test_a_store_makes_the_heat_pump_cheaper():
    saved = heat_pump_costs("no_flexibility") - heat_pump_costs("truthful")
    most = 5 * 10_000 // 3 * (RETAIL - FEED_IN)  # a tank a day, without losses
    assert 0.95 * most < saved <= most


@pytest.mark.parametrize("heat_price", [105_000, 140_000])
def test_a_heat_pump_with_a_store_sells_heat_where_that_pays(heat_price):
    assert heat_pump_costs("truthful", heat_price) < heat_pump_costs("truthful")
    assert heat_pump_costs("self_consumption", heat_price) == heat_pump_costs("self_consumption")


@pytest.mark.parametrize("demand", [500, 2000, 5000])
def test_a_chp_pays_even_at_its_own_marginal_heat_price(demand):
    boiler_only = plant_earns("no_flexibility", demand)
    assert boiler_only == 0  # sold at cost
    assert plant_earns("truthful", demand) > 0
