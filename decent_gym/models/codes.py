"""What can be said of a book, a cleared book and an order, as small integers."""

from enum import IntEnum


class Commodity(IntEnum):
    """What is traded; also the index of its book."""

    ELECTRICITY = 0
    HEAT = 1


class Side(IntEnum):
    """Which way an offer goes."""

    SELL = 0
    BUY = 1


class Case(IntEnum):
    """How a book cleared: which side of the margin was rationed."""

    NONE = 0
    """Nothing traded: volume 0, no price."""
    EXACT = 1
    """Every order at the margin was taken whole or not at all."""
    MARGINAL_SELL = 2
    """Sellers at the margin were rationed; they pin the price."""
    MARGINAL_BUY = 3
    """Buyers at the margin were rationed; they pin the price."""


class Reason(IntEnum):
    """What became of an offer in a round."""

    OPEN = 0
    """Not in this round's book yet: its window has not begun."""
    FILLED = 1
    """All of its energy has been accepted."""
    MARGINAL = 2
    """At the margin: rationed, some or all of its energy stays unsettled."""
    OUT_OF_THE_MONEY = 3
    """Its limit was worse than the price."""
    EXPIRED = 4
    """Its window ended with unsettled energy."""
    WITHDRAWN = 5
    """Its organization took it back."""
    REPLACED = 6
    """A newer offer for the same device took its place."""
    PREFERENCE_UNMET = 7
    """No supply of the wished-for type."""
    REJECTED = 8
    """It never entered the book."""


class Money(IntEnum):
    """Kinds of money movement; each kind sums to zero over all accounts in every round."""

    TRADE = 0
    IMBALANCE = 1
    FUEL = 2
    FEE = 3


class Tariff(IntEnum):
    """Columns of a round's tariffs, each in micro-euro per kWh, one row a commodity."""

    RETAIL = 0
    FEED_IN = 1
    SHORT = 2
    """Paid for what was metered but not bought; above retail."""
    LONG = 3
    """Received for what was bought but not metered; below feed-in."""


NO_DEVICE = -1
"""`device` of an offer that belongs to no device."""
