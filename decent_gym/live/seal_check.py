"""Whether a message of offers is signed by whom it must be, for this market, and new."""

from collections.abc import Mapping
from typing import Final

from decent_gym.ledger.header import parse_json
from decent_gym.ledger.note import VerifierKey
from decent_gym.ledger.signed_section import OFFERS_DOMAIN, OVERHEAD, SIGNED_BYTES_CAP
from decent_gym.ledger.signing import is_signed, load_ed25519
from decent_gym.live.offers_message import OffersMessage, Seal
from decent_gym.models import Round, SignedOffers

NOT_SIGNED: Final = "not_signed"
NO_KEY: Final = "no_key"
OTHER_SENDER: Final = "other_sender"
OTHER_MARKET: Final = "other_market"
OTHER_KEY: Final = "other_key"
BAD_SIGNATURE: Final = "bad_signature"
REPLAYED_NONCE: Final = "replayed_nonce"
TOO_LONG_SIGNED: Final = "too_long_signed"
SEAL_REASONS: Final = (
    *(NOT_SIGNED, NO_KEY, OTHER_SENDER, OTHER_MARKET, OTHER_KEY, BAD_SIGNATURE),
    *(REPLAYED_NONCE, TOO_LONG_SIGNED),
)
"""Why a message is refused for its signature, or for want of one."""

Refusal = tuple[str, str]


class SealCheck:
    """Checks the signatures of one market's messages, and remembers the nonces.

    A round listener: what it hears of rounds that were recorded before brings the nonces back.

    Parameters
    ----------
    keys : mapping of str to VerifierKey
        Organization to its key; others need not sign, and cannot.
    owners : mapping of str to int
        Organization to its account.
    district : str
    ledger : str
        Hash of the ledger's header, hexadecimal.

    Raises
    ------
    MissingExtraError
        There are keys, and ``cryptography`` is not installed.
    """

    def __init__(
        self,
        keys: Mapping[str, VerifierKey],
        owners: Mapping[str, int],
        district: str,
        ledger: str,
    ) -> None:
        if keys:
            load_ed25519("checking the signatures of offers")
        self._keys, self._owners = dict(keys), dict(owners)
        self._by_id = {key.id: name for name, key in keys.items()}
        self._district, self._ledger = district, ledger
        self._nonces: dict[int, int] = {}
        self._room = SIGNED_BYTES_CAP // max(len(keys), 1)
        self._used: dict[str, int] = {}

    def begin(self) -> None:
        """A round opens: there is room for signed messages again."""
        self._used.clear()

    def on_round(self, record: Round) -> None:
        """Take note of the nonces in a recorded round."""
        for message in record.signed:
            self._note(message.owner, _nonce(message))

    def refusal(self, organization: str, message: OffersMessage) -> Refusal | None:
        """Why `message` is not by `organization`, or not for this market: reason and words."""
        key, seal = self._keys.get(organization), message.seal
        if key is None or seal is None:
            return self._unsigned(organization, key, seal)
        if seal.organization != organization:
            return OTHER_SENDER, f"it offers for {seal.organization[:64]!r}, not {organization!r}"
        if (seal.district, seal.ledger) != (self._district, self._ledger):
            return OTHER_MARKET, (
                f"it is for district {seal.district[:64]!r} and ledger {seal.ledger[:64]!r}, this "
                f"is {self._district!r} and {self._ledger!r}"
            )
        if seal.key_id != key.id:
            other = self._by_id.get(seal.key_id)
            whose = "an unknown key" if other is None else f"the key of {other}"
            return OTHER_KEY, (
                f"it is signed with {whose} ({seal.key_id.hex()}); the key of {organization} is "
                f"{key}"
            )
        if not is_signed(key.public, seal.signature, OFFERS_DOMAIN + seal.payload):
            return BAD_SIGNATURE, f"the signature is not that of {key} over this message"
        return None

    def take(self, organization: str, seal: Seal) -> Refusal | None:
        """Use up the nonce and the room of a message that is rightly signed, or say why not."""
        owner = self._owners[organization]
        before = self._nonces.get(owner, -1)
        if seal.nonce <= before:
            return REPLAYED_NONCE, f"nonce {seal.nonce} is not above {before}, which was used"
        used = self._used.get(organization, 0) + OVERHEAD + len(seal.payload)
        if used > self._room:
            return TOO_LONG_SIGNED, (
                f"the signed messages of {organization} in this round have {used} bytes, the "
                f"ledger has room for {self._room}"
            )
        self._used[organization] = used
        self._note(owner, seal.nonce)
        return None

    def kept(self, organization: str, seal: Seal) -> SignedOffers:
        """What the ledger keeps of a message."""
        return SignedOffers(self._owners[organization], seal.signature, seal.payload)

    def _unsigned(
        self, organization: str, key: VerifierKey | None, seal: Seal | None
    ) -> Refusal | None:
        if key is not None:
            return NOT_SIGNED, f"offers of {organization} must be signed with {key}"
        if seal is not None:
            return NO_KEY, f"this market knows no key of {organization}; send it unsigned"
        return None

    def _note(self, owner: int, nonce: int) -> None:
        self._nonces[owner] = max(nonce, self._nonces.get(owner, -1))


def _nonce(message: SignedOffers) -> int:
    nonce: int = parse_json(message.payload)["nonce"]  # written by a market that had read it
    return nonce
