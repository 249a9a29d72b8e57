"""From data sheets to integers, and what is refused on the way."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.district import (
    CHP,
    PV,
    Battery,
    Boiler,
    Delivery,
    Devices,
    Flows,
    HeatNetwork,
    HeatPump,
    ThermalStore,
)
from decent_gym.errors import InputError

EFFICIENCIES = st.decimals("0.01", "1", places=4)


def test_a_battery_by_hand():
    battery = Battery(10, 4, "5.5", 0.95, 0.95, initial=0.25)
    assert battery.parameters() == {
        "battery_capacity": 10_000_000,
        "battery_charge": 1000,
        "battery_discharge": 1375,
        "battery_charge_rate": 950,
        "battery_discharge_rate": 1053,
        "battery_initial": 2_500_000,
    }


def test_the_others_by_hand():
    assert CHP(5, 0.3, 0.6, 0.5).parameters() == {
        "chp_max": 1250,
        "chp_min": 625,
        "chp_heat_rate": 2000,
        "chp_fuel_rate": 3334,
    }
    assert Boiler(20, 0.9).parameters() == {"boiler_max": 5000, "boiler_fuel_rate": 1112}
    assert HeatPump(electric_kw=3, minimum_load=0.25).parameters() == {
        "pump_max": 750,
        "pump_min": 188,
    }
    # -7 degrees outdoors, floor 33.5: D 40.5, 0.85 (6.08 - 3.645 + 0.820125) = 2.766...
    assert HeatPump(thermal_kw=8).parameters()["pump_max"] == -(-2000 * 1000 // 2766)
    assert HeatNetwork(100, 2, np.int64(80)).parameters() == (25_000, 500, 20_000)


@given(EFFICIENCIES, EFFICIENCIES)
def test_rounding_is_never_a_source_of_energy(first, second):
    battery = Battery(1, 1, 1, first, second).parameters()
    assert battery["battery_charge_rate"] <= 1000 * first <= 1000
    assert battery["battery_discharge_rate"] * second >= 1000
    assert Boiler(1, first).parameters()["boiler_fuel_rate"] * first >= 1000
    if first + second <= 1:
        chp = CHP(1, first, second).parameters()
        assert chp["chp_heat_rate"] + 1000 <= chp["chp_fuel_rate"]


@given(st.decimals("0", "0.99", places=3))
def test_a_day_s_loss_is_the_least_that_reaches_the_stated_one(loss_per_day):
    ppm = ThermalStore(10, 5, 5, loss_per_day).loss_ppm()
    kept = (1 - Decimal(ppm) / 10**6) ** 96
    assert kept <= 1 - loss_per_day + Decimal("1e-25")
    if ppm:
        assert (1 - Decimal(ppm - 1) / 10**6) ** 96 > 1 - loss_per_day


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: Battery(-1, 1, 1), r"battery.capacity_kwh must be .* \[0, 100000\] kWh, got -1"),
        (lambda: Battery(1, float("nan"), 1), r"battery.charge_kw .* kW, got nan"),
        (lambda: Battery(1, 1, float("inf")), r"battery.discharge_kw .*got inf"),
        (lambda: Battery(1, 1, 1, 1.01), r"battery.charge_efficiency .*\[0.01, 1\], got 1.01"),
        (lambda: Battery(1, 1, 1, 1, 0), r"battery.discharge_efficiency .*got 0"),
        (lambda: Battery(1, 1, 1, initial=1.5), r"battery.initial .*got 1.5"),
        (lambda: Battery(True, 1, 1), r"battery.capacity_kwh .*got bool True"),
        (lambda: Battery("ten", 1, 1), r"battery.capacity_kwh .*got 'ten'"),
        (lambda: Battery(1, 400_001, 1), r"battery.charge_kw .*400000\] kW"),
        (lambda: HeatPump(), "exactly one of thermal_kw and electric_kw"),
        (lambda: HeatPump(1, 1), "exactly one of thermal_kw and electric_kw"),
        (lambda: HeatPump(1, minimum_load=2), r"heat_pump.minimum_load .*got 2"),
        (lambda: HeatPump(1, rated_celsius=-99), r"heat_pump.rated_celsius .*got -99"),
        (lambda: HeatPump(1, supply=10), r"heat_pump.supply .*got 10"),
        (lambda: CHP(1, 0.5, 0.6), r"chp.electric_efficiency \+ .*0.5 \+ 0.6"),
        (lambda: CHP(1, minimum_load=-0.1), r"chp.minimum_load .*got -0.1"),
        (lambda: Boiler(1, 1.07), r"boiler.efficiency .*got 1.07"),
        (lambda: Boiler([1]), r"boiler.thermal_kw .*got list"),
        (lambda: ThermalStore(1, 1, 1, 1), r"thermal_store.loss_per_day .*got 1"),
        (lambda: ThermalStore(1, 1, 1, initial=-1), r"thermal_store.initial .*got -1"),
        (lambda: HeatNetwork(1, 2, 1), r"heat_network.loss_kw must be at most backup_kw = 1"),
        (lambda: HeatNetwork(-1, 0, 0), r"heat_network.max_flow_kw .*got -1"),
    ],
)
def test_impossible_devices_are_refused_by_field_value_and_range(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_the_thread_s_decimal_context_does_not_matter():
    def sheets():
        return [
            Battery(10.123456, "3.3335", 3.3, 0.951, 0.953, 0.333).parameters(),
            CHP(5.5555, 0.3131, 0.6162).parameters(),
            HeatPump(thermal_kw=9.87654).parameters(),
            ThermalStore(12.34567, 4.4444, 4.4, 0.0512, 0.123).parameters(),
            Boiler(12.34567, 0.9123).parameters(),
            PV(12.3456).energy(np.arange(50), "3.4567").tolist(),
        ]

    expected = sheets()
    assert expected[0]["battery_capacity"] == 10_123_456
    with localcontext(prec=3):
        assert sheets() == expected


@pytest.mark.parametrize("tiny", ["1e-999999999", 5e-324, Decimal("1e-41")])
def test_a_number_of_endless_decimals_is_refused_at_once(tiny):
    with pytest.raises(InputError, match=r"battery.capacity_kwh .* with at most 40 decimals"):
        Battery(tiny, 1, 1)


def test_devices_are_installed_in_all_worlds_and_reset():
    devices = Devices.empty(3, 2)
    devices.set_organization(
        1, battery=Battery(4, 1, 1), boiler=Boiler(10), thermal_store=ThermalStore(8, 2, 2)
    )
    assert devices.fuel == ["", "gas"]
    assert devices.battery_soc.tolist() == [[0, 2_000_000]] * 3
    assert devices.store_soc.tolist() == [[0, 4_000_000]] * 3
    for name in ("battery_soc", "store_soc", "pipe", "fuel_residue"):
        getattr(devices, name)[:] = 7
    devices.reset(1, 2)
    assert devices.battery_soc.tolist() == [[7, 7], [0, 2_000_000], [7, 7]]
    assert devices.pipe.tolist() == [[7, 7], [0, 0], [7, 7]]
    devices.reset()
    assert not devices.fuel_residue.any()
    assert devices.store_soc.tolist() == [[0, 4_000_000]] * 3


def test_an_organization_has_one_fuel_meter_and_the_utility_no_devices():
    devices = Devices.empty(1, 2)
    with pytest.raises(InputError, match="biogas, gas"):
        devices.set_organization(0, chp=CHP(1, fuel="biogas"), boiler=Boiler(1))
    assert not devices.chp_max.any()
    devices.set_organization(0, chp=CHP(1, fuel="biogas"))
    with pytest.raises(InputError, match="biogas, gas"):
        devices.set_organization(0, boiler=Boiler(1))
    with pytest.raises(InputError, match=r"organization 0 has devices \(chp_max\)"):
        devices.set_utility(0)
    devices.set_utility(1)
    with pytest.raises(InputError, match="organization 1 is the utility"):
        devices.set_organization(1, boiler=Boiler(1))
    with pytest.raises(InputError, match=r"organization must be in \[0, 1\], got 2"):
        devices.set_organization(2, boiler=Boiler(1))


def test_devices_in_use_and_wrong_arrays_are_refused():
    devices, flows = Devices.empty(2, 3), Flows.empty(2, 3)
    flows.heat_demand = np.zeros((2, 3), np.int32)
    with pytest.raises(InputError, match=r"Flows.heat_demand must be an int64 array of shape"):
        Delivery(devices, flows)
    flows.heat_demand = np.zeros((3, 2), np.int64).T
    with pytest.raises(InputError, match=r"Flows.heat_demand must be contiguous"):
        Delivery(devices, flows)
    with pytest.raises(InputError, match=r"Flows.battery_setpoint .*shape \(2, 3\)"):
        Delivery(devices, Flows.empty(2, 2))
    devices.set_organization(0, boiler=Boiler(1))
    Delivery(devices, Flows.empty(2, 3))
    with pytest.raises(InputError, match="in use"):
        devices.set_organization(0, boiler=Boiler(1))
    with pytest.raises(InputError, match="in use"):
        devices.set_utility(1)
