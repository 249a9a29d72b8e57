"""The price of preferences of a recorded episode: what wishes cost, and who bears it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.audit import verify
from decent_gym.audit.reclear import Again, clear_again
from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.errors import DataError, InputError
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import LedgerHeader, decode_header, parse_json
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.scan import Scan
from decent_gym.metrics.series import SPECIAL_ACCOUNTS
from decent_gym.models import (
    NO_ORIGIN,
    NO_WISHES,
    TYPE_NAMES,
    Commodity,
    Reason,
    Round,
)
from decent_gym.units import IntArray

BoolArray = npt.NDArray[np.bool_]

_BATCH: Final = 128
_WISHES, _NO_WISH = "buyers with a wish", "buyers without"
_SELLERS: Final = tuple(f"sellers of {name}" for name in TYPE_NAMES)


@dataclass(frozen=True, slots=True)
class PreferenceCost:
    """A recorded episode beside the same offers without wishes; money in n-euro.

    Attributes
    ----------
    rounds : int
    welfare : int
        Limits of accepted bids minus limits of accepted asks, premia not counted.
    lost : int
        The price of preferences: welfare lost against the books without wishes.
    premium : int
        What soft wishes got beyond: the premia of wished-for energy that was delivered.
    unmet : int
        Orders that got nothing because nobody had what they wish for; one a round.
    bought : dict of str to int
        Wh by type of energy: what was bought, in both books.
    by_organization, by_role : dict of str to int
        By how much wishes changed the surplus (limits against payments, premia not counted) of
        each account, and of buyers and sellers by what they wish for or sell; below 0, they bear
        the wishes.  Each sums to ``-lost``.
    """

    rounds: int
    welfare: int
    lost: int
    premium: int
    unmet: int
    bought: dict[str, int]
    by_organization: dict[str, int]
    by_role: dict[str, int]


def preference_cost(path: str | Path) -> PreferenceCost:
    """Clear a recorded episode again as if nobody had a wish, and compare.

    The comparison is static: the offers are those that were made, and what nobody sold to a hard
    wish is not charged as imbalance.

    Parameters
    ----------
    path : str or Path
        The ledger's folder.

    Raises
    ------
    InputError
        There is no ledger at `path`, or its mechanism reads no wishes.
    DataError
        It does not verify.
    """
    found = verify(path)
    if not found.ok:
        raise DataError(f"{path}: {found.reason}")
    records = iter(Scan(Path(path)))
    header = decode_header(next(records).body)
    rules = Rules.from_dict(parse_json(header.rules))
    if not MECHANISMS[rules.mechanism].wishes:
        raise InputError(
            f"{path} was cleared by {rules.mechanism!r}, which reads no wishes; record it with "
            "mechanism='preference'"
        )
    sums = _Sums(header)
    batch: list[Round] = []
    for raw in records:
        if raw.kind is not RecordType.ROUND:
            continue
        batch.append(read_round(raw.body, header.accounts))
        if len(batch) == _BATCH:
            sums.add(batch, rules)
            batch = []
    if batch:
        sums.add(batch, rules)
    return sums.result()


class _Sums:
    """Figures of the rounds so far."""

    def __init__(self, header: LedgerHeader) -> None:
        self._header = header
        self._rounds = self._welfare = self._premium = self._unmet = 0
        self._bought = np.zeros(len(TYPE_NAMES), np.int64)
        self._by_account = np.zeros(header.accounts, np.int64)
        self._by_role = dict.fromkeys((_WISHES, _NO_WISH, *_SELLERS), 0)

    def add(self, batch: list[Round], rules: Rules) -> None:
        """Count rounds in that follow the last ones."""
        plain = replace(rules, mechanism="merit_order")
        again = clear_again([_without_wishes(record) for record in batch], self._header, plain)
        for r, record in enumerate(batch):
            self._rounds += 1
            for commodity in Commodity:
                self._add_book(record, commodity, again, r)

    def _add_book(self, record: Round, commodity: Commodity, again: Again, r: int) -> None:
        book = record.books[commodity]
        n = len(book.orders)
        sign, limit = 2 * book.column("side") - 1, book.column("price")
        attributes = book.column("attributes")
        now = sign * limit * book.accepted
        before = sign * limit * again.accepted[r, commodity, :n]
        change = (now - book.pays) - (before - again.pays[r, commodity, :n])
        np.add.at(self._by_account, book.column("owner"), change)
        for role, mine in _roles(sign > 0, attributes, book.column("partner")):
            self._by_role[role] += int(change[mine].sum())
        self._welfare += int(now.sum())
        self._unmet += int(np.count_nonzero(book.reason == Reason.PREFERENCE_UNMET))
        self._bought += book.bought_by_type
        self._premium += int(book.premia.sum())

    def result(self) -> PreferenceCost:
        """All of it."""
        names = (*self._header.names, *SPECIAL_ACCOUNTS)
        return PreferenceCost(
            rounds=self._rounds,
            welfare=self._welfare,
            lost=-int(self._by_account.sum()),
            premium=self._premium,
            unmet=self._unmet,
            bought=dict(zip(TYPE_NAMES, self._bought.tolist(), strict=True)),
            by_organization=dict(zip(names, self._by_account.tolist(), strict=True)),
            by_role=self._by_role,
        )


def _roles(
    buys: BoolArray, attributes: IntArray, partner: IntArray
) -> Iterator[tuple[str, BoolArray]]:
    """Names of roles and which orders play them."""
    wishes = (attributes > 0) | (partner >= 0)
    yield _WISHES, buys & wishes
    yield _NO_WISH, buys & ~wishes
    for kind, role in enumerate(_SELLERS):
        yield role, ~buys & (attributes == kind)


def _without_wishes(record: Round) -> Round:
    books = tuple(replace(book, wishes=NO_WISHES, origin=NO_ORIGIN) for book in record.books)
    return replace(record, books=books)
