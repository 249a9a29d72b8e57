"""Whatever organizations may offer, a ledger's record has room for: no round is lost to a crowd."""

import numpy as np
import pytest

from decent_gym.clearing import Rules
from decent_gym.clearing.conversion_admission import MOST_CONVERSIONS
from decent_gym.clearing.order_faults import TOO_MANY
from decent_gym.errors import LedgerError
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.ledger.encoding import encode_round
from decent_gym.ledger.frames import RECORD_CAP, TAIL_BYTES
from decent_gym.ledger.record_room import offer_limit
from decent_gym.ledger.signed_section import OVERHEAD, SIGNED_BYTES_CAP
from decent_gym.market import Capability, GridOperator
from decent_gym.market.admission import refusal
from decent_gym.market.orders import Orders
from decent_gym.models import (
    CONVERSION_FIELDS,
    NO_CONVERSIONS,
    NO_ORIGIN,
    NO_WISHES,
    ORDER_FIELDS,
    SIGNED_CAP,
    Case,
    ClearedBook,
    Commodity,
    Converted,
    Organization,
    Reason,
    Round,
    SignedOffers,
)
from decent_gym.units import ENERGY_CAP, JSON_INTEGER_CAP, PRICE_CAP

RULES = {
    "plain": Rules(utility=None),
    "coupled": Rules(clearing="coupled"),
    "wishes": Rules("preference", utility=None),
}
LATE = 2**40 - 1
WIDEST = {
    **{"id": JSON_INTEGER_CAP, "sequence": 2**40, "side": 1, "price": -PRICE_CAP, "priority": 1},
    **{"energy": ENERGY_CAP, "unsettled": ENERGY_CAP, "cap": ENERGY_CAP, "start": LATE},
    **{"until": LATE + 672, "device": JSON_INTEGER_CAP},
}
MESSAGES = tuple(
    SignedOffers(0, b"s" * 64, b"m" * SIGNED_CAP)
    for _ in range(SIGNED_BYTES_CAP // (SIGNED_CAP + OVERHEAD))
)


def widest_round(organizations: int, offers: int, kind: str) -> Round:
    """As many orders as there may be, and every figure as long as it can get."""
    n, accounts = organizations * offers, organizations + 3

    def column(value: int, *shape: int) -> np.ndarray:
        return np.full(shape or n, value, np.int64)

    fields = [column(organizations if f == "owner" else WIDEST[f]) for f in ORDER_FIELDS]
    book = ClearedBook(
        orders=np.stack(fields, axis=1),
        offered=column(ENERGY_CAP),
        accepted=column(ENERGY_CAP),
        pays=column(-(10**16)),
        reason=column(Reason.PREFERENCE_UNMET),
        volume=n * ENERGY_CAP, price_low=-PRICE_CAP, price=PRICE_CAP, price_high=PRICE_CAP,
        surplus=2**62, case=Case.MARGINAL_BUY,
        wishes=np.tile([3, 1000, organizations], (n, 1)) if kind == "wishes" else NO_WISHES,
        origin=column(ENERGY_CAP, n, 4) if kind == "wishes" else NO_ORIGIN,
    )  # fmt: skip
    k = organizations * MOST_CONVERSIONS
    ratios = {"sequence": 2**40, "owner": organizations, "group": 2**31}
    rows = [column(ratios.get(f, 10**8), k) for f in CONVERSION_FIELDS]
    converted = Converted(
        np.stack(rows, axis=1), column(ENERGY_CAP, k), column(10**10, k, 2), column(2**62, k)
    )
    return Round(
        number=LATE, timestamp=2**50, books=(book, book), tariffs=column(PRICE_CAP, 2, 4),
        traded=column(2**62, accounts, 2), metered=column(2**62, accounts, 2),
        unserved=column(2**62, organizations), money=column(2**62, 4, accounts),
        accounts=column(2**62, accounts), actions=column(10**6, 10 * organizations),
        conversions=converted if kind == "coupled" else NO_CONVERSIONS, signed=MESSAGES,
    )  # fmt: skip


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("organizations", [20, 41, 54, 128, 1_000, 3_000])
def test_the_longest_round_fits_into_a_record(kind: str, organizations: int) -> None:
    accounts = organizations + 3
    offers = min(1024, offer_limit(accounts, RULES[kind]))
    assert 8 <= offers <= 1024 and (organizations > 40 or offers == 1024)
    length = len(encode_round(widest_round(organizations, offers, kind), accounts)) + TAIL_BYTES
    assert length <= RECORD_CAP
    if organizations in (54, 128):  # and not by far
        assert length > 0.95 * RECORD_CAP


def filled(organizations: int, limit: int | None = None) -> tuple[GridOperator, Capability, Orders]:
    """A market in which everybody offers as much as it may, in both books."""
    capability = Capability()
    members = [Organization(f"o{n}") for n in range(organizations)]
    operator = GridOperator(members, capability, rules=RULES["plain"])
    if limit is not None:
        operator.max_offers = limit
    operator.reset(np.array([LATE]), capability)
    each = operator.max_offers
    rows = organizations * each
    orders = Orders.empty(1, rows)
    orders.count[:] = rows
    orders.owner[:] = np.repeat(np.arange(organizations), each)
    orders.side[:] = orders.owner % 2
    orders.price[:] = PRICE_CAP * (2 * orders.side - 1)
    orders.energy[:] = operator.energy_limit[0] // each
    orders.cap[:] = ENERGY_CAP
    orders.start[:], orders.until[:] = LATE, LATE + 672
    orders.id[:, :, 0] = orders.device[:, :, 0] = JSON_INTEGER_CAP  # one makes a column wide
    assert operator.submit(orders, capability) == 0
    return operator, capability, orders


def test_a_crowd_that_offers_all_it_may_voids_no_round() -> None:
    operator, capability, orders = filled(128)
    assert operator.max_offers == 437
    names = [member.name for member in operator.organizations]
    ledger = Ledger(LedgerHeader.of(operator.organizations, operator.rules.to_dict(), 0))
    operator.listen(0, ledger)
    for column in (orders.id, orders.device):
        column[:, :, 0] = -1
    orders.count[:] = [[1, 0]]
    before = operator.book.count.copy()
    assert operator.submit(orders, capability) == 1
    assert orders.status[0, 0, 0] == TOO_MANY
    limits = {"horizon": 672, "max_offers": operator.max_offers, "energy": 1}
    error = refusal(orders, (0, int(Commodity.ELECTRICITY), 0), names[0], LATE, limits)
    assert "organization 'o0' has 437 offers in this book already" in str(error)
    assert np.array_equal(operator.book.count, before)
    operator.signed[0] = list(MESSAGES)
    operator.close_round(capability)
    assert ledger.rounds == 1 and operator.round[0] == LATE + 1


def test_without_the_limit_the_market_would_end() -> None:
    operator, capability, _ = filled(128, limit=1_024)
    ledger = Ledger(LedgerHeader.of(operator.organizations, operator.rules.to_dict(), 0))
    operator.listen(0, ledger)
    operator.signed[0] = list(MESSAGES)
    with pytest.raises(LedgerError, match="longer than a ledger takes"):
        operator.close_round(capability)
