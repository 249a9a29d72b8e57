"""`check_ledger`: a ledger verifies, and what it records keeps the laws of a market.

:func:`decent_gym.ledger.verify` clears every round again with the program's own mechanisms.  A
mechanism that is wrong confirms itself there.  This check adds what needs no clearing: the
recorded figures against the laws (energy, money, limits, prices), every reason against the energy
it explains, every record against its own bytes, and how many orders left without a reason.  Where
heat and electricity were cleared together, conversions buy and sell in both books like everybody
else, and keep laws of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from decent_gym.clearing import MECHANISMS, Books, Mechanism, Outcome, Rules
from decent_gym.ledger import LedgerHeader, Verification, verify
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.header import decode_header, parse_json
from decent_gym.ledger.scan import Scan
from decent_gym.models import WISH_FIELDS, ClearedBook, Commodity, Converted, Reason, Round
from decent_gym.testing.books import book
from decent_gym.testing.case import Case
from decent_gym.testing.conversions import CONVERSION_LAWS, parts_in
from decent_gym.testing.laws import OUTCOME_LAWS

_ALWAYS: Final = ("fills", "idle", "limits")
"""Laws of recorded books that hold too where a utility serves the rest outside of the book."""


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What :func:`check_ledger` found; true if all is well.

    Attributes
    ----------
    verification : Verification
        What ``verify`` says.
    rounds, orders : int
        Looked at here; an order counts once a round.
    laws : tuple of str
        Laws that every recorded book and, under coupled clearing, every conversion was held to.
    unexplained : int
        Orders that were open, had rounds left, and are not in the next round.  They were withdrawn
        or replaced: a ledger does not record which.  Not a fault; but who finds its own order
        among them, and did not withdraw it, was cheated.
    fault : str or None
        The first fault: law, round, commodity, and what was found.
    """

    verification: Verification
    rounds: int
    orders: int
    laws: tuple[str, ...]
    unexplained: int
    fault: str | None = None

    def __bool__(self) -> bool:
        return self.fault is None

    def __str__(self) -> str:
        if self.fault is not None:
            return f"NOT ok: {self.fault}"
        return (
            f"ok: {self.rounds:,} rounds, {self.orders:,} orders keep {len(self.laws)} laws, "
            f"{self.unexplained:,} left without a recorded reason, head {self.verification.head}"
        )


class BrokenLedgerError(AssertionError):
    """A ledger is not what it should be; the message says where, ``report`` holds all.

    Attributes
    ----------
    report : LedgerReport
    """

    def __init__(self, report: LedgerReport) -> None:
        super().__init__(str(report))
        self.report = report

    def __reduce__(self) -> tuple[type["BrokenLedgerError"], tuple[LedgerReport]]:
        return BrokenLedgerError, (self.report,)


def check_ledger(path: str | Path, *, expected_head: str | None = None) -> LedgerReport:
    """Verify a ledger and hold its records to the laws.

    Parameters
    ----------
    path : str or Path
        The ledger's folder.
    expected_head : str, optional
        As in :func:`decent_gym.ledger.verify`.

    Returns
    -------
    LedgerReport

    Raises
    ------
    InputError
        There is no folder at `path`, or `expected_head` is no head.
    BrokenLedgerError
        An AssertionError: it does not verify, or a record breaks a law.
    """
    verification = verify(path, expected_head=expected_head)
    if not verification.ok:
        report = LedgerReport(verification, 0, 0, (), 0, f"verify: {verification.reason}")
        raise BrokenLedgerError(report)
    records = iter(Scan(Path(path)))
    header = decode_header(next(records).body)
    looked = _Looked(header)
    fault = next((found for raw in records for found in looked.faults(bytes(raw.body))), None)
    report = looked.report(verification, fault)
    if fault is not None:
        raise BrokenLedgerError(report)
    return report


