"""Three neighbours, one round: the market in eight lines."""

from decent_gym import Capability, Commodity, MarketController, Offer, Organization, Side

operator = Capability()  # whoever holds this object is the grid operator
market = MarketController([Organization(name) for name in ("farm", "bakery", "school")], operator)
sun = Offer("farm", Side.SELL, Commodity.ELECTRICITY, energy=10_000, price=80_000, valid_until=3)
market.submit(sun)  # 10 kWh for at least 0.08 EUR/kWh, valid for three rounds
market.submit(Offer("bakery", Side.BUY, Commodity.ELECTRICITY, energy=6_000, price=300_000))
market.submit(Offer("school", Side.BUY, Commodity.ELECTRICITY, energy=3_000, price=250_000))
print(market.close_round(operator))
print("still open:", *(f"{s.offer.organization} {s.unsettled} Wh" for s in market.offers()))
