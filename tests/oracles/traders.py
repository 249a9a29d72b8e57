"""Scripted traders for one organization at a time: fractions and plain words, no arrays.

Written from the tables in the docstrings of ``decent_gym.traders``; shares nothing with them.
"""

from fractions import Fraction
from math import ceil, floor

KEPT = Fraction(975, 1000)
MASK = 2**64 - 1
NAMES = {
    0: "truthful",
    1: "zero_intelligence",
    2: "self_consumption",
    3: "price_threshold",
    4: "no_flexibility",
}


def no_flexibility(o):
    """The baseline; `o` holds one organization's numbers by their names in TraderView."""
    d = dict.fromkeys(
        ("charge", "discharge", "pump_firm", "pump_flex", "chp", "heat_firm", "heat_buy"), 0
    ) | {"heat_sell": 0, "boiler": 0}
    for bought in ("charge_limit", "pump_limit"):
        d[bought] = o["feed_in"]
    for sold in ("discharge_limit", "chp_limit"):
        d[sold] = o["retail"]
    d["heat_buy_limit"] = o["heat_feed_in"]
    d["heat_sell_limit"] = d["boiler_limit"] = o["heat_retail"]
    if o["cop"]:
        cop = Fraction(o["cop"], 1000)
        d["pump_firm"] = min(o["pump_max"], ceil(o["heat"] / cop))
        d["heat_firm"] = min(o["heat"], floor(d["pump_firm"] * cop))
    cost = ceil(Fraction(o["boiler_fuel_rate"] * o["fuel_price"], 1000))
    if o["boiler_max"] and cost <= o["heat_retail"]:
        d["boiler"] = o["boiler_max"]
        d["boiler_limit"] = max(cost, o["heat_feed_in"])
    return d


def flexible(o):
    """The baseline with every block at its full energy."""
    d = no_flexibility(o)
    d["charge"], d["discharge"] = o["max_charge"], o["max_discharge"]
    from_store = min(o["heat"], o["store_out"])
    if o["cop"]:
        cop = Fraction(o["cop"], 1000)
        d["pump_firm"] = min(o["pump_max"], ceil((o["heat"] - from_store) / cop))
        most = min(o["pump_max"], floor((o["heat"] + o["store_in"]) / cop))
        d["pump_flex"] = max(0, most - d["pump_firm"])
        d["heat_firm"] = min(o["heat"], from_store + floor(d["pump_firm"] * cop))
        d["heat_sell"] = o["store_out"] - from_store
    elif o["chp_max"] or o["boiler_max"]:
        d["chp"] = o["chp_max"]
        if o["chp_heat_rate"]:
            fits = floor(o["store_in"] / Fraction(o["chp_heat_rate"], 1000))
            d["chp"] = min(o["chp_max"], fits)
        d["heat_sell"] = o["store_out"]
        d["heat_firm"] = 0
    else:
        d["heat_firm"] = from_store
        d["heat_buy"] = from_store + o["store_in"]
    return d


def buy(d, o, block, limit, value, heat=""):
    """Bid for a block at `value` if any price of the tariff's range is that low."""
    low, high = o[heat + "feed_in"], o[heat + "retail"]
    if value is None or value < low:
        d[block], d[limit] = 0, low
    else:
        d[limit] = min(value, high)


def sell(d, o, block, limit, cost, heat=""):
    """Ask `cost` for a block if any price of the tariff's range is that high."""
    low, high = o[heat + "feed_in"], o[heat + "retail"]
    if cost is None or cost > high:
        d[block], d[limit] = 0, high
    else:
        d[limit] = max(cost, low)


def value_heat(d, o):
    """Limits of heat bought and sold and of the CHP."""
    mean = Fraction(o["low"][1] + o["high"][1], 2)
    buy(d, o, "heat_buy", "heat_buy_limit", floor(KEPT * mean), "heat_")
    cost = floor(KEPT * d["boiler_limit"])
    if o["store_in"] + o["store_out"]:
        cost = floor(cost * Fraction(o["store_in"], o["store_in"] + o["store_out"]))
    if o["cop"]:
        cost = ceil(o["high"][0] / Fraction(o["cop"], 1000) / KEPT)
    sell(d, o, "heat_sell", "heat_sell_limit", cost, "heat_")
    credit = floor(KEPT * d["heat_sell_limit"])
    fuel = Fraction(o["chp_fuel_rate"], 1000) * o["fuel_price"]
    sell(d, o, "chp", "chp_limit", ceil(fuel - Fraction(o["chp_heat_rate"], 1000) * credit))


