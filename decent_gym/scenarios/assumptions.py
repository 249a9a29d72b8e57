"""What a scenario assumes beside its data: prices of what is not traded, errors of forecasts."""

from dataclasses import dataclass, fields

from decent_gym.units import PRICE_CAP, checked_int


@dataclass(frozen=True, slots=True)
class Prices:
    """What is not traded but costs: micro-euro per kWh, 0 to 10^8.

    Attributes
    ----------
    fuel : int
        Gas, per kWh of fuel (gross calorific value, as it is billed).
    comfort : int
        A kWh of heat that could not be served; a term of the reward and score, no payment.
    wear : int
        A kWh through a battery (charged plus discharged); likewise.
    heat_fee : int
        Network fee per kWh drawn from the heat network, paid to the network's account.
    storage : int
        Fixed reference value of a kWh of electricity in a battery at the end of an episode.
    heat_storage : int
        The same for a kWh in a thermal store.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    fuel: int = 100_000
    comfort: int = 1_000_000
    wear: int = 0
    heat_fee: int = 0
    storage: int = 190_000
    heat_storage: int = 75_000

    def __post_init__(self) -> None:
        _check_fields(self, "prices", {}, PRICE_CAP)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Errors of the forecasts of load, PV and heat demand: log-AR(1), growing with lead.

    ``sigma_permille`` at lead 0 (100 = 10 %), ``sigma_end_permille`` at lead 95, linear between;
    ``persistence_permille`` is the AR(1) coefficient from one round to the next, below 1000.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    sigma_permille: int = 100
    sigma_end_permille: int = 200
    persistence_permille: int = 900

    def __post_init__(self) -> None:
        _check_fields(self, "forecasts", {"persistence_permille": 999}, 1_000)


def _check_fields(record: Prices | Forecasts, place: str, caps: dict[str, int], cap: int) -> None:
    for item in fields(record):
        value = getattr(record, item.name)
        number = checked_int(value, f"{place}.{item.name}", 0, caps.get(item.name, cap))
        object.__setattr__(record, item.name, number)
