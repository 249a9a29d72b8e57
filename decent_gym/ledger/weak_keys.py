"""Public keys with which nobody, or everybody, signs.

Ed25519 lets eight points of small order pass for public keys.  Whoever knows that can make a
signature of such a "key" over any text without a secret, often one signature over many texts; and
32 zero bytes are one of them.  An owner of such a key could deny whatever it has signed.

Source: Chalkias, Garillot, Nikolaenko (2020), Taming the many EdDSAs (SSR 2020); RFC 8032.
"""

from typing import Final

_P: Final = 2**255 - 19
_OF_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_WEAK: Final = frozenset({0, 1, _P - 1, _OF_ORDER_8, _P - _OF_ORDER_8})
"""The y of all points of order 1, 2, 4 and 8."""


def is_weak(public: bytes) -> bool:
    """Whether a public key (32 bytes) is a point of small order, or a second form of a point."""
    y = int.from_bytes(public, "little") & (2**255 - 1)  # the last bit is the sign of x
    return y >= _P or y in _WEAK