def truthful(o):
    """Water values from yesterday's prices."""
    d = flexible(o)
    low, high = o["low"][0], o["high"][0]
    bid = ask = None
    if o["charge_rate"] and o["discharge_rate"]:
        eta_c = Fraction(o["charge_rate"], 1000)
        eta_d = Fraction(1000, o["discharge_rate"])
        if low < high and high * eta_c * eta_d > low:
            water = (low / eta_c + high * eta_d) / 2
            bid, ask = floor(water * eta_c), ceil(water / eta_d)
    buy(d, o, "charge", "charge_limit", bid)
    if ask is not None and d["charge"]:
        ask = max(ask, d["charge_limit"] + 1)
    sell(d, o, "discharge", "discharge_limit", ask)
    buy(d, o, "pump_flex", "pump_limit", floor(KEPT * Fraction(low + high, 2)))
    value_heat(d, o)
    return d


def price_threshold(o):
    """Lowest and highest third of the span."""
    d = flexible(o)
    bought = {"": ("charge", "pump_flex"), "heat_": ("heat_buy",)}
    sold = {"": ("discharge", "chp"), "heat_": ("heat_sell",)}
    limits = {"pump_flex": "pump_limit"}
    for heat in ("", "heat_"):
        low, high = o[heat + "feed_in"], o[heat + "retail"]
        third = floor(Fraction(high - low, 3))
        for blocks, limit in ((bought, low + third), (sold, high - third)):
            for block in blocks[heat]:
                d[limits.get(block, block + "_limit")] = limit
                if low == high:
                    d[block] = 0
    return d


def self_consumption(o):
    """The own roof first."""
    d = flexible(o)
    value_heat(d, o)
    least, most = d["pump_firm"], d["pump_firm"] + d["pump_flex"]
    sun = o["pv"] - o["load"]
    d["pump_firm"] = least if sun < least else most if sun > most else sun
    d["pump_flex"], d["pump_limit"] = 0, o["feed_in"]
    if o["cop"]:
        d["heat_sell"] = 0
    net = o["load"] + d["pump_firm"] - o["pv"]
    d["charge"] = min(o["max_charge"], -net) if net < 0 else 0
    d["discharge"] = min(o["max_discharge"], net) if net > 0 else 0
    d["charge_limit"], d["discharge_limit"] = o["retail"], o["feed_in"]
    return d


def splitmix(state):
    """The next output of SplitMix64 after `state`."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def draw(o, number, low, high):
    """Uniform integer in [low, high]."""
    u = splitmix(splitmix(splitmix(splitmix(o["key"] & MASK) ^ o["round"]) ^ o["n"]) ^ number)
    return low + u * (high - low + 1) // 2**64


BLOCKS = (
    ("charge", "charge_limit", "feed_in"),
    ("discharge", "discharge_limit", "retail"),
    ("pump_flex", "pump_limit", "feed_in"),
    ("chp", "chp_limit", "retail"),
    ("heat_buy", "heat_buy_limit", "heat_feed_in"),
    ("heat_sell", "heat_sell_limit", "heat_retail"),
    ("boiler", "boiler_limit", "heat_retail"),
)


def zero_intelligence(o):
    """Truthful's blocks, shrunk and shaded at random."""
    d = truthful(o)
    for b, (block, limit, end) in enumerate(BLOCKS):
        if d[block]:
            d[block] = draw(o, 2 * b, 0, d[block])
            d[limit] = draw(o, 2 * b + 1, min(o[end], d[limit]), max(o[end], d[limit]))
    return d


def decide(o):
    """All 16 numbers of one organization by the code in its policy."""
    return globals()[NAMES.get(o["policy"], "no_flexibility")](o)


def organization(view, w, n):
    """One organization of a TraderView as a dictionary of ints."""
    o = {
        name: int(getattr(view, name)[w, n])
        for name in view.__slots__
        if getattr(getattr(view, name), "shape", None) == view.policy.shape
        and name not in ("price_low", "price_high")
    }
    o["round"], o["key"], o["n"] = int(view.round[w]), int(view.key[w]), n
    (o["retail"], o["feed_in"], *_), (o["heat_retail"], o["heat_feed_in"], *_) = view.tariffs[
        w
    ].tolist()
    o["low"], o["high"] = view.price_low[w].tolist(), view.price_high[w].tolist()
    o["fuel_price"] = int(view.fuel_price)
    return o
