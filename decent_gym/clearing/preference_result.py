"""What `clear` returns for a mechanism that reads wishes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import MECHANISMS
from decent_gym.clearing.preference_inputs import Wishes
from decent_gym.clearing.preference_unmet import unmet_wishes
from decent_gym.clearing.result import (
    OwnPricesResult,
    figures_of,
    own_prices,
    reasons_of,
    to_beat,
)
from decent_gym.clearing.rules import Rules
from decent_gym.models import TYPES, Reason, prices_by_type
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PreferenceResult(OwnPricesResult):
    """The result of a mechanism that reads wishes.

    Attributes
    ----------
    origin : int64 Wh (n, 4)
        Certificates: how much of each offer's accepted energy was plain, LOCAL, RENEWABLE, both.
        Rows sum to ``accepted``; what is bought of a type is what is sold of it.
    unmet : bool (n,)
        Offers that got nothing because nobody had what they wish for at their limit, though
        somebody had energy (for a sell: wanted energy) at it: ``Reason.PREFERENCE_UNMET``.
    type_prices : tuple of four int or None
        What a kWh of each type costs among offers without partners, micro-euro per kWh, None where
        none of it is traded: plain, LOCAL, RENEWABLE, both.
    """

    origin: IntArray
    unmet: npt.NDArray[np.bool_]
    type_prices: tuple[int | None, ...]

    @property
    def reasons(self) -> IntArray:
        """As :attr:`Result.reasons`, and PREFERENCE_UNMET for those in `unmet`."""
        return np.where(self.unmet, int(Reason.PREFERENCE_UNMET), reasons_of(self))


def clear_with_wishes(rules: Rules, books: Books, wishes: Wishes) -> PreferenceResult:
    """Clear a batch of one, with certificates."""
    books = books._replace(**{name: column[None] for name, column in wishes._asdict().items()})
    n = books.side.shape[1]
    outcome = Outcome.empty(1, n)._replace(origin=np.zeros((1, n, TYPES), np.int64))
    MECHANISMS[rules.mechanism].clear(books, rules, outcome, 0, 1)
    side, price, origin = books.side[0], books.price[0], outcome.origin[0]
    accepted, paid = outcome.accepted[0], outcome.pays[0] * (2 * side - 1)
    worth = sum(wishes.worth(kind, side, price)[0] * origin[:, kind] for kind in range(TYPES))
    worse = np.where(side == 1, paid > worth, paid < price * accepted)
    unmet = np.zeros((1, n), np.int64)
    unmet_wishes(books, outcome.accepted, unmet, 0, 1)
    return PreferenceResult(
        figures_of(outcome),
        side.copy(),
        price.copy(),
        books.offered[0].copy(),
        prices=own_prices(accepted, paid),
        limits_passed=int(np.count_nonzero(worse)),
        to_beat=to_beat(books, outcome, by_limit=MECHANISMS[rules.mechanism].bar == "limit"),
        origin=origin,
        unmet=unmet[0] > 0,
        type_prices=prices_by_type(side, accepted, paid, np.stack(wishes, axis=1)),
    )
