"""Rounds as tables for analysis, and the same rounds back from them.

===============  ========================================  =======================================
table            a row                                     carries
===============  ========================================  =======================================
``rounds``       a round                                   time, prices, volumes, tariffs, hash
``offers``       an offer in a round's book                the offer, accepted, pays, reason
``accounts``     an account in a round                     energy traded and metered, money, balance
``actions``      an entry of what learners asked for       parts per million; mostly no rows
``conversions``  a conversion offered in a round           the offer, activity, delivered, earnings
``wishes``       an offer where anybody is special         the wish, certificates by type
``signed``       a signed message in a round               who, signature, the message
===============  ========================================  =======================================

Units end a column's name: ``_wh``, ``_ueur_per_kwh`` (micro-euro per kWh), ``_neur`` (n-euro),
``_wh_per_kwh`` (of a conversion's activity), ``_decidegree`` (tenths of a degree Celsius),
``_permille``, ``_ppm``.  Nothing in the tables is rounded, and nothing of a round is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger.header import LedgerHeader
from decent_gym.ledger.tables.columns import (
    FIXED_NAMES,
    Columns,
    Kind,
    TableColumn,
    account_names,
)
from decent_gym.ledger.tables.special import (
    signed_kinds,
    signed_of,
    signed_values,
    wish_kinds,
    wish_values,
    wishes_of,
)
from decent_gym.models import (
    COMMODITIES,
    CONVERSION_FIELDS,
    NO_CONVERSIONS,
    ORDER_FIELDS,
    Case,
    ClearedBook,
    Commodity,
    Converted,
    Money,
    Reason,
    Round,
    Side,
    Tariff,
)
from decent_gym.units import IntArray

_COMMODITIES: Final = tuple(commodity.name for commodity in Commodity)
_UNITS: Final = {"price": "_ueur_per_kwh", "energy": "_wh", "unsettled": "_wh", "cap": "_wh"}
_ORDER_COLUMNS: Final = tuple(name + _UNITS.get(name, "") for name in ORDER_FIELDS)
_RATES: Final = dict.fromkeys(("electricity", "heat", "fuel"), "_wh_per_kwh")
_DEGREES: Final = dict.fromkeys(("source", "supply"), "_decidegree")
_CONVERSION_UNITS: Final = {"cost": "_ueur_per_kwh", "most": "_wh", **_RATES, **_DEGREES}
_CONVERSION_COLUMNS: Final = tuple(n + _CONVERSION_UNITS.get(n, "") for n in CONVERSION_FIELDS)
_PRICES: Final = ("price_low", "price", "price_high")
_LOWER: Final = tuple(name.lower() for name in _COMMODITIES)
_DELIVERED: Final = tuple(f"delivered_{place}_wh" for place in _LOWER)
_MONEY: Final = tuple(f"{kind.name.lower()}_neur" for kind in Money)


def kinds_of(header: LedgerHeader) -> dict[str, dict[str, Kind]]:
    """Table -> column -> its kind, in the order of the columns."""
    rounds: dict[str, Kind] = {"round": False, "time": False}
    for place in _LOWER:
        rounds |= {f"{place}_volume_wh": False, f"{place}_case": tuple(c.name for c in Case)}
        rounds |= {f"{place}_{price}_ueur_per_kwh": True for price in _PRICES}
        rounds[f"{place}_surplus_neur"] = False
        rounds |= {f"{place}_{t.name.lower()}_ueur_per_kwh": False for t in Tariff}
    named: dict[str, Kind] = {
        "owner": account_names(header),
        "side": tuple(side.name for side in Side),
    }
    offers: dict[str, Kind] = {"round": False, "commodity": _COMMODITIES}
    offers |= {name: named.get(name, False) for name in _ORDER_COLUMNS}
    offers |= {"offered_wh": False, "accepted_wh": False, "pays_neur": False}
    offers["reason"] = tuple(reason.name for reason in Reason)
    accounts: dict[str, Kind] = {
        "round": False,
        "account": account_names(header),
    }
    accounts |= {f"traded_{place}_wh": False for place in _LOWER}
    accounts |= {f"metered_{place}_wh": False for place in _LOWER}
    accounts |= {"unserved_heat_wh": True, **dict.fromkeys(_MONEY, False), "balance_neur": False}
    actions: dict[str, Kind] = dict.fromkeys(("round", "entry", "action_ppm"), False)
    conversions: dict[str, Kind] = {"round": False}
    conversions |= {name: named.get(name, False) for name in _CONVERSION_COLUMNS}
    conversions |= dict.fromkeys(("activity_wh", *_DELIVERED, "earns_neur"), False)
    return {
        "rounds": rounds,
        "offers": offers,
        "accounts": accounts,
        "actions": actions,
        "conversions": conversions,
        "wishes": wish_kinds(header),
        "signed": signed_kinds(header),
    }


def tables_of(rounds: Sequence[Round], header: LedgerHeader) -> dict[str, Columns]:
    """The tables of one round or more, columns as in :func:`kinds_of`.

    Raises
    ------
    LedgerError
        For a round that makes no sense, such as an offer of nobody; names it.
    """
    kinds = kinds_of(header)
    values = {
        "rounds": _rounds(rounds),
        "offers": _offers(rounds),
        "accounts": _accounts(rounds, header),
        "actions": _actions(rounds),
        "conversions": _conversions(rounds),
        "wishes": wish_values(rounds),
        "signed": signed_values(rounds),
    }
    tables: dict[str, Columns] = {}
    for table, columns in kinds.items():
        tables[table] = {
            name: _column(f"{table}.{name}", values[table][name], kind)
            for name, kind in columns.items()
        }
    return tables


def _column(place: str, values: npt.NDArray[Any], kind: Kind) -> TableColumn:
    if isinstance(kind, tuple):
        bad = values[(values < 0) | (values >= len(kind))]
        if len(bad):
            raise LedgerError(
                f"{place}: {bad[0]} has no name; 'decent-gym verify' says what is wrong"
            )
        return TableColumn(values, kind)
    if kind is True:
        missing = values == _NOTHING
        return TableColumn(np.where(missing, 0, values), None, missing)
    return TableColumn(values)


_NOTHING: Final = np.iinfo(np.int64).min
"""Stands for "no value" between here and :func:`_column`; no price or energy is that small."""


def _rounds(rounds: Sequence[Round]) -> dict[str, IntArray]:
    columns = {
        "round": np.array([r.number for r in rounds], np.int64),
        "time": np.array([r.timestamp for r in rounds], np.int64),
    }
    tariffs = np.stack([r.tariffs for r in rounds])
    for commodity, place in enumerate(_LOWER):
        books = [r.books[commodity] for r in rounds]
        figures = {"volume_wh": "volume", "case": "case", "surplus_neur": "surplus"}
        figures |= {f"{price}_ueur_per_kwh": price for price in _PRICES}
        for name, field in figures.items():
            found = (getattr(book, field) for book in books)
            integers = [_NOTHING if value is None else value for value in found]
            columns[f"{place}_{name}"] = np.array(integers, np.int64)
        for tariff in Tariff:
            name = f"{place}_{tariff.name.lower()}_ueur_per_kwh"
            columns[name] = tariffs[:, commodity, tariff]
    return columns


def _offers(rounds: Sequence[Round]) -> dict[str, IntArray]:
    books = [(r.number, c, book) for r in rounds for c, book in enumerate(r.books)]
    counts = [len(book.orders) for _, _, book in books]
    orders = np.concatenate([book.orders for _, _, book in books])
    columns = {
        "round": np.repeat(np.array([n for n, _, _ in books], np.int64), counts),
        "commodity": np.repeat(np.array([c for _, c, _ in books], np.int64), counts),
    }
    columns |= dict(zip(_ORDER_COLUMNS, orders.T, strict=True))
    for name, field in _RESULTS.items():
        columns[name] = np.concatenate([getattr(book, field) for _, _, book in books])
    return columns


_RESULTS: Final = {
    "offered_wh": "offered",
    "accepted_wh": "accepted",
    "pays_neur": "pays",
    "reason": "reason",
}


def _accounts(rounds: Sequence[Round], header: LedgerHeader) -> dict[str, IntArray]:
    count = header.accounts
    columns = {
        "round": np.repeat(np.array([r.number for r in rounds], np.int64), count),
        "account": np.tile(np.arange(count), len(rounds)),
        "balance_neur": np.concatenate([r.accounts for r in rounds]),
    }
    for name, field in (("traded", "traded"), ("metered", "metered")):
        both = np.concatenate([getattr(r, field) for r in rounds])
        columns |= {f"{name}_{place}_wh": both[:, c] for c, place in enumerate(_LOWER)}
    nobody = np.full(len(FIXED_NAMES), _NOTHING)
    columns["unserved_heat_wh"] = np.concatenate([x for r in rounds for x in (r.unserved, nobody)])
    money = np.concatenate([r.money for r in rounds], axis=1)
    return columns | dict(zip(_MONEY, money, strict=True))


def _actions(rounds: Sequence[Round]) -> dict[str, IntArray]:
    counts = [len(r.actions) for r in rounds]
    return {
        "round": np.repeat(np.array([r.number for r in rounds], np.int64), counts),
        "entry": np.concatenate([np.arange(count, dtype=np.int64) for count in counts]),
        "action_ppm": np.concatenate([r.actions for r in rounds]),
    }


def _conversions(rounds: Sequence[Round]) -> dict[str, IntArray]:
    given = [r.conversions for r in rounds]
    counts = [len(each.activity) for each in given]
    columns = {"round": np.repeat(np.array([r.number for r in rounds], np.int64), counts)}
    offers = np.concatenate([each.offers for each in given])
    columns |= dict(zip(_CONVERSION_COLUMNS, offers.T, strict=True))
    columns["activity_wh"] = np.concatenate([each.activity for each in given])
    delivered = np.concatenate([each.delivered for each in given])
    columns |= dict(zip(_DELIVERED, delivered.T, strict=True))
    return columns | {"earns_neur": np.concatenate([each.earns for each in given])}


def round_of(tables: Mapping[str, Columns], header: LedgerHeader) -> Round:
    """The one round whose rows these are.

    Raises
    ------
    DataError
        If the rows are no round: names the table and what is wrong.
    """
    facts = tables["rounds"]
    accounts, actions = tables["accounts"], tables["actions"]
    _expect_counting(accounts["account"].values, header.accounts, "accounts: one row an account")
    entries = actions["entry"].values
    _expect_counting(entries, len(entries), "actions: entries from 0 on")
    unserved = accounts["unserved_heat_wh"]
    who = np.arange(header.accounts) >= len(header.names)
    if unserved.missing is None or (unserved.missing != who).any():
        raise DataError(
            "accounts: unserved_heat_wh must be there for organizations, and only these"
        )
    return Round(
        number=int(facts["round"].values[0]),
        timestamp=int(facts["time"].values[0]),
        books=tuple(_book(tables, commodity) for commodity in Commodity),
        tariffs=np.array(
            [
                [facts[f"{place}_{t.name.lower()}_ueur_per_kwh"].values[0] for t in Tariff]
                for place in _LOWER
            ],
            np.int64,
        ),
        traded=_pairs(accounts, "traded"),
        metered=_pairs(accounts, "metered"),
        unserved=unserved.values[: len(header.names)].copy(),
        money=np.stack([accounts[name].values for name in _MONEY]),
        accounts=accounts["balance_neur"].values.copy(),
        actions=actions["action_ppm"].values.copy(),
        conversions=_converted(tables["conversions"]),
        signed=signed_of(tables["signed"]),
    )


def _converted(rows: Columns) -> Converted:
    if not len(rows["round"].values):
        return NO_CONVERSIONS
    return Converted(
        offers=np.stack([rows[name].values for name in _CONVERSION_COLUMNS], axis=1),
        activity=rows["activity_wh"].values.copy(),
        delivered=np.stack([rows[name].values for name in _DELIVERED], axis=1),
        earns=rows["earns_neur"].values.copy(),
    )


def _expect_counting(values: IntArray, count: int, rule: str) -> None:
    if len(values) != count or (values != np.arange(count)).any():
        raise DataError(f"{rule}, in order")


def _pairs(accounts: Columns, name: str) -> IntArray:
    return np.stack([accounts[f"{name}_{place}_wh"].values for place in _LOWER], axis=1)


def _book(tables: Mapping[str, Columns], commodity: Commodity) -> ClearedBook:
    offers, facts, place = tables["offers"], tables["rounds"], _LOWER[commodity]
    which = offers["commodity"].values
    if (np.diff(which) < 0).any():
        raise DataError("offers: those of one commodity must follow each other, in their order")
    own = which == commodity
    assert len(_LOWER) == COMMODITIES
    prices = []
    for price in _PRICES:
        column = facts[f"{place}_{price}_ueur_per_kwh"]
        none = column.missing is not None and bool(column.missing[0])
        prices.append(None if none else int(column.values[0]))
    results = {field: offers[name].values[own] for name, field in _RESULTS.items()}
    wishes, origin = wishes_of(tables["wishes"], commodity, offers["sequence"].values[own])
    return ClearedBook(
        orders=np.stack([offers[name].values[own] for name in _ORDER_COLUMNS], axis=1),
        **results,
        volume=int(facts[f"{place}_volume_wh"].values[0]),
        price_low=prices[0],
        price=prices[1],
        price_high=prices[2],
        surplus=int(facts[f"{place}_surplus_neur"].values[0]),
        case=Case(int(facts[f"{place}_case"].values[0])),
        wishes=wishes,
        origin=origin,
    )
