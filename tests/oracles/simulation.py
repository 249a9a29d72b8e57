"""The simulation's parts, slow and obvious: curves by trying prices, decisions and views by hand.

Shares nothing with ``decent_gym.simulation`` but the names of arrays.
"""

from collections import Counter
from math import cos, pi, sin

WORD = 2**64
LEADS = (0, 1, 2, 4, 8, 16, 32, 64, 95)


# -- curves: a block is (limit, what it draws below the limit, what it draws above) ------------


def electricity_blocks(d):
    return [
        (d["charge_limit"], d["charge"], 0),
        (d["discharge_limit"], 0, -d["discharge"]),
        (d["pump_limit"], d["pump_flex"], 0),
        (d["chp_limit"], 0, -d["chp"]),
    ]


def heat_blocks(d):
    return [
        (d["heat_buy_limit"], d["heat_buy"], 0),
        (d["heat_sell_limit"], 0, -d["heat_sell"]),
        (d["boiler_limit"], 0, -d["boiler"]),
    ]


def demand(price, fixed, blocks):
    """Least and greatest net demand at a price: at its limit a block may be anywhere."""
    least = fixed + sum(below if limit > price else above for limit, below, above in blocks)
    most = fixed + sum(below if limit >= price else above for limit, below, above in blocks)
    return least, most


def steps(fixed, blocks, retail, feed_in):
    """Bids and asks, Wh by limit, found by trying every price from feed-in to retail."""
    bids, asks = Counter(), Counter()
    top = fixed + sum(below for _, below, _ in blocks)
    bottom = fixed + sum(above for _, _, above in blocks)
    crosses = bottom < 0 < top
    asks[feed_in] += max(-top, 0)
    bids[retail] += max(bottom, 0)
    best_bid = feed_in - 1
    for price in range(feed_in, retail + 1):
        least, most = demand(price, fixed, blocks)
        bought = max(most, 0) - max(least, 0)
        if bought:
            best_bid = min(price, retail - 1) if crosses else price
            bids[best_bid] += bought
        sold = max(-least, 0) - max(-most, 0)
        if sold:
            asks[max(price, best_bid + 1)] += sold
    return +bids, +asks


# -- forecasts -----------------------------------------------------------------------------------


def shock(key, number, stream, organization):
    z = (key % WORD + 0x9E3779B97F4A7C15 * (number + 1)) % WORD
    z ^= (organization * 4 + stream + 1) * 0xD1342543DE82EF95 % WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    z ^= z >> 31
    return sum((z >> shift) & 0xFFFF for shift in (0, 16, 32, 48)) - 2 * 65_535


# -- actions -------------------------------------------------------------------------------------


