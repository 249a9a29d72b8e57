"""A ledger written from a market made by hand is found good by clearing it again."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from market.snapshots import header_of

from decent_gym.clearing import TIE_RULES, UTILITIES, Rules
from decent_gym.errors import OfferError
from decent_gym.ledger import Ledger, verify
from decent_gym.market import Capability, MarketController
from decent_gym.models import Commodity, Offer, Organization, Reason, Side
from decent_gym.testing import check_ledger

ROUNDS = 15
NAMES = ("a", "b", "c", "d")
START = datetime(2021, 3, 28, tzinfo=UTC)


def trade(market, capability, rng, quotes):
    """Random offers by hand, with devices, caps and windows; some are taken back."""
    for _ in range(ROUNDS):
        if quotes:
            for commodity, tariff in zip(Commodity, ((300_000, 80_000), (150_000, 0)), strict=True):
                for side, price in zip(Side, tariff, strict=True):
                    market.submit(Offer("grid", side, commodity, 10**6, price))
        for _ in range(14):
            name = NAMES[rng.integers(4)]
            start = market.round + int(rng.choice([0, 0, 0, 1]))
            offer = Offer(
                name,
                Side(int(rng.random() < (0.1 if name in "ab" else 0.9))),
                Commodity(int(rng.integers(2))),
                int(rng.choice([1, 250, 250, 999])),
                int(rng.choice([80_000, 120_000, 120_000, 150_000, 300_000])),
                start=start,
                valid_until=start + int(rng.choice([1, 2, 5])),
                device=int(rng.choice([-1, -1, 0])),
                max_per_round=int(rng.choice([10**8, 200])),
            )
            try:
                market.submit(offer)
            except OfferError as error:
                assert error.field == "price"  # it would have crossed its own
        open_offers = market.offers(NAMES[rng.integers(4)])
        if open_offers:
            market.withdraw(open_offers[0].offer.organization, open_offers[0].number)
        market.close_round(capability)


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_a_hand_made_ledger_verifies(tmp_path, utility, tie_rule):
    capability = Capability()
    market = MarketController(
        [*(Organization(name) for name in NAMES), Organization("grid", priority=1)],
        capability,
        rules=Rules(tie_rule=tie_rule, utility=utility, price_rule="1/3", seed=99),
        start=START,
    )
    header = header_of(market.operator)
    assert (header.seed, header.world) == (0, 0)
    memory = Ledger(header)
    market.listen(memory)
    with Ledger.create(tmp_path / "l", header) as ledger:
        market.listen(ledger)
        trade(market, capability, np.random.default_rng(6), quotes=utility == "book")
        head = ledger.head
    assert memory.head == head
    report = check_ledger(tmp_path / "l", expected_head=head)
    assert report.rounds == report.verification.rounds == ROUNDS
    assert report.unexplained > 0  # withdrawn and replaced ones
    seen = {market.status(n).reason for n in range(int(market.operator.next_sequence[0]))}
    assert seen >= {Reason.WITHDRAWN, Reason.REPLACED, Reason.MARGINAL, Reason.EXPIRED}
    assert market.operator.accounts.any()


def test_the_lottery_decides_and_is_verified(tmp_path):
    """Of two equal sellers the lottery picks one; another seed in the header would not do."""
    results = {}
    for seed in range(8):
        capability = Capability()
        market = MarketController(
            [Organization(name) for name in NAMES],
            capability,
            rules=Rules(tie_rule="random", utility=None, seed=seed),
        )
        header = header_of(market.operator)
        with (
            Ledger.create(tmp_path / str(seed), header) as ledger,
            Ledger.create(tmp_path / f"wrong{seed}", replace(header, seed=1)) as wrong,
        ):
            market.listen(ledger)
            market.listen(wrong)
            for _ in range(6):
                for name in "abc":
                    market.submit(Offer(name, Side.SELL, Commodity.HEAT, 10, 5))
                market.submit(Offer("d", Side.BUY, Commodity.HEAT, 10, 5))
                market.close_round(capability)
        assert verify(tmp_path / str(seed))
        assert "accepted of order" in verify(tmp_path / f"wrong{seed}").reason
        results[seed] = tuple(market.balance(name) for name in "abc")
    assert len(set(results.values())) > 3
