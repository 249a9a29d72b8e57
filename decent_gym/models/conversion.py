"""Offers to turn one commodity into the other."""

from dataclasses import dataclass
from typing import Final

CONVERSION_FIELDS: Final = (
    "sequence",
    "owner",
    "electricity",
    "heat",
    "cost",
    "most",
    "group",
    "fuel",
    "source",
    "supply",
)
"""Columns of a conversion in books and records, all int64; see :class:`ConversionOffer`.

``owner`` is the organization's account index, ``most`` the most activity in Wh; a group or fuel of
-1 is none, and `source` equal to `supply` states no temperatures.
"""


@dataclass(frozen=True, slots=True)
class ConversionOffer:
    """To run a heat pump or a CHP if the prices of the open round make it worth while.

    ``activity`` is counted in whatever the ratios are per 1000 of: for a heat pump the electricity
    it takes, for a CHP the electricity it makes.  It runs if
    ``(electricity * price_e + heat * price_h) / 1000 > cost``, in part only at equality.
    It stands for the open round alone; the next round needs the next COP.

    Parameters
    ----------
    organization : str
    electricity, heat : int
        What 1000 Wh of activity give (above 0) or take (below 0): a heat pump of COP 3.2 is
        ``electricity=-1000, heat=3200``, a CHP ``electricity=1000, heat=2000``.
    cost : int
        The converter's own cost (fuel, wear), micro-euro per kWh of activity.
    max : int
        The most activity, Wh.
    group : int
        Offers of one organization with the same group, submitted together, share a capacity: the
        largest `max` among them.  -1: alone.
    fuel : int
        Fuel per 1000 of activity, against which the output is checked; -1: not stated.
    temperatures : (int, int), optional
        Source and supply, tenths of a degree Celsius: bounds the COP by Carnot's; without, by 30.
    """

    organization: str
    electricity: int
    heat: int
    cost: int
    max: int
    group: int = -1
    fuel: int = -1
    temperatures: tuple[int, int] | None = None
