"""What happened behind the meters explains what the meters show."""

from decent_gym.metrics import EnergyLog, SeriesRecorder, exchange
from decent_gym.models import Commodity
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation

# from noon on: sums over whole days would not see a shift by one round
FIRST, ROUNDS = 96 * 100 + 48, 30


def test_consumption_less_generation_is_the_meter_where_batteries_rest():
    district = scenario("rural")
    simulation = Simulation(district, traders="no_flexibility")
    simulation.reset([3], [FIRST])
    recorder = SeriesRecorder([m.name for m in district.members], simulation._utility)
    simulation.operator.listen(0, recorder)
    log = EnergyLog(simulation)
    for _ in range(ROUNDS):
        log.step()
    series = recorder.series()
    net = log.consumption[:, 0] - log.generation[:, 0]
    members = series.members
    metered = series.metered[:, :, Commodity.ELECTRICITY].sum(axis=0)
    assert metered[members].tolist() == net[members].tolist()
    assert exchange(series, Commodity.ELECTRICITY).sum() == metered[members].sum()
    pumps = [n for n, member in enumerate(district.members) if member.heat_pump is not None]
    extra = log.consumption[:, 0] - district.load[FIRST : FIRST + ROUNDS].sum(axis=0)
    assert set(extra.nonzero()[0]) <= set(pumps)
    assert extra.sum() > 0
    assert log.generation[:, 1].sum() > 0
    assert log.unserved.sum() == 0
    assert log.consumption[:, 1].sum() == district.heat[FIRST : FIRST + ROUNDS].sum()
