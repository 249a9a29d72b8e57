"""The curve of Ed25519, slowly: just enough to sign without a secret where a key is weak.

Source: RFC 8032, section 5.1.
"""

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, PRIME) % PRIME
_I = pow(2, (PRIME - 1) // 4, PRIME)


def root(y):
    """An x of the point with this y; None if there is none."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    return next((r for r in (x, x * _I % PRIME) if r * r % PRIME == square), None)


def add(p, q):
    """Sum of two points."""
    (x1, y1), (x2, y2) = p, q
    k = _D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + k, -1, PRIME)
    return x % PRIME, (y1 * y2 + x1 * x2) * pow(1 - k, -1, PRIME) % PRIME


def times(n, point):
    """`n` times a point."""
    found = (0, 1)
    for bit in bin(n)[2:]:
        found = add(found, found)
        if bit == "1":
            found = add(found, point)
    return found


_Y = 4 * pow(5, -1, PRIME) % PRIME
BASE = next((x, _Y) for x in (root(_Y), PRIME - root(_Y)) if x % 2 == 0)
_SOME = next((x, y) for y in range(3, 99) if (x := root(y)) and times(4 * ORDER, (x, y)) != (0, 1))
_TORSION = [times(n, times(ORDER, _SOME)) for n in range(8)]
SMALL_ORDER = sorted({y for _, y in _TORSION})
"""The y of the eight points whose order divides 8."""


def without_a_secret(public, point, message):
    """A signature that the weak key `public`, which is `point`, passes for its own."""
    for s in range(1, 200):
        for guess in range(8):
            x, y = add(times(s, BASE), times(-guess % 8, point))
            first = (y | (x & 1) << 255).to_bytes(32, "little")
            digest = hashlib.sha512(first + public + message).digest()
            if int.from_bytes(digest, "little") % ORDER % 8 == guess:
                return first + s.to_bytes(32, "little")
    raise AssertionError("no signature found")
