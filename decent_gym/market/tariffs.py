"""What the main grid and the balancing settlement charge."""

from collections.abc import Mapping
from dataclasses import dataclass

from numba import njit

from decent_gym.errors import InputError, shown
from decent_gym.models import Commodity
from decent_gym.units import PRICE_CAP, checked_int

_PRICE_CAP = 10**8


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Prices of one commodity in micro-euro per kWh.

    ``long < feed_in <= retail < short``, so that every deliberately unbalanced Wh loses against
    trading it: what was drawn but not bought costs `short`, what was bought but not drawn earns
    `long`.
    """

    retail: int
    feed_in: int
    short: int
    long: int

    def __post_init__(self) -> None:
        for name in ("retail", "feed_in", "short", "long"):
            checked_int(getattr(self, name), f"tariff {name}", -PRICE_CAP, PRICE_CAP)
        if not self.long < self.feed_in <= self.retail < self.short:
            raise InputError(
                "tariffs must satisfy long < feed_in <= retail < short, got "
                f"{self.long} < {self.feed_in} <= {self.retail} < {self.short}"
            )

    def row(self) -> tuple[int, int, int, int]:
        """In the order of the columns of ``Tariff``."""
        return self.retail, self.feed_in, self.short, self.long


DEFAULT_TARIFFS = {
    Commodity.ELECTRICITY: Tariffs(retail=300_000, feed_in=80_000, short=400_000, long=40_000),
    Commodity.HEAT: Tariffs(retail=150_000, feed_in=0, short=200_000, long=-10_000),
}
"""For markets made by hand; scenarios bring their own, with sources."""


def tariff_rows(tariffs: Mapping[Commodity, Tariffs]) -> list[tuple[int, int, int, int]]:
    """One row a commodity, columns as in ``Tariff``."""
    for commodity in Commodity:
        if not isinstance(tariffs.get(commodity), Tariffs):
            raise InputError(
                f"tariffs must hold Tariffs for Commodity.{commodity.name}, "
                f"got {shown(tariffs.get(commodity))}"
            )
    return [tariffs[commodity].row() for commodity in Commodity]


@njit(cache=True, nogil=True, _nrt=False)
def first_out_of_order(first, last, tariffs):  # type: ignore[no-untyped-def]
    """The first world whose tariffs (W, C, 4) are not in order or beyond the cap, or -1.

    The order is ``long < feed_in <= retail < short``.
    """
    for w in range(first, last):
        for c in range(tariffs.shape[1]):
            retail, feed_in = tariffs[w, c, 0], tariffs[w, c, 1]
            short, long = tariffs[w, c, 2], tariffs[w, c, 3]
            if not (-_PRICE_CAP <= long < feed_in <= retail < short <= _PRICE_CAP):
                return w
    return -1
