"""Addresses of what answers over HTTP, checked before anybody is called."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_PLAIN: Final = re.compile("[!-~]*")


def http_address(text: str) -> SplitResult | None:
    """The parts of ``http://host:port/path`` or https; None if nobody could be called there.

    Only printable ASCII: the parts stand in the request as they are.  The host may be punycode.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        return None
    is_plain = _PLAIN.fullmatch(text) is not None
    return parts if parts.scheme in ("http", "https") and host and port != 0 and is_plain else None
