"""The grid operator: owns the books and accounts of all worlds, and alone runs the round.

A round, in order::

    submit    orders enter the books; later ones are for the next round
    clear     filter the open orders, clear both books (with clearing="coupled" jointly, with the
              conversions between them), settle the trades
    complete  settle imbalance and fuel, give reasons, record, expire, begin the next round

Every stage is a batched kernel over arrays allocated once; this file only says what follows what.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeGuard

import numpy as np

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.lottery import fill_lottery
from decent_gym.clearing.open_filter import open_filter
from decent_gym.clearing.order_admission import HORIZON, admit, energy_limits
from decent_gym.clearing.preference_reasons import give_wish_reasons
from decent_gym.clearing.reasons import bars, give_reasons
from decent_gym.clearing.residual import certify_residual, serve_residual
from decent_gym.clearing.settlement import apply_trades, settle_imbalance
from decent_gym.errors import InputError, RoundOrderError, shown
from decent_gym.ledger.record_room import offer_limit
from decent_gym.market.accounts import SPECIAL_ACCOUNTS, post
from decent_gym.market.admission import room_needed
from decent_gym.market.capability import Capability, authorize
from decent_gym.market.conversions import Conversions
from decent_gym.market.departures import compact
from decent_gym.market.joint import JointClearing
from decent_gym.market.members import checked_organizations
from decent_gym.market.meters import check_meters
from decent_gym.market.orders import Orders
from decent_gym.market.progress import count_cleared
from decent_gym.market.record import build_round
from decent_gym.market.tariffs import DEFAULT_TARIFFS, Tariffs, first_out_of_order, tariff_rows
from decent_gym.models import (
    COMMODITIES,
    WISH_FIELDS,
    Commodity,
    Money,
    OrderBook,
    Organization,
    Round,
    RoundListener,
    SignedOffers,
    StateListener,
    no_wishes,
)
from decent_gym.units import PRICE_CAP, ROUND_SECONDS, IntArray, checked_int

_LAST_START: Final = 2**40
_LAST_ROUND: Final = 2**40


class GridOperator:
    """Clears, settles and records the rounds of W independent copies of one market.

    Parameters
    ----------
    organizations : sequence of Organization
        Their order is their account index; three accounts follow: fuel, network, operator.
    capability : Capability
        Made by whoever runs the market; every step of the round demands this very object.
    worlds : int
    rules : Rules
        Mechanism, price rule, tie rule, seed and the part the utility plays.
    tariffs : mapping of Commodity to Tariffs
        Those of the first round; a simulation writes :attr:`tariffs` before each clearing.
    start : int
        UTC seconds since 1970 at which round 0 begins.
    capacity : int
        Slots per book to begin with; books grow as needed.
    max_offers : int
        Most offers that one organization may have in one book; those that it withdrew or replaced
        count until the round closes.  Fewer in a market of more than 52 organizations (40 where
        wishes are read), so that whatever they offer fits into one record of a ledger.

    Attributes
    ----------
    book : OrderBook, arrays (W, C, M)
    joint : JointClearing or None
        With ``clearing="coupled"``: the conversions of the open round, and what came of them.
    outcome : Outcome, arrays (W * C, M) and (W * C,)
        Of the last clearing; the book of world w and commodity c is row ``w * C + c``.
    round : int64 (W,), the open round of each world
    traded, metered : int64 Wh (W, A, C)
    money : int64 n-euro (K, W, A), of the last round by kind
    accounts : int64 n-euro (W, A)
    tariffs : int64 (W, C, 4)
    signed : dict of int to list of SignedOffers
        By world: messages whose offers stand in the open round, for its record alone.

    Raises
    ------
    InputError
        Naming the argument and its value.
    """

    def __init__(
        self,
        organizations: Sequence[Organization],
        capability: Capability,
        *,
        worlds: int = 1,
        rules: Rules | None = None,
        tariffs: Mapping[Commodity, Tariffs] = DEFAULT_TARIFFS,
        start: int = 0,
        capacity: int = 64,
        max_offers: int = 1024,
    ) -> None:
        organizations = self.organizations = checked_organizations(organizations)
        if not isinstance(capability, Capability):
            raise InputError(f"capability must be a Capability(), got {shown(capability)}")
        checked_int(worlds, "worlds", 1, 2**31 - 1)
        checked_int(capacity, "capacity", 1, 2**31 - 1)
        checked_int(max_offers, "max_offers", 1, 2**31 - 1)
        if checked_int(start, "start", 0, _LAST_START) % ROUND_SECONDS:
            raise InputError(f"start {start} is off the 15-minute grid")
        self.rules = rules if rules is not None else Rules(utility=None)
        self.start = start
        self.worlds = worlds
        self.listeners: dict[int, list[RoundListener]] = {}
        self.signed: dict[int, list[SignedOffers]] = {}
        self._capability = capability
        self._mechanism = MECHANISMS[self.rules.mechanism]
        n = len(organizations)
        accounts = n + SPECIAL_ACCOUNTS
        self.max_offers = min(max_offers, offer_limit(accounts, self.rules))
        self._utility = next((i for i, o in enumerate(organizations) if o.priority == 1), -1)
        if self.rules.utility == "residual" and self._utility < 0:
            raise InputError(
                "utility='residual' needs an organization with priority=1 that serves the rest"
            )

        self.round = np.zeros(worlds, np.int64)
        self.tariffs = np.empty((worlds, COMMODITIES, 4), np.int64)
        self.tariffs[:] = tariff_rows(tariffs)
        self.traded = np.zeros((worlds, accounts, COMMODITIES), np.int64)
        self.metered = np.zeros((worlds, accounts, COMMODITIES), np.int64)
        self.unserved = np.zeros((worlds, n), np.int64)
        self.fuel = np.zeros((worlds, n), np.int64)
        self.fees = np.zeros((worlds, n), np.int64)
        self.money = np.zeros((len(Money), worlds, accounts), np.int64)
        self.accounts = np.zeros((worlds, accounts), np.int64)
        self.actions = np.zeros((worlds, 0), np.int64)
        self._rest_energy = np.zeros((worlds, COMMODITIES), np.int64)
        self._rest_pays = np.zeros((worlds, COMMODITIES), np.int64)
        self._bars = np.zeros((2, worlds, COMMODITIES), np.int64)
        self.world_ids = np.arange(worlds, dtype=np.int64)
        self._cleared = np.zeros(worlds, np.bool_)
        self.next_sequence = np.zeros(worlds, np.int64)
        self._enabled = np.array([o.enabled for o in organizations] + [False, True, False])
        self._priority = np.array([o.priority for o in organizations] + [0, 0, 0], np.int64)
        self.energy_limit = energy_limits(self._priority)
        self.reason = self.offered = np.zeros((worlds, COMMODITIES, 0), np.int64)
        wishes = self._mechanism.wishes
        self.outcome = Outcome.empty(worlds * COMMODITIES, 0, wishes)
        coupled = self.rules.clearing == "coupled"
        self.joint = JointClearing(worlds, capacity) if coupled else None
        self._allocate(OrderBook.empty(worlds, capacity, wishes))

    def _allocate(self, book: OrderBook) -> None:
        """Arrays whose size follows the book's, and the argument lists made of them."""
        worlds, rows = self.worlds, self.worlds * COMMODITIES
        self.book = book
        self._wishes = book.wishes if book.reads_wishes else None
        reason = np.zeros((worlds, COMMODITIES, book.capacity), np.int64)
        reason[:, :, : self.reason.shape[2]] = self.reason
        self.reason = reason
        offered, self.offered = self.offered, np.zeros_like(reason)
        self.offered[:, :, : offered.shape[2]] = offered
        old, self.outcome = self.outcome, Outcome.empty(rows, book.capacity, book.reads_wishes)
        outcome = self.outcome
        for before, after in zip(old, outcome, strict=True):  # some worlds may await completion
            after[tuple(slice(size) for size in before.shape)] = before
        self._lottery = np.zeros((worlds, COMMODITIES), np.int64)
        wide_rows = (rows, book.capacity)
        self._books = Books(
            orders=book.count.reshape(rows),
            side=book.side.reshape(wide_rows),
            price=book.price.reshape(wide_rows),
            offered=self.offered.reshape(wide_rows),
            priority=book.priority.reshape(wide_rows),
            sequence=book.sequence.reshape(wide_rows),
            owner=book.owner.reshape(wide_rows),
            lottery=self._lottery.reshape(rows),
            tariffs=self.tariffs.reshape(rows, 4),
            **{
                name: column.reshape(wide_rows if book.reads_wishes else (0, 0))
                for name, column in zip(WISH_FIELDS, book.wishes, strict=True)
            },
        )
        self.by_world = Outcome(
            *(
                part.reshape(worlds, COMMODITIES, *part.shape[1:]) if len(part) == rows else part
                for part in outcome
            )
        )
        self.accepted, self.pays = self.by_world.accepted, self.by_world.pays
        if self.joint is not None:
            self.joint.resize(book.capacity)

    # -- the round ---------------------------------------------------------------------------

    def submit(
        self, orders: Orders, capability: Capability, first: int = 0, last: int | None = None
    ) -> int:
        """Check a whole batch and write what is admissible into the books.

        Returns
        -------
        int
            How many were refused; ``orders.status`` says which, and why.

        Raises
        ------
        NotAuthorizedError, RoundOrderError, InputError
            Without the capability, after the clearing, or for a batch of another size.
        """
        authorize(self._capability, capability, "write offers into the books")
        last = self.end_of_range(first, last)
        if count_cleared(first, last, self._cleared):
            raise RoundOrderError("the round is cleared but not complete; complete it first")
        if orders.count.shape[0] != self.worlds:
            raise InputError(
                f"orders must be for {self.worlds} worlds, got {orders.count.shape[0]}"
            )
        rows = orders.side.shape[2]
        needed = int(room_needed(first, last, orders.count, rows, self.book.count))
        if needed < 0:
            raise InputError(
                f"orders.count must be in [0, {rows}], the rows there are, "
                f"got {orders.count[first:last].tolist()}"
            )
        if needed > self.book.capacity:
            self._allocate(self.book.grown(max(needed, 2 * self.book.capacity)))
        wishes = orders.wishes if orders.wishes.size else None
        if wishes is None and self._wishes is not None:
            wishes = no_wishes(self.worlds, COMMODITIES, rows)
        return int(
            admit(
                first, last, *orders.columns(), orders.count, orders.status, wishes,
                *self.book.columns(), self.book.count, self._wishes, self.reason, self.round,
                self.next_sequence, self._enabled, self._priority, self.energy_limit,
                self.accounts, len(self.organizations), self.max_offers, HORIZON,
                np.empty((5, len(self._enabled)), np.int64), np.empty(rows, np.int64),
                np.empty(rows, np.int64),
            )
        )  # fmt: skip

    def submit_conversions(
        self,
        conversions: Conversions,
        capability: Capability,
        first: int = 0,
        last: int | None = None,
    ) -> int:
        """Check conversions for the open round and take those that are admissible.

        Returns
        -------
        int
            How many were refused; ``conversions.status`` says which, and why.

        Raises
        ------
        NotAuthorizedError, RoundOrderError, InputError
            Without the capability, after the clearing, under rules that clear the books
            separately, or for a batch of another size.
        """
        authorize(self._capability, capability, "take conversions into the round")
        last = self.end_of_range(first, last)
        if self.joint is None:
            raise InputError(
                "conversions need rules with clearing='coupled', these say "
                f"{self.rules.clearing!r}; offer electricity and heat separately instead"
            )
        if count_cleared(first, last, self._cleared):
            raise RoundOrderError("the round is cleared but not complete; complete it first")
        return self.joint.submit(
            conversions, self.next_sequence, self._enabled, self.accounts, first, last
        )

    def clear(self, capability: Capability, first: int = 0, last: int | None = None) -> IntArray:
        """Filter, clear and settle the open round of worlds ``first .. last - 1``.

        Returns
        -------
        int64 Wh (W, A, C)
            Bought minus sold per account and commodity; the operator's own array, not a copy.

        Raises
        ------
        NotAuthorizedError, RoundOrderError, InputError
            Without the capability, twice, or on tariffs out of order.
        """
        authorize(self._capability, capability, "clear the market")
        last = self.end_of_range(first, last)
        if count_cleared(first, last, self._cleared):
            raise RoundOrderError("the round is cleared already; complete it first")
        world = first_out_of_order(first, last, self.tariffs)
        if world >= 0:
            raise InputError(
                f"tariffs must satisfy long < feed_in <= retail < short within +-{PRICE_CAP}, got "
                f"(retail, feed_in, short, long) {self.tariffs[world].tolist()} in world {world}"
            )
        book, rules, outcome = self.book, self.rules, self.outcome
        open_filter(
            first, last, self.round, book.count, book.start, book.until, book.unsettled, book.cap,
            self.offered,
        )  # fmt: skip
        mechanism = self._mechanism
        if rules.tie_rule == "random" or mechanism.draws:
            fill_lottery(first, last, rules.seed, self.world_ids, self.round, self._lottery)
        if self.joint is not None:
            self.joint.clear(self._books, rules, outcome, first, last)
        else:
            mechanism.clear(self._books, rules, outcome, first * COMMODITIES, last * COMMODITIES)
        if not mechanism.uniform:
            bars(
                first, last, book.count, book.side, book.price, self.accepted, self.pays,
                mechanism.bar == "limit", *self._bars,
            )  # fmt: skip
        trade = self.money[Money.TRADE]
        trade[first:last] = 0
        self.traded[first:last] = 0
        if rules.utility == "residual":
            self._serve_rest(first, last)
        apply_trades(
            first, last, book.count, book.owner, book.side, self.accepted, self.pays,
            self.by_world.surplus, book.unsettled, trade, self.traded,
        )  # fmt: skip
        if self.joint is not None:
            self.joint.settle(first, last, trade, self.traded)
        self._cleared[first:last] = True
        return self.traded

    def complete(
        self,
        metered: IntArray,
        capability: Capability,
        first: int = 0,
        last: int | None = None,
    ) -> dict[int, Round]:
        """Settle what was metered, give reasons, record, expire, begin the next round.

        Parameters
        ----------
        metered : int64 Wh (W, A, C)
            Drawn minus fed in.  :attr:`fuel`, :attr:`fees` (n-euro) and :attr:`unserved` (Wh),
            each (W, N), are filled by the simulation and are zero in a market made by hand.

        Returns
        -------
        dict
            A ``Round`` for every world in which somebody listens to such objects.

        Raises
        ------
        NotAuthorizedError, RoundOrderError, InputError
            Without the capability, before the clearing, or for meters that cannot be settled.
        """
        authorize(self._capability, capability, "settle and record a round")
        last = self.end_of_range(first, last)
        if count_cleared(first, last, self._cleared) < last - first:
            raise RoundOrderError("the round is not cleared yet; clear it first")
        book = self.book
        if metered is not self.metered:
            check_meters(metered, self.traded, first, last)
            self.metered[first:last] = metered[first:last]
        imbalance = self.money[Money.IMBALANCE]
        imbalance[first:last] = 0
        settle_imbalance(first, last, self.traded, self.metered, self.tariffs, imbalance)
        post(
            first, last, self.fuel, self.fees, self.money[Money.TRADE], imbalance,
            self.money[Money.FUEL], self.money[Money.FEE], self.accounts,
        )  # fmt: skip
        give_reasons(
            first, last, self.round, book.count, book.side, book.price, book.start, book.until,
            book.unsettled, self.offered, self.accepted, self.by_world.volume,
            *self._order_bars(), self.reason,
        )  # fmt: skip
        if self._wishes is not None:
            span = first * COMMODITIES, last * COMMODITIES
            reasons = self.reason.reshape(self.outcome.accepted.shape)
            residual = self.rules.utility == "residual"
            give_wish_reasons(self._books, self.outcome, residual, reasons, *span)
        heard = [world for world in self.listeners if first <= world < last]
        records: dict[int, Round] = {}
        calls = [call for world in heard for call in self._read(world, records)]
        compact(first, last, *book.columns(), book.count, self._wishes, self.reason, self.round)
        if self.joint is not None:
            self.joint.end_round(first, last)
        self._cleared[first:last] = False
        for call in calls:
            call()
        self._forget_signed(first, last)
        return records

    def _read(self, world: int, records: dict[int, Round]) -> list[Callable[[], None]]:
        """Let listeners read the round; what to call when it is over.

        Who reads no arrays is told of an object, which is added to `records`.
        """
        # whoever reads the arrays itself sees neither conversions nor wishes nor signatures
        is_plain = self.joint is None and self._wishes is None and world not in self.signed
        calls: list[Callable[[], None]] = []
        for listener in self.listeners[world]:
            if is_plain and _reads_arrays(listener):
                listener.prepare(self, world)
                calls.append(listener.on_prepared)
            else:
                if world not in records:
                    records[world] = build_round(self, world)
                calls.append(partial(listener.on_round, records[world]))
        return calls

    def _forget_signed(self, first: int, last: int) -> None:
        for world in [world for world in self.signed if first <= world < last]:
            del self.signed[world]

    def close_round(self, capability: Capability) -> dict[int, Round]:
        """Clear and complete with what was traded taken as delivered: a market made by hand."""
        return self.complete(self.clear(capability), capability)

    def _order_bars(self) -> tuple[IntArray, IntArray]:
        """What a rejected bid and a rejected ask failed to beat, each int64 (W, C)."""
        if self._mechanism.uniform:
            return self.by_world.price, self.by_world.price
        return self._bars[0], self._bars[1]

    def _serve_rest(self, first: int, last: int) -> None:
        """What the members could not trade among themselves, at the utility's tariffs."""
        book, utility = self.book, self._utility
        serve_residual(
            first, last, book.count, book.side, book.price, self.offered, book.wishes, utility,
            self.tariffs, self.accepted, self.pays, self._rest_energy, self._rest_pays,
        )  # fmt: skip
        if self._wishes is not None:
            certify_residual(
                first, last, book.count, book.side, book.wishes, self.accepted,
                self.by_world.origin,
            )  # fmt: skip
        span = slice(first, last)
        self.traded[span, utility] -= self._rest_energy[span]
        self.money[Money.TRADE, span, utility] -= self._rest_pays[span].sum(axis=1)

    def end_of_range(self, first: int, last: int | None) -> int:
        """`last`, or the number of worlds for None; kernels do not look where they write.

        Raises
        ------
        InputError
            If ``first .. last - 1`` are not worlds of this operator.
        """
        last = self.worlds if last is None else last
        if not 0 <= first <= last <= self.worlds:
            raise InputError(
                f"worlds {first} to {last} are not a range of the {self.worlds} there are"
            )
        return last

    # -- around the round ----------------------------------------------------------------------

    def listen(self, world: int, listener: RoundListener) -> None:
        """Let `listener` hear every later round of one world.

        Raises
        ------
        InputError
            If there is no such world.
        """
        if not 0 <= world < self.worlds:
            raise InputError(f"world must be 0 to {self.worlds - 1}, got {world}")
        self.listeners.setdefault(world, []).append(listener)

    def withdraw(self, world: int, sequence: int, owner: int, capability: Capability) -> int:
        """End an order of `owner`; returns the unsettled Wh, or -1 if there is no such order."""
        authorize(self._capability, capability, "take an offer out of the books")
        if not 0 <= world < self.worlds:
            raise InputError(f"world must be 0 to {self.worlds - 1}, got {world}")
        if self._cleared[world]:
            raise RoundOrderError("the round is cleared but not complete; complete it first")
        return _end_order(self, world, sequence, owner)

    def reset(
        self, rounds: IntArray, capability: Capability, first: int = 0, last: int | None = None
    ) -> None:
        """Empty the books and accounts of some worlds and open the given rounds, int64 (W,)."""
        authorize(self._capability, capability, "reset the market")
        last = self.end_of_range(first, last)
        span = slice(first, last)
        if rounds.shape != self.round.shape or rounds.dtype != np.int64:
            raise InputError(
                f"rounds must be int64 of shape {self.round.shape}, "
                f"got {rounds.dtype} of shape {rounds.shape}"
            )
        if np.any(rounds[span] < 0) or np.any(rounds[span] > _LAST_ROUND):
            raise InputError(f"rounds must be 0 to {_LAST_ROUND}, got {rounds[span].tolist()}")
        self.round[span] = rounds[span]
        self.book.count[span] = 0
        if self.joint is not None:
            self.joint.end_round(first, last)
        self.accounts[span] = 0
        self.traded[span] = 0
        self.metered[span] = 0
        self.money[:, span] = 0
        self.next_sequence[span] = 0
        self._cleared[span] = False
        self._forget_signed(first, last)


def _reads_arrays(listener: RoundListener) -> TypeGuard[StateListener]:
    return hasattr(listener, "prepare")


def _end_order(operator: GridOperator, world: int, sequence: int, owner: int) -> int:
    book = operator.book
    for commodity in Commodity:
        n = book.count[world, commodity]
        at = np.searchsorted(book.sequence[world, commodity, :n], sequence)
        slot = (world, commodity, at)
        if at < n and book.sequence[slot] == sequence and book.owner[slot] == owner:
            if book.until[slot] <= operator.round[world]:
                return -1
            book.until[slot] = operator.round[world]
            operator.reason[slot] = 5
            return int(book.unsettled[slot])
    return -1
