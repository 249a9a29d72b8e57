"""What wishes cost: the same book with them and without, at values without premia."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.inputs import integers, numbered_organizations
from decent_gym.clearing.preference_inputs import checked_wishes
from decent_gym.clearing.preference_result import PreferenceResult
from decent_gym.clearing.public import clear
from decent_gym.clearing.result import Result
from decent_gym.models import TYPES
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class PriceOfPreferences:
    """A book cleared with its wishes and without; money in n-euro.

    Attributes
    ----------
    with_wishes : PreferenceResult
    without : Result
        Of `merit_order`, where every Wh is as good as another.
    welfare, welfare_without : int
        Limits of accepted bids minus limits of accepted asks, premia not counted.
    premium : int
        What soft wishes got beyond that: the premia of the wished-for energy delivered.
    change : int64 (n,)
        By how much the wishes changed the surplus of each offer (its limit against what it pays),
        premia not counted; below 0, it bears them.  Sums to ``-lost``.
    by_organization : dict
        The same for each organization, if they were named.
    """

    with_wishes: PreferenceResult
    without: Result
    welfare: int
    welfare_without: int
    premium: int
    change: IntArray
    by_organization: dict[Any, int]

    @property
    def lost(self) -> int:
        """The price of preferences: welfare lost against the book without wishes, never below 0."""
        return self.welfare_without - self.welfare


def price_of_preferences(
    side: npt.ArrayLike,
    price: npt.ArrayLike,
    energy: npt.ArrayLike,
    attributes: npt.ArrayLike | None = None,
    premium: npt.ArrayLike | None = None,
    partner: Any = None,
    organization: npt.ArrayLike | None = None,
    **options: Any,
) -> PriceOfPreferences:
    """Report what the wishes of a book cost, and who bears it.

    Hard wishes hurt sellers of plain energy above all; soft ones can hurt bidders without wishes.
    The comparison is static: the same offers, as if nobody had said what it wishes for.

    Parameters
    ----------
    side, price, energy, attributes, premium, partner, organization
        As in :func:`clear`.
    **options
        ``price_rule``, ``tie_rule``, ``priority``, ``sequence`` and ``seed`` of :func:`clear`, for
        both clearings.

    Returns
    -------
    PriceOfPreferences

    Raises
    ------
    InputError
        As :func:`clear`.

    Examples
    --------
    Green energy is scarce, and a hard wish leaves 50 of the plain energy unsold:

    >>> from decent_gym.clearing import price_of_preferences
    >>> cost = price_of_preferences(
    ...     side=[0, 0, 1], price=[10, 20, 80], energy=[50, 100, 100], attributes=[2, 0, 2]
    ... )
    >>> cost.welfare_without, cost.welfare, cost.lost
    (6500, 3500, 3000)
    >>> cost.change.tolist()  # the price rises from 20 to 80
    [3000, 0, -6000]
    """
    side, price, energy = (
        integers(column, name)
        for column, name in ((side, "side"), (price, "price"), (energy, "energy"))
    )
    book: dict[str, Any] = {"side": side, "price": price, "energy": energy}
    wishing = clear(
        **book, mechanism="preference", attributes=attributes, premium=premium, partner=partner,
        organization=organization, **options,
    )  # fmt: skip
    assert isinstance(wishing, PreferenceResult)
    plain = clear(**book, **options)  # who sells grey and wishes for green would cross itself here
    wishes = checked_wishes(attributes, premium, partner, organization, len(side))
    extra = sum(
        int(((wishes.worth(kind, side, price)[0] - price) * wishing.origin[:, kind]).sum())
        for kind in range(TYPES)
    )
    sign = 2 * side - 1
    before, after = (sign * price * result.accepted for result in (plain, wishing))
    change = (after - wishing.pays) - (before - plain.pays)
    totals: dict[Any, int] = {}
    if organization is not None:
        names, owner = numbered_organizations(organization, len(side))
        sums = np.zeros(len(side), np.int64)
        np.add.at(sums, owner, change)
        totals = {name: int(sums[index]) for name, index in zip(names, owner, strict=True)}
    return PriceOfPreferences(
        wishing, plain, int(after.sum()), int(before.sum()), extra, change, totals
    )