class _Looked:
    """One pass over the records, and what has been counted."""

    def __init__(self, header: LedgerHeader) -> None:
        self._header = header
        self._rules = Rules.from_dict(parse_json(header.rules))
        self._kind: Mechanism = MECHANISMS[self._rules.mechanism]
        alone = self._rules.utility != "residual"
        self._laws = [law for law in OUTCOME_LAWS if alone or law.name in _ALWAYS]
        coupled = self._rules.clearing == "coupled"
        self._of_conversions = CONVERSION_LAWS if coupled else ()
        self._rounds = self._orders = self._unexplained = 0
        self._waiting: tuple[set[int], ...] = tuple(set() for _ in Commodity)

    def report(self, verification: Verification, fault: str | None) -> LedgerReport:
        laws = (*self._laws, *self._of_conversions)
        names = ("canonical", "sums", "reasons", *(law.name for law in laws))
        return LedgerReport(
            verification, self._rounds, self._orders, names, self._unexplained, fault
        )

    def faults(self, body: bytes) -> Iterator[str]:
        """What is wrong with one record."""
        record = decode_round(body, self._header.accounts)
        where = f"round {self._rounds}"
        if encode_round(record, self._header.accounts) != body:
            yield f"canonical: {where} is not the encoding of what it says"
        if record.money.sum(axis=1).any() or record.accounts.sum():
            yield f"sums: {where}: money or accounts do not sum to 0"
        for commodity, cleared in zip(Commodity, record.books, strict=True):
            place = f"{where}, {commodity.name.lower()}"
            yield from (f"reasons: {place}: {what}" for what in _wrong_reasons(cleared, record))
            case = _recorded(cleared, record.conversions, commodity, self._kind, self._rules)
            for law in (law for law in self._laws if law.find(case)[0]):
                yield f"{law.name}: {place}: not so: {law.says}"
            self._count(commodity, cleared, record)
        for rule in self._of_conversions:
            for k in np.flatnonzero(rule.find(record)).tolist():
                yield f"{rule.name}: {where}, conversion {k}: not so: it {rule.says}"
        self._rounds += 1

    def _count(self, commodity: int, cleared: ClearedBook, record: Round) -> None:
        ids = cleared.column("sequence")
        self._orders += len(ids)
        self._unexplained += len(self._waiting[commodity] - set(ids.tolist()))
        left = cleared.column("unsettled") - cleared.accepted
        stays = (left > 0) & (cleared.column("until") > record.number + 1)
        waiting = self._waiting[commodity]
        waiting.clear()
        waiting.update(ids[stays].tolist())


def _recorded(
    cleared: ClearedBook, given: Converted, commodity: Commodity, kind: Mechanism, rules: Rules
) -> Case:
    """A recorded book as if the mechanism had just cleared it, with what conversions traded.

    Wishes and conversions do not meet: coupled clearing is a merit order, which reads no wishes.
    """
    parts = parts_in(cleared, given, commodity)
    beside = {"side": parts.side, "price": parts.price, "owner": parts.owner}
    beside |= {"priority": 0 * parts.side, "sequence": given.column("sequence")}
    columns: dict[str, Any] = {
        name: np.append(cleared.column(name), values).tolist() for name, values in beside.items()
    }
    wishing = WISH_FIELDS if len(cleared.wishes) else ()
    columns |= {name: cleared.column(name).tolist() for name in wishing}
    books: Books = book(energy=np.append(cleared.offered, parts.energy).tolist(), **columns)
    prices = (cleared.price_low, cleared.price, cleared.price_high)
    narrow = (*(p or 0 for p in prices), cleared.volume, cleared.surplus, int(cleared.case))
    wide = np.append(cleared.accepted, parts.energy), np.append(cleared.pays, parts.pays)
    outcome = Outcome(*(each[None] for each in wide), *(np.array([each]) for each in narrow))
    if wishing:
        outcome = outcome._replace(origin=cleared.origin[None])
    return Case(kind, rules, books, books, outcome)


def _wrong_reasons(cleared: ClearedBook, record: Round) -> Iterator[str]:
    """Orders whose reason does not fit their energies and their window."""
    left = cleared.column("unsettled") - cleared.accepted
    more = cleared.column("until") > record.number + 1
    whole = cleared.accepted == cleared.offered
    reason = cleared.reason
    possible = {
        Reason.FILLED: left == 0,
        Reason.OPEN: (left > 0) & more & whole,
        Reason.MARGINAL: (left > 0) & ~whole,
        Reason.OUT_OF_THE_MONEY: (left > 0) & (cleared.accepted == 0),
        Reason.PREFERENCE_UNMET: (left > 0) & ~whole,
        Reason.EXPIRED: (left > 0) & ~more,
    }
    fits = np.logical_or.reduce([(reason == name) & may for name, may in possible.items()])
    for i in np.flatnonzero(~fits).tolist():
        yield (
            f"order {i} is {Reason(int(reason[i])).name}, with {int(cleared.accepted[i])} of "
            f"{int(cleared.offered[i])} Wh accepted and {int(left[i])} Wh left"
        )
