"""A live market without a broker, in which two organizations sign: messages in, receipts out."""

import json

from decent_gym.ledger import Checkpoints, Ledger, SigningKey
from decent_gym.ledger.keeper import operator_key
from decent_gym.ledger.member_keys import MemberKeys
from decent_gym.live.intake import Intake
from decent_gym.live.messages import offers_payloads
from decent_gym.live.reading import read_offers
from decent_gym.live.signer import Signer
from decent_gym.models import SignedOffers
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.recording import header_of

DISTRICT = scenario("rural")
ROUND = 96
NAMES = ("building_03", "building_08")
KEYS = {name: SigningKey(f"rural/{name}", bytes([n]) * 32) for n, name in enumerate(NAMES, 1)}
PUBLIC = {name: key.verifier for name, key in KEYS.items()}
MEMBER_KEYS = MemberKeys("rural", tuple(PUBLIC.values()), market="ab" * 16)
BUY = {"commodity": "electricity", "side": "buy", "energy": 500, "price": 250_000}
WARM = {"commodity": "heat", "side": "buy", "energy": 700, "price": 90_000, "device": 3, "id": 8}
META = {
    **{"face": "serve", "scenario": "rural", "learners": [], "traders": {}},
    **{"external": list(NAMES), "seed": 5},
}


class SignedMarket:
    """Its simulation, its counter for messages, and its ledger in `folder`; `rules` as options."""

    def __init__(self, folder=None, keys=MEMBER_KEYS, checkpoints=None, start=ROUND, **rules):
        district = scenario("rural", **rules)
        self.simulation = Simulation(district, external=NAMES)
        self.simulation.reset([5], [start])
        checkpoints = checkpoints or Checkpoints()
        header = header_of(
            self.simulation.operator, district.digest, 5,
            operator_key=operator_key(checkpoints),
            member_keys=b"" if keys is None else keys.to_bytes(),
        )  # fmt: skip
        options = {"checkpoints": checkpoints}
        if folder is None:
            self.ledger = Ledger(header, **options)
        else:
            meta = {**META, "options": rules, "start": start}
            self.ledger = Ledger.create(folder, header, meta=meta, **options)
        self.hash = self.ledger.head
        self.number = 0
        self.simulation.operator.listen(0, self.ledger)
        known = {} if keys is None else keys.by_organization(header.names)
        self.intake = Intake(self.simulation, "rural", self.hash, known)
        self.signers = {name: Signer(KEYS[name], "rural", name) for name in NAMES}

    def message(self, *offers, name=NAMES[0], round=None, ledger=None, **changes):
        """A message that offers these, signed by `name`; `changes` come before the signature."""
        now = int(self.simulation.operator.round[0]) if round is None else round
        self.number += 1
        facts = {"number": self.number, **changes}
        sign = self.signers[name].sign
        (payload,) = offers_payloads(
            now, offers, lambda m: sign({**m, **facts}, ledger or self.hash)
        )
        return payload

    def hand_in(self, payload, name=NAMES[0]):
        """The receipt, read."""
        return json.loads(self.intake.take(name, payload))

    def trade(self, *offers, name=NAMES[0]):
        """Hand in one message with these offers; its receipt."""
        return self.hand_in(self.message(*offers, name=name), name)

    def kept(self, payload):
        """What an operator would keep of a message in the ledger."""
        seal = read_offers(payload).seal
        return SignedOffers(DISTRICT.index(seal.organization), seal.signature, seal.payload)

    def cheat(self, *offers, signed=(), name=NAMES[0], rounds=1):
        """Put offers into the books that nobody has handed in, with these messages beside them."""
        now = int(self.simulation.operator.round[0])
        message = {"schema": "decent/offers/1", "round": now, "number": 0, "offers": offers}
        orders, _ = read_offers(json.dumps(message).encode()).orders(DISTRICT.index(name))
        orders.until[:] = now + rounds
        assert self.simulation.submit(orders) == 0
        self.simulation.operator.signed[0] = [self.kept(payload) for payload in signed]

    def step(self):
        self.simulation.step()
        self.intake.begin()


def record(folder, rounds=3, rotate=None, **options):
    """A ledger of some rounds in which both organizations trade; options of the market.

    Before the last round the operator's key hands over, if `rotate` names the two.
    """
    market = SignedMarket(folder, **options)
    with market.ledger:
        for number in range(rounds):
            if rotate is not None and number == rounds - 1:
                market.ledger.rotate(*rotate)
            assert len(set(market.trade(BUY, WARM)["sequences"]) - {None}) == 2
            assert market.trade({**BUY, "energy": 0}, {**BUY, "price": 240_000})["refused"]
            market.trade({**BUY, "price": 220_000}, name=NAMES[1])
            market.step()
    return market
