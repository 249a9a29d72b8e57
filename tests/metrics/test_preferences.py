"""The price of preferences of a recording: book by book, against the public function."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import decent_gym
from decent_gym import Wish
from decent_gym.clearing import price_of_preferences
from decent_gym.errors import DataError, InputError
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.metrics import preference_cost
from decent_gym.models import Reason
from decent_gym.simulation import Simulation
from decent_gym.testing import check_ledger
from decent_gym.views.recorder import Recorder

WISHES = {
    "building_01": Wish(renewable=True, premium=100),
    "building_07": Wish(local=True, premium=100),
    "building_08": Wish(local=True),
    "building_10": Wish(renewable=True),
    "building_12": Wish(partner="building_09"),
}


def recorded(folder: Path, rounds: int = 60, **options: object):
    district = decent_gym.scenario("rural", **{"mechanism": "preference", **options})
    sim = Simulation(district)
    sim.reset([0], [105 * 96 + 30])
    header = LedgerHeader.of(district.organizations, district.rules.to_dict(), district.start)
    keep = Recorder(keep=rounds)
    with Ledger.create(folder, header) as ledger:
        for listener in (ledger, keep):
            sim.operator.listen(0, listener)
        for _ in range(rounds):
            sim.step()
    return [member.name for member in district.members], list(keep.rounds)


def test_it_is_the_sum_over_the_books(tmp_path: Path) -> None:
    names, rounds = recorded(tmp_path / "l", rounds=140, wishes=WISHES)
    lost = premium = welfare = unmet = 0
    change = np.zeros(len(names) + 3, np.int64)
    for book in (book for record in rounds for book in record.books):
        columns = {name: book.column(name) for name in ("side", "price", "attributes", "premium")}
        partner = np.where(np.isin(book.column("partner"), book.column("owner")),
                           book.column("partner"), -1)  # fmt: skip
        if (partner != book.column("partner")).any():
            # the function knows no partner who offers nothing: that order is left out instead
            stay = partner == book.column("partner")
            columns = {name: column[stay] for name, column in columns.items()}
        else:
            stay = np.ones(len(partner), bool)
        cost = price_of_preferences(
            **columns, energy=book.offered[stay], partner=partner[stay],
            organization=book.column("owner")[stay], priority=book.column("priority")[stay],
        )  # fmt: skip
        assert cost.with_wishes.pays.tolist() == book.pays[stay].tolist()
        if not stay.all():
            continue
        lost += cost.lost
        premium += cost.premium
        welfare += cost.welfare
        np.add.at(change, book.column("owner"), cost.change)
    unmet = sum(int((b.reason == Reason.PREFERENCE_UNMET).sum()) for r in rounds for b in r.books)
    found = preference_cost(tmp_path / "l")
    assert found.rounds == 140 and found.unmet == unmet > 0
    assert found.lost > 0 and found.premium >= premium > 0 and found.welfare >= welfare
    assert sum(found.by_organization.values()) == sum(found.by_role.values()) == -found.lost
    assert list(found.by_organization) == [*names, "fuel", "network", "operator"]
    assert found.bought["local_renewable"] > 0 and found.bought["renewable"] == 0


@pytest.mark.parametrize("utility", ["book", "residual"])
def test_soft_and_hard_wishes_without_partners_are_exactly_the_sum(tmp_path, utility) -> None:
    wishes = {name: wish for name, wish in WISHES.items() if wish.partner is None}
    names, rounds = recorded(tmp_path / "l", wishes=wishes, utility=utility)
    found = preference_cost(tmp_path / "l")
    assert check_ledger(tmp_path / "l").rounds == found.rounds
    assert not any(book.limits_passed for record in rounds for book in record.books)
    if utility == "residual":  # what the utility serves is welfare too
        assert found.lost == -sum(found.by_organization.values())
        assert found.by_organization["utility"] == 0
        return
    change, premium = np.zeros(len(names) + 3, np.int64), 0
    for book in (book for record in rounds for book in record.books):
        columns = {name: book.column(name) for name in ("side", "price", "attributes", "premium")}
        cost = price_of_preferences(
            **columns, energy=book.offered, organization=book.column("owner"),
            priority=book.column("priority"),
        )  # fmt: skip
        np.add.at(change, book.column("owner"), cost.change)
        premium += cost.premium
    assert list(found.by_organization.values()) == change.tolist()
    assert (found.lost, found.premium) == (-int(change.sum()), premium) and premium > 0


def test_nobody_wishes_nothing_is_lost(tmp_path: Path) -> None:
    recorded(tmp_path / "l", rounds=8)
    found = preference_cost(tmp_path / "l")
    assert (found.lost, found.premium, found.unmet) == (0, 0, 0)
    assert not any(found.by_organization.values())


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no ledger"):
        preference_cost(tmp_path / "none")
    recorded(tmp_path / "plain", rounds=2, mechanism="merit_order")
    with pytest.raises(InputError, match="'merit_order', which reads no wishes"):
        preference_cost(tmp_path / "plain")
    recorded(tmp_path / "torn", rounds=2, wishes=WISHES)
    segment = tmp_path / "torn" / "segment-000000.dgl"
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(DataError, match="torn"):
        preference_cost(tmp_path / "torn")


def test_the_documented_week(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    path = root / "examples" / "price_of_preferences.py"
    spec = importlib.util.spec_from_file_location("price_of_preferences", path)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.record(tmp_path / "l", example.SPRING, 672, 0)
    cost = preference_cost(tmp_path / "l")
    page = (root / "docs" / "mechanisms.md").read_text(encoding="utf-8")
    rest = dict(cost.by_organization)
    for name in (*example.WISHES, "heat_plant"):
        said = example.said(example.WISHES.get(name))
        row = next(line for line in page.splitlines() if line.startswith(f"| {name}"))
        assert row.endswith(f"| {said} | {rest.pop(name) / 1e9:+.2f} |".replace("|  |", "| |"))
    assert f"the network | | {sum(rest.values()) / 1e9:+.2f} |" in page
    whole = f"of {(cost.welfare + cost.lost) / 1e9:,.2f} EUR of welfare {cost.lost / 1e9:.2f} are"
    assert whole in page and f"beyond that is worth {cost.premium / 1e9:.2f} to" in page
    assert f"{cost.unmet:,} of their offers" in page
    for table in (example.summary(cost), example.bearers(cost)):
        assert table.row_count
