"""The market's nouns: codes, organizations, offers, books and rounds."""

from decent_gym.models.codes import (
    NO_DEVICE,
    Case,
    Commodity,
    Money,
    Reason,
    Side,
    Tariff,
)
from decent_gym.models.conversion import CONVERSION_FIELDS, ConversionOffer
from decent_gym.models.offer import Offer
from decent_gym.models.order_book import COMMODITIES, ORDER_FIELDS, OrderBook, no_wishes
from decent_gym.models.organization import Organization
from decent_gym.models.protocols import RoundListener, StateListener
from decent_gym.models.round import (
    NO_CONVERSIONS,
    NO_ORIGIN,
    NO_WISHES,
    ClearedBook,
    Converted,
    Round,
)
from decent_gym.models.signed import SIGNED_CAP, SignedOffers
from decent_gym.models.wish import (
    HARD,
    LOCAL,
    NO_WISH,
    NOBODY,
    PREMIUM_CAP,
    RENEWABLE,
    TYPE_NAMES,
    TYPES,
    WISH_FIELDS,
    Source,
    Wish,
    premia_of,
    prices_by_type,
    wished_value,
)

__all__ = [
    "COMMODITIES",
    "CONVERSION_FIELDS",
    "HARD",
    "LOCAL",
    "NOBODY",
    "NO_CONVERSIONS",
    "NO_DEVICE",
    "NO_ORIGIN",
    "NO_WISH",
    "NO_WISHES",
    "ORDER_FIELDS",
    "PREMIUM_CAP",
    "RENEWABLE",
    "SIGNED_CAP",
    "TYPES",
    "TYPE_NAMES",
    "WISH_FIELDS",
    "Case",
    "ClearedBook",
    "Commodity",
    "ConversionOffer",
    "Converted",
    "Money",
    "Offer",
    "OrderBook",
    "Organization",
    "Reason",
    "Round",
    "RoundListener",
    "Side",
    "SignedOffers",
    "Source",
    "StateListener",
    "Tariff",
    "Wish",
    "no_wishes",
    "premia_of",
    "prices_by_type",
    "wished_value",
]
