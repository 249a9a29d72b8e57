"""Which organizations must sign what they offer, and with which keys.

A key is named ``DISTRICT/ORGANIZATION``, so that it can be mistaken for nobody else's.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger.checkpoint import read_capped
from decent_gym.ledger.header import LedgerHeader, canonical_json, parse_json
from decent_gym.ledger.note import KeyKind, VerifierKey
from decent_gym.ledger.signing import PUBLIC_SUFFIX, read_verifier

_MARKET: Final = re.compile("[0-9a-f]{32}")
_FILE_CAP: Final = 2**22


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """The keys of one market's organizations.

    Parameters
    ----------
    district : str
    keys : tuple of VerifierKey
        At most one an organization.
    market : str
        32 hexadecimal digits, drawn anew for every ledger: what was signed for another market of
        the same district, scenario and seed does not count in this one.

    Raises
    ------
    InputError
        Naming the key that is not one of the district's, or of which there are two.
    """

    district: str
    keys: tuple[VerifierKey, ...]
    market: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        if not _MARKET.fullmatch(self.market):
            raise InputError(f"market must be 32 hexadecimal digits, got {self.market!r}")
        for key in self.keys:
            place, _, organization = key.name.rpartition("/")
            if place != self.district or not organization or key.kind is not KeyKind.LOG:
                raise InputError(
                    f"key {key.name!r} of kind {key.kind.name} is no organization's of "
                    f"{self.district}; make one: decent-gym keygen --name "
                    f"{self.district}/ORGANIZATION --out FILE"
                )
        if len({key.name for key in self.keys}) < len(self.keys):
            names = sorted(key.name for key in self.keys)
            twice = next(a for a, b in pairwise(names) if a == b)
            raise InputError(f"there are two keys of {twice!r}; leave one")

    @classmethod
    def of(cls, header: LedgerHeader) -> "MemberKeys | None":
        """Those that a ledger's header names; None if it names none.

        Raises
        ------
        LedgerError
            What it names are no keys of its organizations.
        """
        if not header.member_keys:
            return None
        try:
            value = parse_json(header.member_keys)
            if value.keys() != {"district", "keys", "market"}:
                raise InputError("the fields must be district, keys, market")
            texts = [value["district"], value["market"], *value["keys"]]
            if not all(type(text) is str for text in texts) or not value["keys"]:
                raise InputError("district, market and at least one key must be texts")
            keys = tuple(VerifierKey.parse(text) for text in value["keys"])
            found = cls(value["district"], keys, value["market"])
            if found.to_bytes() != header.member_keys:
                raise InputError("they are not in their one form")
            found.by_organization(header.names)
        except (DataError, InputError, AttributeError, TypeError) as error:
            raise LedgerError(f"header: keys of organizations: {error}") from None
        return found

    def to_bytes(self) -> bytes:
        """As it stands in a ledger's header."""
        keys = sorted(map(str, self.keys))
        return canonical_json({"district": self.district, "keys": keys, "market": self.market})

    def by_organization(self, names: Iterable[str]) -> dict[str, VerifierKey]:
        """The keys by organization.

        Parameters
        ----------
        names : iterable of str
            The organizations there are.

        Raises
        ------
        InputError
            A key is of none of these.
        """
        known = set(names)
        found = {key.name.rpartition("/")[2]: key for key in self.keys}
        if strangers := found.keys() - known:
            raise InputError(
                f"key {self.district}/{min(strangers)}: there is no such organization; there are "
                f"{', '.join(sorted(known))}"
            )
        return found


def read_member_keys(path: str | Path) -> tuple[VerifierKey, ...]:
    """Public keys from a folder of ``.pub`` files, or from a file with one key a line.

    Raises
    ------
    InputError
        There are none, or one of them is no public key.
    """
    place = Path(path)
    if place.is_dir():
        texts = [str(file) for file in sorted(place.glob(f"*{PUBLIC_SUFFIX}"))]
    else:
        try:
            lines = read_capped(place, _FILE_CAP, "list of keys").decode("ascii").splitlines()
        except ValueError as error:
            raise InputError(f"cannot read keys from {place}: {error}") from None
        texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise InputError(f"{place} holds no public keys: a file or folder of NAME{PUBLIC_SUFFIX}")
    return tuple(read_verifier(text) for text in texts)
