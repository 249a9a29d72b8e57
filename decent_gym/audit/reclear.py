"""Clearing recorded rounds again, a batch at a time, with the kernels that every market uses."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from decent_gym.audit.conversions import conversion_rows
from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules
from decent_gym.clearing.coupled_books import Room, clear_together
from decent_gym.clearing.lottery import fill_lottery
from decent_gym.clearing.preference_reasons import give_wish_reasons
from decent_gym.clearing.reasons import bars, give_reasons
from decent_gym.clearing.residual import certify_residual, serve_residual
from decent_gym.clearing.settlement import (
    apply_conversions,
    apply_trades,
    settle_imbalance,
)
from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import (
    COMMODITIES,
    TYPES,
    WISH_FIELDS,
    ClearedBook,
    Commodity,
    Money,
    Round,
    no_wishes,
)
from decent_gym.units import IntArray

_COLUMNS = ("side", "price", "priority", "sequence", "owner", "start", "until", "unsettled")


class Again(NamedTuple):
    """What R rounds come to when they are cleared again; all int64.

    ``accepted``, ``pays`` and ``reason`` are (R, C, M); ``price_low``, ``price``, ``price_high``,
    ``volume``, ``surplus`` and ``case`` (R, C); ``origin`` (R, C, M, 4), or of length 0 where the
    rules read no wishes; ``traded`` (R, A, C); ``trade`` and ``imbalance``
    (R, A), rows of money; ``activity``, ``earns`` (R, K) and ``delivered`` (R, K, 2), of
    conversions.
    """

    accepted: IntArray
    pays: IntArray
    price_low: IntArray
    price: IntArray
    price_high: IntArray
    volume: IntArray
    surplus: IntArray
    case: IntArray
    reason: IntArray
    origin: IntArray
    traded: IntArray
    trade: IntArray
    imbalance: IntArray
    activity: IntArray
    delivered: IntArray
    earns: IntArray


def clear_again(records: Sequence[Round], header: LedgerHeader, rules: Rules) -> Again:
    """Clear, settle and reason on the orders, tariffs and meters of `records`.

    The orders must have passed :class:`decent_gym.audit.orders.OrderCheck`: kernels trust them.
    """
    n, accounts = len(records), header.accounts
    slots = max((len(book.orders) for record in records for book in record.books), default=0)
    columns = {name: np.zeros((n, COMMODITIES, slots), np.int64) for name in (*_COLUMNS, "offered")}
    count = np.zeros((n, COMMODITIES), np.int64)
    for r, record in enumerate(records):
        for c, book in enumerate(record.books):
            count[r, c] = len(book.orders)
            for name in _COLUMNS:
                columns[name][r, c, : count[r, c]] = book.column(name)
            columns["offered"][r, c, : count[r, c]] = book.offered
    rounds = np.array([record.number for record in records], np.int64)
    tariffs = np.stack([record.tariffs for record in records])
    metered = np.stack([record.metered for record in records])
    lottery = np.zeros((n, COMMODITIES), np.int64)
    fill_lottery(0, n, rules.seed, np.full(n, header.seed, np.int64), rounds, lottery)

    rows = n * COMMODITIES
    mechanism = MECHANISMS[rules.mechanism]
    outcome = Outcome.empty(rows, slots, mechanism.wishes)
    wishes = _wishes(records, slots * mechanism.wishes)
    entering = ("side", "price", "offered", "priority", "sequence", "owner")
    wide = {name: columns[name].reshape(rows, slots) for name in entering}
    books = Books(
        orders=count.reshape(rows),
        lottery=lottery.reshape(rows),
        tariffs=tariffs.reshape(rows, 4),
        **wide,
        **{
            name: column.reshape((rows, slots) if mechanism.wishes else (0, 0))
            for name, column in zip(WISH_FIELDS, wishes, strict=True)
        },
    )
    conversions = conversion_rows([record.conversions for record in records])
    room = Room.empty(n, slots, conversions.owner.shape[1])
    if rules.clearing == "coupled":
        clear_together(books, conversions, rules, room, outcome, 0, n)
    else:
        mechanism.clear(books, rules, outcome, 0, rows)
    accepted = outcome.accepted.reshape(n, COMMODITIES, slots)
    pays = outcome.pays.reshape(n, COMMODITIES, slots)
    origin = outcome.origin
    if mechanism.wishes:
        origin = origin.reshape(n, COMMODITIES, slots, TYPES)
    to_beat = np.stack([outcome.price.reshape(n, COMMODITIES)] * 2)
    if not mechanism.uniform:
        by_limit = mechanism.bar == "limit"
        side, limit = columns["side"], columns["price"]
        bars(0, n, count, side, limit, accepted, pays, by_limit, *to_beat)
    trade, traded = (
        np.zeros((n, accounts), np.int64),
        np.zeros((n, accounts, COMMODITIES), np.int64),
    )
    if rules.utility == "residual":
        energy, paid = np.zeros((2, n, COMMODITIES), np.int64)
        utility = header.priorities.index(1)
        serve_residual(
            0, n, count, columns["side"], columns["price"], columns["offered"], wishes, utility,
            tariffs, accepted, pays, energy, paid,
        )  # fmt: skip
        if mechanism.wishes:
            certify_residual(0, n, count, columns["side"], wishes, accepted, origin)
        traded[:, utility] -= energy
        trade[:, utility] -= paid.sum(axis=1)
    figures = {
        name: getattr(outcome, name).reshape(n, COMMODITIES)
        for name in ("price_low", "price", "price_high", "volume", "surplus", "case")
    }
    left = columns["unsettled"]
    apply_trades(
        0, n, count, columns["owner"], columns["side"], accepted, pays, figures["surplus"],
        left, trade, traded,
    )  # fmt: skip
    converted = room.problems
    apply_conversions(
        0, n, conversions.number, conversions.owner, converted.delivered, converted.earns, trade,
        traded,
    )  # fmt: skip
    imbalance = np.zeros_like(trade)
    settle_imbalance(0, n, traded, metered, tariffs, imbalance)
    reason = np.zeros_like(accepted)
    give_reasons(
        0, n, rounds, count, columns["side"], columns["price"], columns["start"],
        columns["until"], left, columns["offered"], accepted, figures["volume"], *to_beat,
        reason,
    )  # fmt: skip
    if mechanism.wishes:
        by_row = reason.reshape(rows, slots)
        give_wish_reasons(books, outcome, rules.utility == "residual", by_row, 0, rows)
    return Again(
        accepted=accepted, pays=pays, reason=reason, origin=origin, traded=traded, trade=trade,
        imbalance=imbalance, activity=converted.activity, delivered=converted.delivered,
        earns=converted.earns, **figures,
    )  # fmt: skip


def _wishes(records: Sequence[Round], slots: int) -> IntArray:
    """Wishes (3, R, C, M) of R rounds, of no length if nobody reads them."""
    wishes = no_wishes(len(records), COMMODITIES, slots)
    if slots:
        for r, record in enumerate(records):
            for c, book in enumerate(record.books):
                wishes[:, r, c, : len(book.wishes)] = book.wishes.T
    return wishes


def first_difference(record: Round, again: Again, r: int) -> str | None:
    """The first figure of `record` that clearing again, in row `r`, does not give."""
    return next(_differences(record, again, r), None)


def _differences(record: Round, again: Again, r: int) -> Iterator[str]:
    for commodity, book in zip(Commodity, record.books, strict=True):
        for what in _book_differences(book, again, r, commodity):
            yield f"{commodity.name.lower()} {what}"
    given = record.conversions
    k = len(given.activity)
    yield from _unequal("activity of conversion", given.activity, again.activity[r, :k])
    for commodity in Commodity:
        what = f"{commodity.name.lower()} delivered of conversion"
        yield from _unequal(
            what, given.delivered[:, commodity].copy(), again.delivered[r, :k, commodity]
        )
    yield from _unequal("earnings of conversion", given.earns, again.earns[r, :k])
    for commodity in Commodity:
        energies = record.traded[:, commodity], again.traded[r, :, commodity]
        yield from _unequal(f"{commodity.name.lower()} traded of account", *energies)
    yield from _unequal("trade money of account", record.money[Money.TRADE], again.trade[r])
    row = record.money[Money.IMBALANCE]
    yield from _unequal("imbalance money of account", row, again.imbalance[r])


def _book_differences(book: ClearedBook, again: Again, r: int, c: int) -> Iterator[str]:
    n = len(book.orders)
    yield from _unequal("accepted of order", book.accepted, again.accepted[r, c, :n])
    volume = int(again.volume[r, c])
    if book.volume != volume:
        yield _difference("volume", book.volume, volume)
    for name in ("price_low", "price", "price_high"):
        found, figure = getattr(book, name), int(getattr(again, name)[r, c])
        expected = figure if volume else None
        if found != expected:
            yield _difference(name, found, expected)
    for name in ("case", "surplus"):
        found, expected = int(getattr(book, name)), int(getattr(again, name)[r, c])
        if found != expected:
            yield _difference(name, found, expected)
    yield from _unequal("pays of order", book.pays, again.pays[r, c, :n])
    yield from _unequal("reason of order", book.reason, again.reason[r, c, :n])
    if len(book.origin):
        for kind in range(TYPES):
            found = book.origin[:, kind].copy()
            yield from _unequal(f"origin {kind} of order", found, again.origin[r, c, :n, kind])


def _unequal(name: str, found: IntArray, expected: IntArray) -> Iterator[str]:
    if found.tobytes() != expected.tobytes():
        at = int(np.argmax(found != expected))
        yield _difference(f"{name} {at}", int(found[at]), int(expected[at]))


def _difference(name: str, found: int | None, expected: int | None) -> str:
    return f"{name} is {found}, clearing again gives {expected}"
