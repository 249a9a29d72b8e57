"""Whether organizations signed what a ledger says that they offered.

Where the ledger's header names an organization's key, every order of it must follow from a message
that it signed: for this market, this round, and with a nonce above all before, so that no message
counts twice.  Offers follow from messages in order, each from one of its own.
"""

from collections.abc import Iterator
from typing import Any, Final

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.hashing import link
from decent_gym.ledger.header import LedgerHeader, decode_header, parse_json
from decent_gym.ledger.member_keys import MemberKeys
from decent_gym.ledger.note import VerifierKey
from decent_gym.ledger.proof_file import Proof, Rows
from decent_gym.ledger.signed_section import OFFERS_DOMAIN
from decent_gym.ledger.signing import is_signed
from decent_gym.models import NO_WISH, ORDER_FIELDS, Commodity, Round, Side, SignedOffers

_SCHEMA: Final = "decent/offers/1"
_FIELDS: Final = {
    *("district", "ledger", "nonce", "number", "offers", "organization", "round", "schema"),
}
_COMMODITIES: Final = {commodity.name.lower(): int(commodity) for commodity in Commodity}
_SIDES: Final = {side.name.lower(): int(side) for side in Side}
_TERMS: Final = ("side", "energy", "price", "device", "id")

Terms = tuple[int, ...]
"""Of an offer: side, energy, price, device, id."""


class SignatureCheck:
    """Checks the signatures of one round after the other.

    Parameters
    ----------
    header : LedgerHeader
    ledger : bytes (32,)
        Hash of the header: which market this is.

    Attributes
    ----------
    count : int
        Signatures found good.

    Raises
    ------
    LedgerError
        The header names keys that are none.
    """

    def __init__(self, header: LedgerHeader, ledger: bytes) -> None:
        found = MemberKeys.of(header)
        by_name = {} if found is None else found.by_organization(header.names)
        self._district = "" if found is None else found.district
        self._names = header.names
        self._keys = {header.names.index(name): key for name, key in by_name.items()}
        self._ledger = ledger.hex()
        self._nonces: dict[int, int] = {}
        self.count = 0

    def fault(self, record: Round) -> str | None:
        """What is wrong with the first message, or the first order that follows from none.

        Raises
        ------
        MissingExtraError
            There is a signature to check, and ``cryptography`` is not installed.
        """
        offered: dict[tuple[int, int], Iterator[Terms]] = {}
        if self._keys or record.signed:
            found: dict[tuple[int, int], list[Terms]] = {}
            for at, message in enumerate(record.signed):
                fault = self._message_fault(message, record.number, found)
                if fault is not None:
                    return f"signed message {at} of {self._name(message.owner)}: {fault}"
                self.count += 1
            offered = {place: iter(terms) for place, terms in found.items()}
        return self._order_fault(record, offered) if self._keys else None

    def key_of(self, owner: int) -> VerifierKey | None:
        """The key of an account, if the header names one."""
        return self._keys.get(owner)

    def _message_fault(
        self, message: SignedOffers, number: int, found: dict[tuple[int, int], list[Terms]]
    ) -> str | None:
        key = self._keys.get(message.owner)
        if key is None:
            return "the header names no key of this account"
        if not is_signed(key.public, message.signature, OFFERS_DOMAIN + message.payload):
            return f"the signature is not that of {key}"
        try:
            said = parse_json(message.payload)
        except InputError as error:
            return str(error)
        if type(said) is not dict or said.keys() != _FIELDS or type(said["offers"]) is not list:
            return f"it must have the fields {', '.join(sorted(_FIELDS))}"
        wanted = {
            "schema": _SCHEMA,
            "district": self._district,
            "ledger": self._ledger,
            "organization": self._names[message.owner],
            "round": number,
        }
        for name, value in wanted.items():
            if type(said[name]) is not type(value) or said[name] != value:
                return f"it is for {name} {said[name]!r}, not {value!r}"
        nonce, before = said["nonce"], self._nonces.get(message.owner, -1)
        if type(nonce) is not int or nonce <= before:
            return f"its nonce {nonce!r} is not above {before}, which was used before"
        self._nonces[message.owner] = nonce
        for place, entry in enumerate(said["offers"]):
            terms = _terms(entry)
            if terms is None:
                return f"offer {place} is no offer"
            found.setdefault((message.owner, terms[0]), []).append(terms[1:])
        return None

    def _order_fault(
        self, record: Round, offered: dict[tuple[int, int], Iterator[Terms]]
    ) -> str | None:
        for at, owner in enumerate(record.conversions.column("owner").tolist()):
            if owner in self._keys:
                return f"conversion {at} of {self._names[owner]} follows from no message"
        for commodity, book in zip(Commodity, record.books, strict=True):
            for at, values in enumerate(book.orders.tolist()):
                order = dict(zip(ORDER_FIELDS, values, strict=True))
                owner = order["owner"]
                if owner not in self._keys:
                    continue
                terms = tuple(order[name] for name in _TERMS)
                # an iterator: what was passed over once is not there for a later order
                follows = terms in offered.get((owner, int(commodity)), iter(()))
                window = (order["start"], order["until"], order["cap"])
                follows &= window == (record.number, record.number + 1, order["energy"])
                # a signed message has no place for wishes, so none can follow from it
                follows &= not len(book.wishes) or tuple(book.wishes[at].tolist()) == NO_WISH
                if not follows:
                    return (
                        f"{commodity.name.lower()} order {at} (#{order['sequence']}) of "
                        f"{self._names[owner]} follows from no message that it signed"
                    )
        return None

    def _name(self, owner: int) -> str:
        return self._names[owner] if owner < len(self._names) else f"account {owner}"


