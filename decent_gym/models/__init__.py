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
from decent_gym.models.order_book import COMMODITIES, ORDER_FIELDS, OrderBook
from decent_gym.models.organization import Organization
from decent_gym.models.protocols import RoundListener, StateListener
from decent_gym.models.round import NO_CONVERSIONS, ClearedBook, Converted, Round
from decent_gym.models.signed import SIGNED_CAP, SignedOffers

__all__ = [
    "COMMODITIES",
    "CONVERSION_FIELDS",
    "NO_CONVERSIONS",
    "NO_DEVICE",
    "ORDER_FIELDS",
    "SIGNED_CAP",
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
    "StateListener",
    "Tariff",
]
