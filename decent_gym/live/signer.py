"""Signing what an organization offers, so that nobody can change or invent it."""

import base64
import time
from collections.abc import Callable
from typing import Any

from decent_gym.errors import InputError
from decent_gym.ledger import SigningKey
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.signed_section import OFFERS_DOMAIN


class Signer:
    """Signs messages of offers for one organization.

    Nonces are microseconds since 1970, and rise in any case: whoever starts again needs to
    remember nothing, as long as the clock is not set back.

    Parameters
    ----------
    key : SigningKey
        The organization's, named ``DISTRICT/ORGANIZATION``.
    district, organization : str
    clock : callable, optional
        Nanoseconds since 1970.

    Raises
    ------
    InputError
        The key is named otherwise.
    """

    def __init__(
        self,
        key: SigningKey,
        district: str,
        organization: str,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if key.name != f"{district}/{organization}":
            raise InputError(
                f"the key is that of {key.name!r}; offers of {organization} are signed with a key "
                f"named '{district}/{organization}'"
            )
        self._key = key
        self._district, self._organization = district, organization
        self._clock = clock
        self._nonce = 0

    def sign(self, message: dict[str, Any], ledger: str) -> dict[str, Any]:
        """`message` with all that it needs to be taken in one market alone, and the signature.

        Parameters
        ----------
        message : dict
            A message of offers.
        ledger : str
            The market, as its opening names it: hash of the ledger's header, hexadecimal.
        """
        self._nonce = max(self._nonce + 1, self._clock() // 1000)
        whole = {
            **message,
            "district": self._district,
            "ledger": ledger,
            "nonce": self._nonce,
            "organization": self._organization,
        }
        signature = self._key.sign(OFFERS_DOMAIN + canonical_json(whole))
        text = base64.b64encode(self._key.verifier.id + signature).decode()
        return {**whole, "signature": text}
