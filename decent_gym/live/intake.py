"""The counter where offers are handed in: read, validated by the operator, answered at once."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from decent_gym.clearing import order_faults
from decent_gym.errors import DataError
from decent_gym.ledger.note import VerifierKey
from decent_gym.live.messages import receipt_payload
from decent_gym.live.offers_message import OffersMessage
from decent_gym.live.reading import read_offers
from decent_gym.live.seal_check import SEAL_REASONS, SealCheck
from decent_gym.market import HORIZON
from decent_gym.market.admission import refusal
from decent_gym.models import Commodity
from decent_gym.simulation import Simulation

MESSAGES_CAP: Final = 256
"""Most messages of one organization that are answered in a round; what follows meets silence."""
TEXTS_CAP: Final = 5
"""Refused offers of one message whose receipt says in words what is wrong; all name the reason."""
REASONS: Final = {
    getattr(order_faults, name): name.lower()
    for name in (
        *("UNKNOWN_OWNER", "DISABLED", "BAD_SIDE", "BAD_ENERGY", "BAD_PRICE", "IN_THE_PAST"),
        *("TOO_FAR", "EMPTY_WINDOW", "TOO_LONG", "BAD_CAP", "BAD_DEVICE", "TOO_MANY", "TOO_MUCH"),
        *("SELF_CROSSING", "DUPLICATE_ID", "BAD_ID", "BAD_ACCOUNT"),
    )
}
"""Why the operator's validator refuses an offer."""
MALFORMED: Final = "malformed"
GATE_CLOSED: Final = "gate_closed"
NOT_OPEN_YET: Final = "not_open_yet"
NOT_EXTERNAL: Final = "not_external"
MESSAGE_REASONS: Final = (MALFORMED, GATE_CLOSED, NOT_OPEN_YET, NOT_EXTERNAL, *SEAL_REASONS)
"""Why a message is refused as a whole."""
_LOG: Final = logging.getLogger(__name__)


class Intake:
    """Takes messages of offers into the open round of a simulation's world 0.

    Nothing that comes here raises or reaches the books unless the operator's validator admits it.
    Who sent a message is told by its topic, which the broker's access list protects; where the
    market knows the organization's key, the signature must be that key's, too.

    Parameters
    ----------
    simulation : Simulation
        Its ``external`` organizations may offer.
    district : str
    ledger : str
        Hash of the ledger's header, hexadecimal.
    keys : mapping of str to VerifierKey, optional
        Organizations that must sign, and their keys.

    Attributes
    ----------
    seals : SealCheck
    taken, refused : int
        Offers of the open round that entered the books, and those that did not.
    silent : int
        Messages of all rounds that met silence.
    """

    def __init__(
        self,
        simulation: Simulation,
        district: str,
        ledger: str,
        keys: Mapping[str, VerifierKey] | None = None,
    ) -> None:
        self._simulation = simulation
        self._district = district
        self._ledger = ledger
        names = [member.name for member in simulation.scenario.members]
        self._owners = {names[n]: n for n in simulation.external.tolist()}
        self.seals = SealCheck(keys or {}, self._owners, district, ledger)
        self._answered: dict[tuple[str, int], tuple[bytes, bytes]] = {}
        self._messages: dict[str, int] = {}
        self._told: set[str] = set()
        self.taken = self.refused = self.silent = 0

    def begin(self) -> None:
        """Forget the messages of the round before."""
        self._answered.clear()
        self._messages.clear()
        self.seals.begin()
        self.taken = self.refused = 0

    def take(self, organization: str, payload: bytes) -> bytes | None:
        """Take one message into the books; returns the receipt, or None: silence.

        Parameters
        ----------
        organization : str
            A member's name, as the topic says it.
        payload : bytes
            Anything.
        """
        count = self._messages[organization] = self._messages.get(organization, 0) + 1
        if count > MESSAGES_CAP:
            self._keep_silent(organization)
            return None
        if organization not in self._owners:
            return self._receipt(
                organization, reason=NOT_EXTERNAL, text="a script trades for this organization"
            )
        try:
            message = read_offers(payload)
        except DataError as error:
            return self._receipt(organization, reason=MALFORMED, text=str(error))
        now = int(self._simulation.operator.round[0])
        facts = {"round": message.round, "number": message.number}
        if message.round != now:
            reason = GATE_CLOSED if message.round < now else NOT_OPEN_YET
            text = f"the open round is {now}"
            return self._receipt(organization, **facts, reason=reason, text=text)
        refusal = self.seals.refusal(organization, message)
        if refusal is not None:
            return self._receipt(organization, **facts, reason=refusal[0], text=refusal[1])
        return self._once(organization, message, facts)

    def _keep_silent(self, organization: str) -> None:
        self.silent += 1
        if organization not in self._told:
            self._told.add(organization)
            _LOG.warning(
                "%s has sent more than the %d messages that are answered in a round; the rest of "
                "a round's meet silence", organization, MESSAGES_CAP
            )  # fmt: skip

    def _once(self, organization: str, message: OffersMessage, facts: Mapping[str, int]) -> bytes:
        """Take a message that is rightly signed, or repeat the receipt that it has got."""
        key, seal = (organization, message.number), message.seal
        signature = b"" if seal is None else seal.signature
        before = self._answered.get(key)
        if before is not None and before[0] == signature:
            return before[1]
        if seal is not None:
            refusal = self.seals.take(organization, seal)
            if refusal is not None:
                return self._receipt(organization, **facts, reason=refusal[0], text=refusal[1])
        if before is not None:
            return before[1]
        taken = self.taken
        receipt = self._submit(organization, message, facts)
        if seal is not None and self.taken > taken:
            signed = self._simulation.operator.signed.setdefault(0, [])
            signed.append(self.seals.kept(organization, seal))
        self._answered[key] = signature, receipt
        return receipt

    def _submit(self, organization: str, message: OffersMessage, facts: Mapping[str, int]) -> bytes:
        operator, owner = self._simulation.operator, self._owners[organization]
        orders, rows = message.orders(owner)
        following = int(operator.next_sequence[0])
        refused = self._simulation.submit(orders)
        limits = {
            "horizon": HORIZON,
            "max_offers": operator.max_offers,
            "energy": int(operator.energy_limit[owner]),
        }
        sequences: list[int | None] = [None] * len(rows)
        places: list[dict[int, int]] = [{}, {}]  # of each commodity: row -> place in the message
        for place, (commodity, row) in enumerate(
            zip(message.offers[:, 0].tolist(), rows.tolist(), strict=True)
        ):
            places[commodity][row] = place
        faults: list[dict[str, Any]] = []
        for commodity in Commodity:  # admitted in this order, so numbered in this order
            for row, place in places[commodity].items():
                code = int(orders.status[0, commodity, row])
                if code == order_faults.ADMITTED:
                    sequences[place] = following
                    following += 1
                    continue
                fault: dict[str, Any] = {"offer": place, "reason": REASONS[code], "text": None}
                if len(faults) < TEXTS_CAP:
                    at = (0, int(commodity), row)
                    error = refusal(orders, at, organization, message.round, limits)
                    fault["text"] = str(error)
                faults.append(fault)
        self.taken += len(rows) - refused
        self.refused += refused
        return self._receipt(organization, **facts, sequences=sequences, refused=faults)

    def _receipt(self, organization: str, **facts: Any) -> bytes:
        facts = {"round": None, "number": None, **facts}
        return receipt_payload(self._district, organization, ledger=self._ledger, **facts)
