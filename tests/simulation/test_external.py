"""Offers from outside: devices deliver what was traded; a record of them can be stepped again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.errors import DataError, InputError, RoundOrderError, UnknownNameError
from decent_gym.ledger import Ledger
from decent_gym.market import Orders
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.external import follow_external, submit_again
from decent_gym.simulation.recording import header_of
from decent_gym.views.recorder import Recorder

EXTERNAL = ("building_03", "building_08")
SELL, BUY = 0, 1


def slow(traded, heat_traded, net, heat, cop, pump_max, charge, discharge, room, chp_max):
    """One Wh at a time: who takes the next Wh that is to be drawn or given."""
    pump = 0
    while cop and pump < pump_max and pump * cop < 1000 * max(heat - heat_traded, 0):
        pump += 1
    rest, stored, made, extra = traded - net - pump, 0, 0, 0
    while rest > 0 and stored < charge:
        rest, stored = rest - 1, stored + 1
    while rest > 0 and cop and pump < pump_max and (extra + 1) * cop <= 1000 * room:
        rest, pump, extra = rest - 1, pump + 1, extra + 1
    while rest < 0 and -stored < discharge:
        rest, stored = rest + 1, stored - 1
    while rest < 0 and made < chp_max:
        rest, made = rest + 1, made + 1
    while rest < 0 and pump > 0:
        rest, pump = rest + 1, pump - 1
    return stored, pump, made


small = st.integers(0, 12)


@given(
    st.integers(-30, 30), st.integers(-10, 10), st.integers(-10, 10), small,
    st.sampled_from([0, 700, 1000, 3300]), small, small, small, small, small, st.booleans(),
)  # fmt: skip
def test_devices_deliver_what_was_traded(
    traded, heat_traded, net, heat, cop, pump_max, charge, discharge, room, chp_max, absorb
):
    def row(value):
        return np.array([[99, value]], np.int64)

    wrong = net + 5  # the forecast where the actual one counts, and the other way round
    load, actual = (wrong, net) if absorb else (net, wrong)
    out = [row(0) for _ in range(3)]
    both = np.array([[[99, 99], [traded, heat_traded]]], np.int64)
    follow_external(
        0, 1, np.array([1]), both, row(load), row(0), row(heat), row(cop), row(pump_max),
        row(charge), row(discharge), row(room), row(chp_max), absorb, row(actual), row(0), *out,
    )  # fmt: skip
    expected = slow(traded, heat_traded, net, heat, cop, pump_max, charge, discharge, room, chp_max)
    assert tuple(int(column[0, 1]) for column in out) == expected
    assert {int(column[0, 0]) for column in out} == {99}  # of nobody else


def orders_of(owner, rows):
    """Electricity orders (side, price, energy, device) of one organization for the next round."""
    orders = Orders.empty(1, len(rows))
    orders.count[0, 0] = len(rows)
    orders.owner[:] = owner
    for r, (side, price, energy, device, now) in enumerate(rows):
        orders.side[0, 0, r], orders.price[0, 0, r] = side, price
        orders.energy[0, 0, r] = orders.cap[0, 0, r] = energy
        orders.device[0, 0, r] = device
        orders.start[0, 0, r], orders.until[0, 0, r] = now, now + 1
    return orders


def begun(external=EXTERNAL):
    simulation = Simulation(scenario("rural"), external=external)
    simulation.reset([5], [96])
    ledger = Ledger(header_of(simulation.operator, simulation.scenario.digest, 5))
    recorder = Recorder()
    simulation.operator.listen(0, ledger)
    simulation.operator.listen(0, recorder)
    return simulation, ledger, recorder


def test_a_record_of_offers_from_outside_can_be_stepped_again():
    simulation, ledger, recorder = begun()
    rng = np.random.default_rng(0)
    for _ in range(30):
        now = int(simulation.operator.round[0])
        for owner in simulation.external.tolist() * 2:
            bids = [(BUY, int(rng.integers(80_000, 200_000)), 300, int(rng.integers(-1, 2)), now)]
            asks = [(SELL, int(rng.integers(200_001, 300_000)), 200, -1, now)]
            simulation.submit(orders_of(owner, bids * 2 + asks * int(rng.integers(2))))
        simulation.step()
    again, second, _ = begun()
    gaps = 0
    for record in recorder.rounds:
        gaps += int(np.diff(np.sort(record.electricity.column("sequence"))).max() > 1)
        submit_again(again, record)
        again.step()
    assert second.head == ledger.head
    assert gaps > 0  # orders that were replaced before the gate


def test_who_does_not_offer_trades_nothing_and_lives_off_its_battery():
    simulation, _, recorder = begun(["building_08"])
    n = int(simulation.external[0])
    for _ in range(20):
        simulation.step()
    for record in recorder.rounds:
        assert n not in record.electricity.column("owner")
        assert not record.traded[n].any()
    assert simulation.flows.battery_energy[0, n] <= 0


def test_an_edited_record_is_named():
    simulation, _, recorder = begun()
    simulation.submit(orders_of(int(simulation.external[0]), [(BUY, 200_000, 300, -1, 96)]))
    simulation.step()
    simulation.step()
    again, _, _ = begun()
    again.step()  # of another round
    with pytest.raises(DataError, match="round 96: orders 0 to 0 from outside"):
        submit_again(again, recorder.rounds[0])


def test_bad_names_and_times_are_refused():
    district = scenario("rural")
    for names, error in (
        ("ab", InputError),
        (["nobody"], UnknownNameError),
        (["utility"], InputError),
    ):
        with pytest.raises(error):
            Simulation(district, external=names)
    with pytest.raises(InputError, match="external must be a list of different names"):
        Simulation(district, external=["building_03", "building_03"])
    simulation, _, _ = begun()
    simulation.operator.clear(simulation._capability)
    with pytest.raises(RoundOrderError):
        simulation.submit(orders_of(3, [(BUY, 1, 1, -1, 96)]))
