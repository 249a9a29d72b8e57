"""Rounds with what only some markets have: wishes, conversions, signed offers."""

import functools
from typing import Final, NamedTuple

from market.snapshots import header_of
from oracles.signed_market import BUY, WARM, SignedMarket

from decent_gym import Commodity, MarketController, Offer, Organization, Side, Source, Wish
from decent_gym.clearing import Rules
from decent_gym.ledger import LedgerHeader
from decent_gym.market import Capability
from decent_gym.models import ConversionOffer, Round

NAMES: Final = ("seller", "buyer", "pump")
PUMP: Final = ConversionOffer("pump", electricity=-1000, heat=3000, cost=0, max=3)
OFFERS: Final = (
    ("seller", Side.SELL, Commodity.ELECTRICITY, 50, 6),
    ("buyer", Side.BUY, Commodity.ELECTRICITY, 40, 50),
    ("seller", Side.SELL, Commodity.HEAT, 10, 7),
    ("buyer", Side.BUY, Commodity.HEAT, 16, 20),
)
GREEN: Final = {"source": Source(renewable=True)}, {"wish": Wish(renewable=True)}, {}, {}


class Special(NamedTuple):
    """A ledger's header and its first round."""

    header: LedgerHeader
    record: Round


class _Caught:
    """A round listener that keeps the last one."""

    record: Round

    def on_round(self, record: Round) -> None:
        self.record = record


@functools.cache
def specials() -> tuple[Special, ...]:
    """With wishes, with conversions, with signed offers."""
    found = []
    for rules in (Rules("preference", utility=None), Rules(utility=None, clearing="coupled")):
        capability = Capability()
        members = [Organization(name) for name in NAMES]
        controller = MarketController(members, capability, rules=rules)
        is_joint = rules.clearing == "coupled"
        for offer, green in zip(OFFERS, GREEN, strict=True):
            controller.submit(Offer(*offer, **({} if is_joint else green)))
        if is_joint:
            controller.submit_conversion(PUMP)
        found.append(Special(header_of(controller.operator), controller.close_round(capability)))
    market, caught = SignedMarket(), _Caught()
    market.simulation.operator.listen(0, caught)
    assert market.trade(BUY, WARM)["reason"] is None
    market.step()
    found.append(Special(market.ledger.header, caught.record))
    return tuple(found)