def signed_offers_of(proof: Proof) -> list[str]:
    """Who signed what a proof is about, in words.

    Raises
    ------
    LedgerError
        Its records cannot be read, or something in them is not rightly signed.
    MissingExtraError
        There is a signature to check, and ``cryptography`` is not installed.
    """
    if proof.header is None or proof.record is None:
        return []
    header = decode_header(proof.header.body)
    record = decode_round(proof.record.body, header.accounts)
    check = SignatureCheck(header, link(proof.header.previous, proof.header.body))
    fault = check.fault(record)  # that a nonce was used before shows in the whole ledger only
    if fault is not None:
        raise LedgerError(fault)
    return _words(record, proof.offers, check)


def _words(record: Round, rows: Rows | None, check: SignatureCheck) -> list[str]:
    wanted: dict[int, set[Terms]] = {}
    for commodity, book in zip(Commodity, record.books, strict=True):
        chosen = book.orders if rows is None else book.orders[list(rows[commodity])]
        for values in chosen.tolist():
            order = dict(zip(ORDER_FIELDS, values, strict=True))
            terms = (int(commodity), *(order[name] for name in _TERMS))
            wanted.setdefault(order["owner"], set()).add(terms)
    lines = []
    for message in record.signed:
        said = parse_json(message.payload)
        if wanted.get(message.owner, set()).isdisjoint(map(_terms, said["offers"])):
            continue
        lines.append(
            f"signed by {said['organization']}: message {said['number']}, nonce {said['nonce']}, "
            f"{len(said['offers'])} offers, with {check.key_of(message.owner)}, signature "
            f"{message.signature.hex()}"
        )
    return lines


def _terms(entry: Any) -> tuple[int, ...] | None:
    """Commodity and terms of an offer in a message; None if it is none."""
    if type(entry) is not dict:
        return None
    numbers = {"device": -1, "id": -1, **entry}
    if numbers.keys() != {"commodity", *_TERMS}:
        return None
    commodity, side = numbers["commodity"], numbers["side"]
    if type(commodity) is not str or type(side) is not str:
        return None
    if commodity not in _COMMODITIES or side not in _SIDES:
        return None
    numbers["side"] = _SIDES[side]
    if any(type(numbers[name]) is not int for name in _TERMS):
        return None
    return (_COMMODITIES[commodity], *(numbers[name] for name in _TERMS))
