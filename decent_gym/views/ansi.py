"""A round as text: at most 24 lines of at most 100 columns, no escape codes."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from decent_gym.models import ClearedBook, Commodity, Money, Reason, Round, Side, Tariff
from decent_gym.units import eur, eur_per_kwh
from decent_gym.views.wording import (
    kilowatt_hours,
    shortened,
    split_unit,
    time_words,
)

WIDTH: Final = 100
HEIGHT: Final = 24

_BAR: Final = 30
_MOST_STATES: Final = 6
_BOOKS_HEADER: Final = (
    f"{'book':<11}{'kWh':>11}  {'EUR/kWh':>8}  {'valid prices':<18}  {'feed-in .. retail':<17}"
    f"  {'accepted':>8}  case"
)
_OFFERS_HEADER: Final = (
    f"{'own offers':<20}{'kWh':>10}  {'limit EUR/kWh':>13}  {'accepted kWh':>12}"
    f"  {'pays EUR':>11}  reason"
)


def round_text(record: Round, learner: str, index: int, state: Mapping[str, float]) -> str:
    """The round with the learner's offers, money and stores; see :func:`render_round`."""
    head = [f"round {record.number}   {time_words(record)}", "─" * WIDTH, _BOOKS_HEADER]
    head += [_book_line(record, commodity) for commodity in Commodity]
    foot = ["─" * WIDTH, *_ledger_lines(record, index), *_state_lines(state)]
    offers = list(_offer_lines(record, index)) or ["  none in this round"]
    room = HEIGHT - len(head) - len(foot) - 2
    if len(offers) > room:
        offers = [*offers[: room - 1], f"  and {len(offers) - room + 1} more"]
    title = shortened(learner, WIDTH - len(head[0]) - 3)
    head[0] += title.rjust(WIDTH - len(head[0]))
    lines = [*head, "─" * WIDTH, _OFFERS_HEADER, *offers, *foot]
    return "\n".join(shortened(line, WIDTH) for line in lines)


def _book_line(record: Round, commodity: Commodity) -> str:
    book, tariff = record.books[commodity], record.tariffs[commodity]
    price = interval = "-"
    if book.price is not None:
        price = f"{eur_per_kwh(book.price):.4f}"
    if book.price_low is not None and book.price_high is not None:
        interval = f"[{eur_per_kwh(book.price_low):.4f}, {eur_per_kwh(book.price_high):.4f}]"
    band = f"{eur_per_kwh(tariff[Tariff.FEED_IN]):.4f} .. {eur_per_kwh(tariff[Tariff.RETAIL]):.4f}"
    accepted = f"{np.count_nonzero(book.accepted)} of {len(book.accepted)}"
    return (
        f"{commodity.name.lower():<11}{kilowatt_hours(book.volume):>11.3f}  {price:>8}  "
        f"{interval:<18}  {band:<17}  {accepted:>8}  {book.case.name.lower().replace('_', ' ')}"
    )


def _offer_lines(record: Round, index: int) -> Iterator[str]:
    for commodity, book in zip(Commodity, record.books, strict=True):
        for row in np.flatnonzero(book.column("owner") == index):
            yield _offer_line(commodity, book, int(row))


def _offer_line(commodity: Commodity, book: ClearedBook, row: int) -> str:
    what = f"{commodity.name.lower()} {Side(book.column('side')[row]).name}"
    reason = Reason(book.reason[row]).name.lower().replace("_", " ")
    return (
        f"  {what:<18}{kilowatt_hours(book.offered[row]):>10.3f}"
        f"  {eur_per_kwh(book.column('price')[row]):>13.4f}"
        f"  {kilowatt_hours(book.accepted[row]):>12.3f}  {eur(book.pays[row]):>11.4f}  {reason}"
    )


def _ledger_lines(record: Round, index: int) -> Iterator[str]:
    """What the learner traded and metered, and what that did to its account."""
    energy = [
        f"{commodity.name.lower()} {kilowatt_hours(record.traded[index, commodity]):+z.3f} traded, "
        f"{kilowatt_hours(record.metered[index, commodity]):+z.3f} metered"
        for commodity in Commodity
    ]
    yield "energy kWh  " + "; ".join(energy)
    parts = [f"{kind.name.lower()} {eur(record.money[kind, index]):+z.4f}" for kind in Money]
    total = eur(int(record.money[:, index].sum()))
    yield f"money EUR   {total:+z.4f} = " + " ".join(parts)
    unserved = kilowatt_hours(record.unserved[index])
    warning = f"; {unserved:.3f} kWh of heat unserved" if unserved else ""
    yield f"account     {eur(record.accounts[index]):+z.4f} EUR{warning}"


def _state_lines(state: Mapping[str, float]) -> Iterator[str]:
    for name, value in list(state.items())[:_MOST_STATES]:
        label, unit = split_unit(name)
        if unit == "%":
            full = round(_BAR * min(max(value, 0.0), 100.0) / 100)
            bar = "█" * full + "░" * (_BAR - full)
            yield f"{shortened(label, 15):<16}{bar} {value:5.1f} %"
        else:
            yield f"{shortened(label, 15):<16}{value:+z.4f} {unit}".rstrip()
