"""Published numbers as integers: what a JSON number says, and a scale that makes it whole."""

from decimal import Decimal
from fractions import Fraction
from math import lcm


def exact(value: float) -> Fraction:
    """What a JSON number says, not its nearest binary neighbour: 1.00002 is 100002/100000."""
    return Fraction(Decimal(repr(value)))


def scale(values: list[float], cap: int) -> int:
    """The smallest factor, doubled for a midpoint, that makes all of them integers within `cap`."""
    factor = 2 * lcm(*(exact(value).denominator for value in values))
    assert max(abs(exact(value)) for value in values) * factor <= cap, "does not scale"
    return factor
