"""What happened behind the meters explains what the meters show."""

from decent_gym.metrics import EnergyLog, SeriesRecorder, exchange
from decent_gym.models import Commodity
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation


def test_consumption_less_generation_is_the_meter_without_batteries():
    district = scenario("rural")
    simulation = Simulation(district, traders="no_flexibility")
    simulation.reset([3], [96 * 100])
    recorder = SeriesRecorder([m.name for m in district.members], simulation._utility)
    simulation.operator.listen(0, recorder)
    log = EnergyLog(simulation)
    for _ in range(96):
        log.step()
    series = recorder.series()
    net = log.consumption[:, 0] - log.generation[:, 0]
    idle = [n for n, member in enumerate(district.members) if member.battery is None]
    members = [n for n in series.members if n in idle]
    assert members
    metered = series.metered[:, :, Commodity.ELECTRICITY].sum(axis=0)
    assert metered[members].tolist() == net[members].tolist()
    assert exchange(series, Commodity.ELECTRICITY).sum() == metered[series.members].sum()
    pumps = [n for n, member in enumerate(district.members) if member.heat_pump is not None]
    extra = log.consumption[:, 0] - district.load[9600:9696].sum(axis=0)
    assert set(extra.nonzero()[0]) <= set(pumps)
    assert extra.sum() > 0
    assert log.generation[:, 1].sum() > 0
    assert log.unserved.sum() == 0
    assert log.consumption[:, 1].sum() == district.heat[9600:9696].sum()
