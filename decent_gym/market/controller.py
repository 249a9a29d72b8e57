"""The market for people: one world, named organizations, ``Offer`` objects.

The controller keeps no rules of its own.  It translates names and types, delegates every operation
to the grid operator, and remembers what became of each offer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from decent_gym.clearing import Rules
from decent_gym.clearing.conversion_admission import flow_limits
from decent_gym.clearing.order_admission import HORIZON
from decent_gym.errors import InputError, OfferError, shown
from decent_gym.market.accounts import SPECIAL_ACCOUNTS
from decent_gym.market.admission import refusal
from decent_gym.market.capability import Capability, authorize
from decent_gym.market.conversions import conversion_refusal, one_group
from decent_gym.market.operator import GridOperator
from decent_gym.market.orders import Orders
from decent_gym.market.tariffs import DEFAULT_TARIFFS, Tariffs
from decent_gym.models import (
    HARD,
    NOBODY,
    Commodity,
    ConversionOffer,
    Offer,
    Organization,
    Reason,
    Round,
    RoundListener,
    Side,
    Source,
    Wish,
)
from decent_gym.registry import unknown_name
from decent_gym.units import ROUND_SECONDS, exact_int


@dataclass(frozen=True, slots=True)
class OfferState:
    """An offer and what has become of it so far.

    ``unsettled`` is what has not been accepted yet, Wh; ``is_open`` says whether it can still be.
    """

    number: int
    offer: Offer
    unsettled: int
    reason: Reason
    is_open: bool


class MarketController:
    """Register, submit, withdraw and query in one market; clearing stays the operator's.

    Parameters
    ----------
    organizations : sequence of Organization
    capability : Capability
        Made by whoever runs this market; closing a round demands it.
    rules, tariffs
        As in :class:`GridOperator`.
    start : datetime, optional
        When round 0 begins, with a time zone, on the 15-minute grid; the default is 1970 UTC.

    Raises
    ------
    InputError
        If a name is used twice, or `start` is off the grid.
    """

    def __init__(
        self,
        organizations: Sequence[Organization],
        capability: Capability,
        *,
        rules: Rules | None = None,
        tariffs: Mapping[Commodity, Tariffs] = DEFAULT_TARIFFS,
        start: datetime | None = None,
    ) -> None:
        self.operator = GridOperator(
            organizations,
            capability,
            rules=rules,
            tariffs=tariffs,
            start=0 if start is None else _on_grid(start),
        )
        self._capability = capability
        self._index = {o.name: i for i, o in enumerate(organizations)}
        self._states: dict[int, OfferState] = {}
        self._open: dict[int, None] = {}
        self._taken: set[tuple[str, int]] = set()
        self.operator.listen(0, self)

    @property
    def round(self) -> int:
        """The open round."""
        return int(self.operator.round[0])

    def round_at(self, time: datetime) -> int:
        """The round that begins at `time`; for ``start`` and ``valid_until`` of offers.

        Raises
        ------
        InputError
            If `time` has no time zone or is off the 15-minute grid.
        """
        return (_on_grid(time) - self.operator.start) // ROUND_SECONDS

    def listen(self, listener: RoundListener) -> None:
        """Let a ledger or a view hear of every later round."""
        self.operator.listen(0, listener)

    def submit(self, offer: Offer) -> int:
        """Put an offer into its book.

        Returns
        -------
        int
            The offer's number, for :meth:`status` and :meth:`withdraw`.

        Raises
        ------
        OfferError, InputError, UnknownNameError
            Naming the field, its value and the remedy; the books are as they were.
        """
        if not isinstance(offer, Offer):
            raise InputError(f"submit() takes an Offer, got {type(offer).__name__} {shown(offer)}")
        owner = self._owner(offer.organization)
        orders = self._order(offer, owner)
        number = int(self.operator.next_sequence[0])
        if self.operator.submit(orders, self._capability):
            limits = {
                "horizon": HORIZON,
                "max_offers": self.operator.max_offers,
                "energy": int(self.operator.energy_limit[owner]),
            }
            at = (0, int(offer.commodity), 0)
            raise refusal(orders, at, offer.organization, self.round, limits)
        if offer.device >= 0:
            self._mark_replaced(offer)
        start = self.round if offer.start is None else int(offer.start)
        until = start + 1 if offer.valid_until is None else int(offer.valid_until)
        kept = replace(offer, start=start, valid_until=until)
        self._states[number] = OfferState(number, kept, int(offer.energy), Reason.OPEN, True)
        self._open[number] = None
        if offer.id is not None:
            self._taken.add((offer.organization, int(offer.id)))
        return number

    def submit_conversion(self, *offers: ConversionOffer) -> list[int]:
        """Offer to turn one commodity into the other in the open round.

        Parameters
        ----------
        *offers : ConversionOffer
            One, or all those of one group, which then are taken together or not at all.

        Returns
        -------
        list of int
            Their numbers, ``sequence`` in the round's ``conversions``.

        Raises
        ------
        OfferError, InputError, UnknownNameError
            Naming the field, its value and the remedy; nothing has been taken.
        """
        batch = one_group(offers)
        name = offers[0].organization
        batch.owner[:] = self._owner(name)
        if self.operator.submit_conversions(batch, self._capability):
            limits = flow_limits(len(self._index) + SPECIAL_ACCOUNTS)
            raise conversion_refusal(batch, name, limits)
        return [int(number) for number in batch.sequence[0]]

    def withdraw(self, organization: str, number: int) -> OfferState:
        """Take an open offer out of the book; only its own organization may.

        Raises
        ------
        OfferError
            If that organization has no such open offer.
        """
        owner = self._owner(organization)
        number = exact_int(number, "offer number")
        known = number in self._open
        left = self.operator.withdraw(0, number, owner, self._capability) if known else -1
        if left < 0:
            raise OfferError(
                f"{organization} has no open offer {number}; its open ones: "
                f"{[s.number for s in self.offers(organization)] or 'none'}",
                field="number",
                value=number,
            )
        return self._update(number, reason=Reason.WITHDRAWN, is_open=False)

    def offers(
        self, organization: str | None = None, commodity: Commodity | None = None
    ) -> list[OfferState]:
        """Open offers in order of arrival: all, or those of one organization or commodity."""
        if organization is not None:
            self._owner(organization)
        return [
            state
            for state in map(self._states.__getitem__, self._open)
            if organization in (None, state.offer.organization)
            and commodity in (None, state.offer.commodity)
        ]

    def status(self, number: int) -> OfferState:
        """What has become of an offer.

        Raises
        ------
        OfferError
            If no offer has that number.
        """
        try:
            return self._states[exact_int(number, "offer number")]
        except KeyError:
            raise OfferError(
                f"there is no offer {number}; submit() returns the numbers",
                field="number",
                value=number,
            ) from None

    def balance(self, organization: str) -> int:
        """Money received minus paid so far, n-euro."""
        return int(self.operator.accounts[0, self._owner(organization)])

    def close_round(self, capability: Capability) -> Round:
        """Let the operator clear, settle and record the open round; the next one opens.

        Raises
        ------
        NotAuthorizedError
            Without the operator's capability; nothing has changed.
        """
        authorize(self._capability, capability, "close a round")
        return self.operator.close_round(capability)[0]

    def on_round(self, record: Round) -> None:
        """Remember what became of each offer (called by the operator)."""
        for book in record.books:
            left = book.column("unsettled") - book.accepted
            rows = zip(
                book.column("sequence"), left, book.reason, book.column("until"), strict=True
            )
            for sequence, unsettled, reason, until in rows:
                if int(sequence) not in self._states:
                    continue  # a batch that somebody else with the capability submitted
                self._update(
                    int(sequence),
                    unsettled=int(unsettled),
                    reason=Reason(int(reason)),
                    is_open=bool(unsettled > 0 and until > record.number + 1),
                )

    def _update(self, number: int, **changes: object) -> OfferState:
        self._states[number] = state = replace(self._states[number], **changes)  # type: ignore[arg-type]
        if not state.is_open:
            self._open.pop(number, None)
        return state

    def _owner(self, organization: str) -> int:
        if not isinstance(organization, str) or organization not in self._index:
            raise unknown_name("organization", organization, self._index)
        return self._index[organization]

    def _order(self, offer: Offer, owner: int) -> Orders:
        """A batch of one; types are checked here, values by the operator's validator."""
        who = f"{offer.organization}'s offer"
        commodity = _member(Commodity, offer.commodity, f"{who}: commodity")
        side = _member(Side, offer.side, f"{who}: side")
        if offer.id is not None and exact_int(offer.id, f"{who}: id") < 0:
            raise OfferError(
                f"{who}: id must be 0 or more, got {offer.id}", field="id", value=offer.id
            )
        if offer.id is not None and (offer.organization, offer.id) in self._taken:
            raise OfferError(
                f"{who}: id {offer.id} is taken already; every offer needs an id of its own",
                field="id",
                value=offer.id,
            )
        start = self.round if offer.start is None else exact_int(offer.start, f"{who}: start")
        until = offer.valid_until
        until = start + 1 if until is None else exact_int(until, f"{who}: valid_until")
        values = {
            "id": -1 if offer.id is None else offer.id,
            "owner": owner,
            "side": side,
            "price": exact_int(offer.price, f"{who}: price"),
            "energy": exact_int(offer.energy, f"{who}: energy"),
            "start": start,
            "until": until,
            "device": exact_int(offer.device, f"{who}: device"),
            "cap": exact_int(offer.max_per_round, f"{who}: max_per_round"),
        }
        wishes = self._wishes(offer, side, who)
        orders = Orders.empty(1, 1, wishes is not None)
        orders.count[0, commodity] = 1
        for name, value in values.items():
            getattr(orders, name)[0, commodity, 0] = value
        if wishes is not None:
            orders.wishes[:, 0, commodity, 0] = wishes
        return orders

    def _wishes(self, offer: Offer, side: int, who: str) -> tuple[int, int, int] | None:
        """Attributes, premium and partner of an offer that is or wishes for anything special."""
        wish, source = offer.wish, offer.source
        for name, kind, value in (("wish", Wish, wish), ("source", Source, source)):
            if value is not None and not isinstance(value, kind):
                raise InputError(f"{who}: {name} must be a {kind.__name__} or None, got {value!r}")
        if source is not None and side == Side.BUY:
            raise OfferError(
                f"{who}: source says what energy on sale is; a BUY says wish=Wish(...)",
                field="source",
                value=source,
            )
        if wish is not None and wish.attributes and side == Side.SELL:
            raise OfferError(
                f"{who}: a SELL wishes for a partner at most; what its energy is, says "
                "source=Source(...)",
                field="wish",
                value=wish,
            )
        if wish is None:
            return None if source is None else (source.attributes, HARD, NOBODY)
        premium = HARD if wish.premium is None else wish.premium
        attributes = wish.attributes if source is None else source.attributes
        return attributes, premium, self._partner(wish, offer.organization, who)

    def _partner(self, wish: Wish, organization: str, who: str) -> int:
        if wish.partner is None:
            return NOBODY
        if wish.partner == organization:
            raise OfferError(
                f"{who}: partner {organization!r} is the organization that offers",
                field="partner",
                value=organization,
            )
        if wish.partner not in self._index:
            raise unknown_name(f"partner of {who}", wish.partner, self._index)
        return self._index[wish.partner]

    def _mark_replaced(self, offer: Offer) -> None:
        for state in self.offers(offer.organization, offer.commodity):
            if state.offer.device == offer.device and state.offer.side == offer.side:
                self._update(state.number, reason=Reason.REPLACED, is_open=False)


def _member(kind: type[Commodity] | type[Side], value: object, name: str) -> int:
    """An enum member, or the plain integer that means one; never a bool or a float."""
    number = exact_int(value, name)
    if number not in (0, 1):
        allowed = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
        raise InputError(f"{name} must be one of {allowed}, got {shown(value)}")
    return number


def _on_grid(time: datetime) -> int:
    if not isinstance(time, datetime):
        raise InputError(f"time must be a datetime, got {type(time).__name__} {shown(time)}")
    if time.tzinfo is None:
        raise InputError(f"time {time} has no time zone; use e.g. datetime(..., tzinfo=UTC)")
    seconds = time.timestamp()
    if seconds % ROUND_SECONDS:
        raise InputError(f"time {time.isoformat()} is off the 15-minute grid")
    return int(seconds)
