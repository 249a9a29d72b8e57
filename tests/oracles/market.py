"""The whole round of one world in plain Python: dicts in lists, one rule after the other.

Nothing is shared with the package but the slow clearing oracle.  Accounts are the organizations,
then fuel, network and operator, as everywhere.
"""

from fractions import Fraction

from oracles.merit_order import WORD, Order, clear_slowly, mix

SELL, BUY = 0, 1
COMMODITIES = 2
ENERGY_CAP = PRICE_CAP = 10**8
NUMBER_CAP = 2**53 - 1
ACCOUNT_CAP = 2**60
HORIZON = 672
OPEN, FILLED, MARGINAL, OUT_OF_THE_MONEY, EXPIRED, WITHDRAWN, REPLACED = range(7)
FIELDS = (
    *("id", "sequence", "owner", "side", "price", "energy", "unsettled", "start", "until"),
    *("priority", "device", "cap"),
)


def lottery_key(seed: int, world: int, number: int, commodity: int) -> int:
    key = mix((seed + 0x9E3779B97F4A7C15) % WORD)
    for part in (world, number, commodity):
        key = mix(((key ^ part) + 0x9E3779B97F4A7C15) % WORD)
    return key


class PlainMarket:
    """`members` are (priority, enabled); `tariffs` are (retail, feed_in, short, long) per book."""

    def __init__(
        self, members, tariffs, *, utility=None, tie_rule="pro_rata", k=Fraction(1, 2), seed=0,
        world=0, max_offers=1024, energy_limit=None, first=0,
    ):  # fmt: skip
        self.members, self.tariffs = list(members), list(tariffs)
        self.utility, self.tie_rule, self.k = utility, tie_rule, k
        self.seed, self.world, self.max_offers = seed, world, max_offers
        self.now, self.next_sequence = first, 0
        self.books = [[] for _ in range(COMMODITIES)]
        self.n = len(self.members)
        self.fuel_account, self.network, self.operator = self.n, self.n + 1, self.n + 2
        self.accounts = [0] * (self.n + 3)
        classes = [priority for priority, _ in self.members] + [0, 0, 0]
        self.priority = classes
        half = 2**62 // 10**8 // 2
        self.limits = energy_limit or [half // classes.count(priority) for priority in classes]

    # -- orders ------------------------------------------------------------------------------

    def may_trade(self, owner):
        return owner == self.network or (owner < self.n and self.members[owner][1])

    def live(self, commodity):
        return [o for o in self.books[commodity] if o["ended"] is None]

    def submit(self, batch):
        """Rows per commodity in, the word for what became of each out; "" is admitted."""
        return [self._submit_book(c, rows) for c, rows in enumerate(batch)]

    def _submit_book(self, commodity, rows):
        standing = self.live(commodity)
        words = []
        for row in rows:
            word = self._refusal(commodity, row, standing)
            words.append(word)
            if word:
                continue
            for old in self._same_device(standing, row):
                old["ended"] = REPLACED
            sequence = self.next_sequence
            self.next_sequence += 1
            self.books[commodity].append(
                {
                    **row,
                    "id": max(row["id"], -1),
                    "sequence": sequence,
                    "unsettled": row["energy"],
                    "priority": self.priority[row["owner"]],
                    "ended": None,
                }
            )
        return words

    def _same_device(self, standing, row):
        return [
            o
            for o in standing
            if o["ended"] is None
            and row["device"] != -1
            and (o["owner"], o["device"], o["side"]) == (row["owner"], row["device"], row["side"])
        ]

    def _refusal(self, commodity, row, standing):
        owner, now = row["owner"], self.now
        if not 0 <= owner < self.n + 3:
            return "UNKNOWN_OWNER"
        if not self.may_trade(owner):
            return "DISABLED"
        if row["side"] not in (SELL, BUY):
            return "BAD_SIDE"
        if not 1 <= row["energy"] <= ENERGY_CAP:
            return "BAD_ENERGY"
        if abs(row["price"]) > PRICE_CAP:
            return "BAD_PRICE"
        if row["start"] < now:
            return "IN_THE_PAST"
        if row["start"] > now + HORIZON:
            return "TOO_FAR"
        if row["until"] <= row["start"]:
            return "EMPTY_WINDOW"
        if row["until"] > now + HORIZON:
            return "TOO_LONG"
        if not 1 <= row["cap"] <= ENERGY_CAP:
            return "BAD_CAP"
        if not -1 <= row["device"] <= NUMBER_CAP:
            return "BAD_DEVICE"
        if row["id"] > NUMBER_CAP:
            return "BAD_ID"
        if abs(self.accounts[owner]) > ACCOUNT_CAP:
            return "BAD_ACCOUNT"
        own = [o for o in self.books[commodity] if o["owner"] == owner]
        if len(own) >= self.max_offers:
            return "TOO_MANY"
        replaced = self._same_device(standing, row)
        stays = [o for o in own if o["ended"] is None and o not in replaced]
        if sum(o["energy"] for o in stays) + row["energy"] > self.limits[owner]:
            return "TOO_MUCH"
        if any(_cross(o, row) for o in stays):
            return "SELF_CROSSING"
        if row["id"] >= 0 and row["id"] in [o["id"] for o in own]:
            return "DUPLICATE_ID"
        return ""

    def withdraw(self, sequence, owner):
        for commodity in range(COMMODITIES):
            for order in self.live(commodity):
                if (order["sequence"], order["owner"]) == (sequence, owner):
                    order["ended"] = WITHDRAWN
                    return order["unsettled"]
        return -1

    # -- the round ---------------------------------------------------------------------------

    def clear(self):
        """Traded Wh per account and commodity."""
        accounts = range(self.n + 3)
        self.trade = [0] * (self.n + 3)
        self.traded = [[0] * COMMODITIES for _ in accounts]
        self.cleared = [self._clear_book(c) for c in range(COMMODITIES)]
        return self.traded

    def _clear_book(self, commodity):
        orders = [o for o in self.live(commodity) if o["start"] <= self.now < o["until"]]
        offered = [min(o["unsettled"], o["cap"]) for o in orders]
        table = [[o[name] for name in FIELDS] for o in orders]
        result = clear_slowly(
            [
                Order(o["side"], o["price"], energy, o["priority"], o["sequence"])
                for o, energy in zip(orders, offered, strict=True)
            ],
            self.tie_rule,
            self.k,
            lottery_key(self.seed, self.world, self.now, commodity),
        )
        accepted = list(result.accepted)
        pays = [0] * len(orders)
        for i, order in enumerate(orders):
            sign = 1 if order["side"] == BUY else -1
            if accepted[i]:
                pays[i] = sign * accepted[i] * result.price
            if self.utility == "residual":
                price = self.tariffs[commodity][0 if sign > 0 else 1]
                rest = offered[i] - accepted[i]
                if sign * (order["price"] - price) >= 0:  # served at tariff, if its limit allows
                    accepted[i] += rest
                    pays[i] += sign * rest * price
            order["unsettled"] -= accepted[i]
            self.trade[order["owner"]] -= pays[i]
            self.traded[order["owner"]][commodity] += sign * accepted[i]
        if self.utility == "residual":
            utility = [priority for priority, _ in self.members].index(1)
            own = zip(orders, accepted, result.accepted, strict=True)
            self.traded[utility][commodity] -= sum(
                (late - early) * (1 if o["side"] == BUY else -1) for o, late, early in own
            )
            self.trade[utility] += sum(pays)
        reasons = [
            self._reason(o, *figures, result.price)
            for o, *figures in zip(orders, offered, accepted, strict=True)
        ]
        return {
            "orders": table,
            "offered": offered,
            "accepted": accepted,
            "pays": pays,
            "reason": reasons,
            "volume": result.volume,
            "price_low": result.low,
            "price": result.price,
            "price_high": result.high,
            "case": result.case,
        }

    def _reason(self, order, offered, accepted, price):
        goes_on = order["until"] > self.now + 1
        single = order["until"] - order["start"] == 1
        if order["unsettled"] == 0:
            return FILLED
        if accepted == offered:
            return OPEN if goes_on else EXPIRED
        if not goes_on and not single:
            return EXPIRED
        if accepted:
            return MARGINAL
        if price is None:
            return OUT_OF_THE_MONEY
        worse = order["price"] < price if order["side"] == BUY else order["price"] > price
        return OUT_OF_THE_MONEY if worse else MARGINAL

    def complete(self, metered, fuel=None, fees=None):
        """Four rows of money: trade, imbalance, fuel, fees; the next round opens."""
        rows = [self.trade, *([0] * (self.n + 3) for _ in range(3))]
        for account in range(self.operator):
            for c in range(COMMODITIES):
                _, _, short, long = self.tariffs[c]
                missing = metered[account][c] - self.traded[account][c]
                _pay(rows[1], account, self.operator, missing * (short if missing > 0 else long))
        for account in range(self.n):
            _pay(rows[2], account, self.fuel_account, fuel[account] if fuel else 0)
            _pay(rows[3], account, self.network, fees[account] if fees else 0)
        self.accounts = [b + sum(parts) for b, *parts in zip(self.accounts, *rows, strict=True)]
        for c in range(COMMODITIES):
            self.books[c] = [
                o for o in self.live(c) if o["unsettled"] > 0 and o["until"] > self.now + 1
            ]
        self.now += 1
        return rows

    def table(self, commodity):
        return [[o[name] for name in FIELDS] for o in self.live(commodity)]


def _cross(old, new):
    """Opposite sides whose windows overlap and whose limits meet."""
    if old["side"] == new["side"]:
        return False
    if old["until"] <= new["start"] or new["until"] <= old["start"]:
        return False
    ask, bid = (old, new) if new["side"] == BUY else (new, old)
    return ask["price"] <= bid["price"]


def _pay(row, payer, receiver, amount):
    row[payer] -= amount
    row[receiver] += amount
