"""A district, completely described: who lives there, with which devices, profiles and tariffs.

A scenario is data.  Two scenarios with the same digest give the same episodes from the same seed.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np

from decent_gym.clearing import Rules
from decent_gym.district import CHP, Battery, Boiler, HeatNetwork, HeatPump, ThermalStore
from decent_gym.errors import ScenarioError, shown
from decent_gym.models import COMMODITIES, Commodity, Organization, Wish
from decent_gym.registry import unknown_name
from decent_gym.scenarios.assumptions import Forecasts, Prices
from decent_gym.scenarios.columns import LAST_SECOND, LIMITS
from decent_gym.scenarios.splits import Splits
from decent_gym.units import PRICE_CAP, ROUND_SECONDS, ROUNDS_PER_DAY, IntArray, exact_int

UTILITY: Final = "utility"
TARIFF_COLUMNS: Final = ("retail", "feed_in", "short", "long")
_DEVICES: Final[dict[str, type]] = {
    "battery": Battery,
    "heat_pump": HeatPump,
    "thermal_store": ThermalStore,
    "boiler": Boiler,
    "chp": CHP,
}
_KINDS: Final = {
    "network": HeatNetwork,
    "prices": Prices,
    "forecasts": Forecasts,
    "rules": Rules,
    "splits": Splits,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One organization of the district and what stands in its cellar and on its roof.

    ``trader`` names the scripted behaviour that acts for it where no learner does; ``wish`` is
    what it wishes for in all that it buys, under a mechanism that reads wishes.
    """

    organization: Organization
    battery: Battery | None = None
    heat_pump: HeatPump | None = None
    thermal_store: ThermalStore | None = None
    boiler: Boiler | None = None
    chp: CHP | None = None
    trader: str = "truthful"
    wish: Wish | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.organization, Organization):
            raise ScenarioError(
                f"a member's organization must be an Organization, got {shown(self.organization)}"
            )
        for field_name, kind in _DEVICES.items():
            device = getattr(self, field_name)
            if device is not None and not isinstance(device, kind):
                raise ScenarioError(
                    f"{self.name!r}: {field_name} must be a {kind.__name__} or None, "
                    f"got {shown(device)}"
                )
        if self.wish is not None and not isinstance(self.wish, Wish):
            raise ScenarioError(f"{self.name!r}: wish must be a Wish or None, got {self.wish!r}")
        if self.wish is not None and self.organization.priority == 1:
            raise ScenarioError(
                f"{self.name!r} is a utility (priority=1), which buys whatever is offered: it has "
                "no wish"
            )
        if self.flexible and self.organization.priority == 1:
            raise ScenarioError(
                f"{self.name!r} is a utility (priority=1) and cannot own devices; give them to "
                "another organization"
            )

    @property
    def name(self) -> str:
        """The organization's name."""
        return self.organization.name

    @property
    def flexible(self) -> bool:
        """Whether it owns anything that a trader can decide about."""
        return any(getattr(self, name) is not None for name in _DEVICES)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A frozen, validated district of N members, the utility among them, over T rounds.

    Arrays are taken as they are, not copied, and become read-only.

    Attributes
    ----------
    name : str
        1 to 64 letters, digits, ``_`` or ``-``.
    start : int
        UTC seconds since 1970 of round 0, 0 to 2^36, on the 15-minute grid; round 0 is a local
        midnight.
    members : tuple of Member, length N
    load, pv, heat : int64 Wh (T, N)
        Consumption, PV production and heat demand per round.
    temperature : int64 0.1 degC (T,)
        Outdoor temperature, -600 to 600.
    tariffs : int64 micro-euro/kWh (T, C, 4)
        Columns retail, feed_in, short, long, with ``long < feed_in <= retail < short``.
    network : HeatNetwork
    prices : Prices
    forecasts : Forecasts
    rules : Rules
        Mechanism, price rule, tie rule and the part the utility plays.
    splits : Splits
        Which days are for training, validation and test.
    balance : str
        ``"market"``: forecast errors become imbalance; ``"device"``: batteries absorb them.
    sources : tuple of str
        Where data, sizes and tariffs come from.
    origin : (str, dict), optional
        What :func:`decent_gym.scenario` made it from, name or path and keywords, so that a recorded
        episode can be replayed; no part of the digest.

    Raises
    ------
    ScenarioError
        Naming the field, its value and what it must be.
    """

    name: str
    start: int
    members: tuple[Member, ...]
    load: IntArray
    pv: IntArray
    heat: IntArray
    temperature: IntArray
    tariffs: IntArray
    network: HeatNetwork
    prices: Prices = field(default_factory=Prices)
    forecasts: Forecasts = field(default_factory=Forecasts)
    rules: Rules = field(default_factory=Rules)
    splits: Splits = field(default_factory=Splits)
    balance: str = "market"
    sources: tuple[str, ...] = ()
    origin: tuple[str, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        _check_head(self)
        object.__setattr__(self, "start", exact_int(self.start, "start"))  # not a numpy integer
        _check_members(self)
        _check_profiles(self)
        _check_tariffs(self)
        if self.balance not in ("market", "device"):
            raise ScenarioError(
                f"scenario {self.name!r}: balance must be 'market' or 'device', "
                f"got {shown(self.balance)}"
            )
        for array in (self.load, self.pv, self.heat, self.temperature, self.tariffs):
            array.flags.writeable = False

    @property
    def rounds(self) -> int:
        """T, the number of rounds that the profiles cover."""
        return int(self.temperature.shape[0])

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """The members' organizations, in the order of their account index."""
        return tuple(member.organization for member in self.members)

    def index(self, name: str) -> int:
        """The account index of the organization called `name`."""
        for index, member in enumerate(self.members):
            if member.name == name:
                return index
        raise unknown_name(
            f"organization of scenario {self.name!r}", name, [m.name for m in self.members]
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 over everything that decides an episode."""
        sha = hashlib.sha256(json.dumps(_canonical(self._facts()), sort_keys=True).encode())
        for array in (self.load, self.pv, self.heat, self.temperature, self.tariffs):
            sha.update(np.ascontiguousarray(array, "<i8").tobytes())
        return sha.digest()

    def _facts(self) -> dict[str, Any]:
        members = [{**asdict(m), "organization": {**asdict(m.organization)}} for m in self.members]
        for facts in members:
            if facts["wish"] is None:  # digests are older than wishes
                del facts["wish"]
        return {
            "name": self.name,
            "start": self.start,
            "shape": list(self.load.shape),
            "members": members,
            "network": asdict(self.network),
            "prices": asdict(self.prices),
            "forecasts": asdict(self.forecasts),
            "rules": self.rules.to_dict(),
            "splits": asdict(self.splits),
            "balance": self.balance,
        }

    def with_rules(self, **changes: Any) -> "Scenario":
        """The same district under other market rules, e.g. ``with_rules(price_rule=0)``."""
        return replace(self, rules=Rules(**{**self.rules.to_dict(), **changes}))


def _canonical(value: Any) -> Any:
    """The same facts with one spelling per number: 11, 11.0 and Decimal(11) are one battery."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float | Decimal):
        number = Decimal(repr(float(value))) if isinstance(value, float) else value
        # no normalize: it would round to the digits that the thread's decimal context says
        whole = number == number.to_integral_value()
        return int(number) if whole else f"{number:f}".rstrip("0")
    return value


def _check_head(scenario: Scenario) -> None:
    name = scenario.name
    plain = isinstance(name, str) and name.replace("_", "a").replace("-", "a").isalnum()
    if not plain or len(name) > 64:
        raise ScenarioError(
            f"scenario name must be 1 to 64 letters, digits, '_' or '-', got {shown(name)}"
        )
    where = f"scenario {name!r}"
    for field_name, kind in _KINDS.items():
        value = getattr(scenario, field_name)
        if not isinstance(value, kind):
            raise ScenarioError(
                f"{where}: {field_name} must be a {kind.__name__}, got {type(value).__name__}"
            )
    if not isinstance(scenario.members, tuple) or not all(
        isinstance(member, Member) for member in scenario.members
    ):
        raise ScenarioError(
            f"{where}: members must be a tuple of Member, got {shown(scenario.members)}"
        )
    start = exact_int(scenario.start, f"{where}: start")
    if start % ROUND_SECONDS or not 0 <= start <= LAST_SECOND:
        raise ScenarioError(
            f"{where}: start {start} must be a multiple of {ROUND_SECONDS} in [0, {LAST_SECOND}]: "
            "UTC seconds since 1970 on the 15-minute grid"
        )


def _check_members(scenario: Scenario) -> None:
    where = f"scenario {scenario.name!r}"
    names = [member.name for member in scenario.members]
    if not names:
        raise ScenarioError(f"{where}: needs at least one organization, got none")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ScenarioError(f"{where}: organization {name!r} stands there twice")
        seen.add(name)
    for member in scenario.members:
        partner = member.wish.partner if member.wish is not None else None
        if partner == member.name:
            raise ScenarioError(f"{where}: {partner!r} wishes for itself as a partner")
        if partner is not None and partner not in seen:
            raise unknown_name(f"partner that {member.name!r} of {where} wishes for", partner, seen)
    utilities = [m.name for m in scenario.members if m.organization.priority == 1]
    if scenario.rules.utility is None and utilities:
        raise ScenarioError(
            f"{where}: utility=None, but {utilities[0]!r} is a utility; leave it out, as "
            "decent_gym.scenarios.scenario(..., utility=None) does"
        )
    if scenario.rules.utility is not None and len(utilities) != 1:
        raise ScenarioError(
            f"{where}: utility={scenario.rules.utility!r} needs exactly one organization with "
            f"priority=1, got {len(utilities)}"
        )


def _check_profiles(scenario: Scenario) -> None:
    where, n, t = f"scenario {scenario.name!r}", len(scenario.members), len(scenario.temperature)
    if t < ROUNDS_PER_DAY:
        raise ScenarioError(f"{where}: needs at least a day of {ROUNDS_PER_DAY} rounds, got {t}")
    expected = {
        "temperature": (t,),
        **{name: (t, n) for name in ("load", "pv", "heat")},
        "tariffs": (t, COMMODITIES, 4),
    }
    for name, shape in expected.items():
        array: IntArray = getattr(scenario, name)
        if not isinstance(array, np.ndarray):
            raise ScenarioError(
                f"{where}: {name} must be an int64 array of shape {shape}, "
                f"got {type(array).__name__}"
            )
        if array.shape != shape or array.dtype != np.int64:
            raise ScenarioError(
                f"{where}: {name} must be int64 of shape {shape}, got {array.dtype} {array.shape}"
            )
    for name in ("temperature", "load", "pv", "heat"):
        array = getattr(scenario, name)
        low, high = LIMITS["temperature" if name == "temperature" else "energy"]
        bad = np.argwhere((array < low) | (array > high))
        if len(bad):
            row, *column = bad[0]
            whose = f" of {scenario.members[column[0]].name!r}" if column else ""
            unit = "Wh" if column else "tenths of a degree Celsius"
            raise ScenarioError(
                f"{where}: {name}{whose} in round {row} must be {low} to {high} {unit}, "
                f"got {array[tuple(bad[0])]}"
            )


def _check_tariffs(scenario: Scenario) -> None:
    tariffs = scenario.tariffs
    retail, feed_in, short, long = (tariffs[..., k] for k in range(4))
    bad = ~((long < feed_in) & (feed_in <= retail) & (retail < short))
    bad |= (np.abs(tariffs) > PRICE_CAP).any(axis=-1)
    if scenario.rules.utility == "book":
        bad |= feed_in == retail
    if bad.any():
        row, commodity = np.argwhere(bad)[0]
        strict = "<" if scenario.rules.utility == "book" else "<="
        shown = ", ".join(
            f"{name} {value}"
            for name, value in zip(TARIFF_COLUMNS, tariffs[row, commodity], strict=True)
        )
        raise ScenarioError(
            f"scenario {scenario.name!r}: {Commodity(commodity).name.lower()} tariffs of round "
            f"{row} must satisfy long < feed_in {strict} retail < short within +-{PRICE_CAP} "
            f"micro-euro/kWh, got {shown}"
        )
