"""What a record says, in words, of whatever numbers it holds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from decent_gym.models import ORDER_FIELDS, Case, Commodity, Reason, Round, Side
from decent_gym.units import eur, eur_per_kwh

_LAST_YEAR: Final = 253_402_300_800
_REASONS: Final = {int(reason): reason.name.lower().replace("_", " ") for reason in Reason}


def time_words(seconds: int) -> str:
    """A moment, UTC seconds since 1970."""
    if not 0 <= seconds < _LAST_YEAR:
        return f"{seconds} s since 1970"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def round_words(record: Round) -> str:
    """Which round it is."""
    return f"round {record.number}, which began at {time_words(record.timestamp)}"


def book_words(record: Round) -> list[str]:
    """Both books in one line each."""
    return [
        f"{commodity.name.lower()}: {len(book.orders)} offers, {book.volume:,} Wh traded"
        + ("" if book.case is Case.NONE else f" at {_price(book.price)}")
        for commodity, book in zip(Commodity, record.books, strict=True)
    ]


def offer_words(record: Round, commodity: Commodity, row: int, names: Sequence[str]) -> str:
    """One offer and what became of it; `row` must be in the book."""
    book = record.books[commodity]
    order = dict(zip(ORDER_FIELDS, book.orders[row].tolist(), strict=True))
    owner, pays = order["owner"], int(book.pays[row])
    who = names[owner] if 0 <= owner < len(names) else f"account {owner}"
    side = Side(order["side"]).name.lower() if order["side"] in (0, 1) else "trade"
    called = f"offer {order['id']}" if order["id"] >= 0 else f"offer #{order['sequence']}"
    limit = {0: "at no less than ", 1: "at no more than "}.get(order["side"], "at ")
    money = f"{'pays' if pays >= 0 else 'receives'} {eur(abs(pays)):.4f} EUR"
    reason = _REASONS.get(int(book.reason[row]), f"reason {book.reason[row]}")
    return (
        f"{called} of {who} to {side} {order['energy']:,} Wh of {commodity.name.lower()} "
        f"{limit}{_price(order['price'])}: accepted {int(book.accepted[row]):,} Wh, {money} "
        f"({reason})"
    )


def _price(price: int | None) -> str:
    return "no price" if price is None else f"{eur_per_kwh(price):.4f} EUR/kWh"
