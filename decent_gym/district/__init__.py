"""The physics of a district: devices and heat network, in exact integers, all worlds at once."""

from decent_gym.district.battery import Battery
from decent_gym.district.boiler import Boiler
from decent_gym.district.chp import CHP
from decent_gym.district.cop import cop_of
from decent_gym.district.delivery import Delivery
from decent_gym.district.devices import Devices
from decent_gym.district.flows import Flows
from decent_gym.district.heat_pump import HeatPump
from decent_gym.district.network import HeatNetwork
from decent_gym.district.profile import PV, Demand
from decent_gym.district.thermal_store import ThermalStore

__all__ = [
    "CHP",
    "PV",
    "Battery",
    "Boiler",
    "Delivery",
    "Demand",
    "Devices",
    "Flows",
    "HeatNetwork",
    "HeatPump",
    "ThermalStore",
    "cop_of",
]
