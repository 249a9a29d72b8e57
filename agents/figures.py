"""What an organization's devices can do, as plain numbers."""

from typing import Final

from decent_gym.scenarios import Member

PPM: Final = 1_000_000
DEVICES: Final = ("battery", "heat_pump", "thermal_store", "chp", "boiler")
FIGURES: Final = (
    *("battery_capacity", "battery_initial", "battery_charge", "battery_discharge"),
    *("battery_charge_rate", "battery_discharge_rate", "pump_max", "pump_min"),
    *("chp_max", "chp_min", "chp_heat_rate", "chp_fuel_rate", "boiler_max", "boiler_fuel_rate"),
    *("store_capacity", "store_initial", "store_charge", "store_discharge", "store_loss_ppm"),
)


def figures_of(member: Member) -> dict[str, float]:
    """What the member's devices can do: the integers of :mod:`decent_gym.district` by name.

    Wh per round, mWh and mWh per Wh as there; 0 for devices that it does not own.  ``kept`` is the
    share of its heat that a store keeps for a round.
    """
    figures: dict[str, float] = dict.fromkeys(FIGURES, 0)
    for device in DEVICES:
        owned = getattr(member, device)
        if owned is not None:
            figures.update(owned.parameters())
    return {**figures, "kept": 1 - figures["store_loss_ppm"] / PPM}