def decide(v, a, d):
    """Decisions of one learner: `v` a view, `a` ten levers in ppm, `d` the baseline, changed."""
    (
        battery,
        battery_limit,
        pump,
        pump_limit,
        store,
        store_limit,
        chp,
        chp_limit,
        boiler,
        b_limit,
    ) = a

    def share(amount, lever):
        return amount * lever // 10**6

    def half(amount, lever):
        return amount * (lever + 10**6) // (2 * 10**6)

    def limit(lever, tariff):
        retail, feed_in = tariff
        return feed_in + half(retail - feed_in, lever)

    electricity, heat = v["tariffs"][0][:2], v["tariffs"][1][:2]
    d["charge"] = share(v["max_charge"], battery) if battery > 0 else 0
    d["discharge"] = share(v["max_discharge"], -battery) if battery < 0 else 0
    d["charge_limit"] = d["discharge_limit"] = limit(battery_limit, electricity)

    left_in, left_out = v["store_in"], v["store_out"]
    if v["pump_max"]:
        now, cop = d["pump_firm"], v["cop"]
        d["pump_limit"] = limit(pump_limit, electricity)
        if not left_in and not left_out:
            if pump < 0:
                d["pump_firm"] = share(now, 10**6 + pump)
                d["heat_firm"] = min(v["heat"], d["pump_firm"] * cop // 1000)
        elif pump < 0:
            longest = min(now, left_out * 1000 // cop)
            d["pump_flex"] = share(longest, -pump)
            d["pump_firm"] = now - d["pump_flex"]
            left_out = (v["store_out"] * 1000 - d["pump_flex"] * cop) // 1000
        else:
            d["pump_flex"] = share(min(v["pump_max"] - now, left_in * 1000 // cop), pump)
            left_in = (left_in * 1000 - d["pump_flex"] * cop) // 1000
    d["chp"] = half(v["chp_max"], chp)
    d["chp_limit"] = limit(chp_limit, electricity)
    made = d["chp"] * v["chp_heat_rate"] // 1000 if v["chp_max"] else 0
    d["heat_buy"] = share(max(left_in, 0), store) if store > 0 else 0
    d["heat_sell"] = share(max(left_out, 0) + made, -store) if store < 0 else 0
    d["heat_buy_limit"] = d["heat_sell_limit"] = limit(store_limit, heat)
    d["boiler"] = half(v["boiler_max"], boiler)
    d["boiler_limit"] = limit(b_limit, heat)
    return d


# -- rewards -------------------------------------------------------------------------------------


def reference(load, pv, heat, cop, pump_max, tariffs, heat_fee):
    """What a round costs without flexibility and without a market, n-euro."""
    pump = 0
    while pump < pump_max and pump * cop < 1000 * heat:
        pump += 1
    net = load - pv + pump
    bought = max(heat - pump * cop // 1000, 0)
    (retail, feed_in), heat_retail = tariffs[0][:2], tariffs[1][0]
    return max(net, 0) * retail - max(-net, 0) * feed_in + bought * (heat_retail + heat_fee)


# -- observations --------------------------------------------------------------------------------


def observation(sim, world, n, history):
    """Name -> value of what organization `n` sees; `history` holds each book's day of prices."""
    s, op, d = sim.scenario, sim.operator, sim.devices
    now = int(op.round[world])
    t, rounds = now % s.rounds, s.rounds
    seconds = 900 * t

    def wave(name, period, shift):
        phase = 2 * pi * (seconds + shift) / period
        return {f"{name}_sin": sin(phase), f"{name}_cos": cos(phase)}

    o = wave("day", 86_400, 0)
    weekday = (round(s.start / 86_400) + 3) % 7  # 1970-01-01 was a Thursday
    o |= wave("week", 604_800, 86_400 * weekday)
    o |= wave("year", 31_557_600, s.start % 31_557_600)
    o["battery_level"] = ratio(d.battery_soc[world, n], d.battery_capacity[world, n])
    o["store_level"] = ratio(d.store_soc[world, n], d.store_capacity[world, n])
    member = s.members[n]
    cop = member.heat_pump.cop(s.temperature)[t] if member.heat_pump else 0
    o["cop"] = cop / 5000

    power = {"charge": 0, "pump": 0, "chp": 0}
    heat_power = []
    if member.battery:
        power["charge"] = member.battery.parameters()["battery_charge"]
    if member.heat_pump:
        power["pump"] = member.heat_pump.parameters()["pump_max"]
    made = 0
    if member.chp:
        p = member.chp.parameters()
        power["chp"], made = p["chp_max"], p["chp_max"] * p["chp_heat_rate"] // 1000
    if member.boiler:
        made += member.boiler.parameters()["boiler_max"]
    if member.thermal_store:
        heat_power.append(member.thermal_store.parameters()["store_discharge"])
    own = max(s.load[:, n].max(), s.pv[:, n].max(), *power.values(), 1)
    own_heat = max(s.heat[:, n].max(), made, *heat_power, 1)
    district = sim._district_scale
    price = [max(int(s.tariffs[:, c, 0].max()), 1) for c in range(2)]

    for c, prefix in enumerate(("", "heat_")):
        o[f"last_{prefix}price"] = history[c]["last"] / price[c]
        o[f"last_{prefix}volume"] = min(op.by_world.volume[world, c] / district[c], 2)
        ring = history[c]["ring"]
        o[f"{prefix}price_low"] = sum(sorted(ring)[:12]) // 12 / price[c]
        o[f"{prefix}price_high"] = sum(sorted(ring)[-12:]) // 12 / price[c]
    o["retail"], o["feed_in"] = (s.tariffs[t, 0, k] / price[0] for k in (0, 1))
    o["heat_retail"] = s.tariffs[t, 1, 0] / price[1]
    o["last_traded"] = op.traded[world, n, 0] / own
    o["last_imbalance"] = (op.metered[world, n, 0] - op.traded[world, n, 0]) / own
    o["last_heat_traded"] = op.traded[world, n, 1] / own_heat

    sd = 65_536 / 3**0.5
    f = s.forecasts
    for lead in LEADS:
        at = (now + lead) % rounds
        grown = f.sigma_end_permille - f.sigma_permille
        sigma = (f.sigma_permille + grown * lead // 95) / 1000
        load_error, heat_error = (sim._errors[world, n, k] / sd for k in (0, 1))
        all_error, clouds = sim._errors[world, -1, 0] / sd, sim._weather[world] / sd
        e = 2.718281828459045
        o[f"load_{lead}"] = s.load[at, n] * e ** (sigma * load_error) / own
        o[f"pv_{lead}"] = s.pv[at, n] * e ** (sigma * clouds) / own
        o[f"heat_{lead}"] = s.heat[at, n] * e ** (sigma * heat_error) / own_heat
        off = sigma * heat_error if lead else 0
        o[f"temperature_{lead}"] = (s.temperature[at] / 10 - off) / 20
        o[f"retail_{lead}"] = s.tariffs[at, 0, 0] / price[0]
        net = s.load[at].sum() * e ** (sigma * all_error) - s.pv[at].sum() * e ** (sigma * clouds)
        o[f"district_{lead}"] = net / district[0]
    return o


def ratio(part, whole):
    return part / whole if whole else 0
