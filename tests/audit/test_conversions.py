"""Recorded conversions: read back, cleared again, and every edit of consequence found."""

import dataclasses

import numpy as np
import pytest
from oracles import forger, ledger_format

from decent_gym import MarketController, Organization, scenario
from decent_gym.audit import verify
from decent_gym.audit.conversions import ConversionCheck
from decent_gym.clearing import Rules
from decent_gym.clearing.conversion_admission import flow_limits
from decent_gym.errors import OfferError
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.header import canonical_json
from decent_gym.market import Capability
from decent_gym.models import CONVERSION_FIELDS, NO_CONVERSIONS, ConversionOffer, Converted
from decent_gym.simulation import Simulation

AT = 5


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A winter morning of `rural` under coupled clearing."""
    folder = tmp_path_factory.mktemp("coupled") / "ledger"
    district = scenario("rural", clearing="coupled")
    sim = Simulation(district)
    sim.reset([3], [96 * 14 + 20])
    header = LedgerHeader.of(
        district.organizations, district.rules.to_dict(), district.start, seed=3
    )
    with Ledger.create(folder, header) as ledger:
        sim.operator.listen(0, ledger)
        for _ in range(12):
            sim.step()
    return folder, *forger.read(folder)


def test_what_was_recorded_clears_again(recorded) -> None:
    folder, header, rounds = recorded
    assert verify(folder) and verify(folder).rounds == 12
    for record in rounds:
        assert len(record.conversions.activity) == 7
        body = encode_round(record, header.accounts)
        assert encode_round(decode_round(body, header.accounts), header.accounts) == body
    assert any(record.conversions.activity.any() for record in rounds)


def test_a_second_reader_finds_the_same_columns(recorded) -> None:
    folder, _, rounds = recorded
    records, head, _ = ledger_format.read_ledger((folder / forger.SEGMENT).read_bytes())
    assert head == verify(folder).head
    for read, record in zip(records[1:], rounds, strict=True):
        columns = list(read["conversions"].values())
        given = record.conversions
        assert columns[:10] == given.offers.T.tolist()
        assert columns[10:] == [
            given.activity.tolist(), *given.delivered.T.tolist(), given.earns.tolist(),
        ]  # fmt: skip


def changed(given: Converted, field: str, row: int, by: int) -> Converted:
    """One figure of one conversion altered."""
    if field in CONVERSION_FIELDS:
        offers = given.offers.copy()
        offers[row, CONVERSION_FIELDS.index(field)] += by
        return dataclasses.replace(given, offers=offers)
    values = getattr(given, field.split()[0]).copy()
    values[(row, int(field[-1])) if " " in field else row] += by
    return dataclasses.replace(given, **{field.split()[0]: values})


@pytest.mark.parametrize(
    ("field", "by", "says"),
    [
        ("activity", 1, "activity of conversion 0"),
        ("delivered 0", -1, "electricity delivered of conversion 0"),
        ("delivered 1", 1, "heat delivered of conversion 0"),
        ("earns", 1, "earnings of conversion 0"),
        ("heat", 400, ""),
        ("heat", 90_000, "creates energy"),
        ("cost", 200_000, ""),
        ("most", -(10**9), "max must be in"),
        ("owner", 100, "no organization"),
        ("owner", 1, ""),
        ("sequence", 10**6, "do not rise"),
        ("group", 3, "group 2 has one conversion only"),
        ("supply", 3000, "creates energy"),
        ("fuel", -7, "fuel must be in"),
    ],
)
def test_an_edit_is_found(recorded, tmp_path, field, by, says) -> None:
    _, header, rounds = recorded
    given = rounds[AT].conversions
    record = dataclasses.replace(rounds[AT], conversions=changed(given, field, 0, by))
    head = forger.write(tmp_path / "l", header, [*rounds[:AT], record, *rounds[AT + 1 :]])
    found = verify(tmp_path / "l")
    assert not found and found.first_bad == AT and says in found.reason
    assert verify(tmp_path / "l", reclear=False, expected_head=head)


def test_conversions_taken_out_or_torn_are_found(recorded, tmp_path) -> None:
    _, header, rounds = recorded
    given = rounds[AT].conversions
    record = dataclasses.replace(rounds[AT], conversions=NO_CONVERSIONS)
    forger.write(tmp_path / "none", header, [*rounds[:AT], record, *rounds[AT + 1 :]])
    assert verify(tmp_path / "none").first_bad == AT
    labels = given.offers.copy()
    labels[[0, 1, 3, 4], CONVERSION_FIELDS.index("group")] = 1
    labels[:, CONVERSION_FIELDS.index("owner")] = 2
    torn = dataclasses.replace(given, offers=labels)
    record = dataclasses.replace(rounds[AT], conversions=torn)
    forger.write(tmp_path / "torn", header, [*rounds[:AT], record])
    assert "group 1 stands already" in verify(tmp_path / "torn").reason


def with_offers(given: Converted, rows: list[int], **columns: object) -> Converted:
    """Some rows of the offers, some of their columns altered; nothing of them ran."""
    offers = given.offers[rows].copy()
    for name, values in columns.items():
        offers[:, CONVERSION_FIELDS.index(name)] = values
    k = len(rows)
    return Converted(
        offers, np.zeros(k, np.int64), np.zeros((k, 2), np.int64), np.zeros(k, np.int64)
    )


NUMBERS = 10**6 + np.arange(17)
TOO_MUCH = {
    "more than 16": (
        lambda given: with_offers(given, [0] * 17, sequence=NUMBERS, owner=2, most=1),
        "conversion 16: organization has 16 conversions in this round already",
    ),
    "flow of one": (
        lambda given: with_offers(
            given, [0, 0, 0], sequence=NUMBERS[:3], owner=[2, 1, 2], most=10**8,
            electricity=-100_000, heat=100_000,
        ),
        "conversion 2: max 100000000 is too much with what stands already",
    ),
    "a group in two parts": (
        lambda given: with_offers(
            given, [0] * 5, sequence=NUMBERS[:5], owner=2, group=[1, 1, 3, 3, 1]
        ),
        "conversion 4: group 1 has one conversion only",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_the_operator_must_have_refused_is_found(recorded, tmp_path, name) -> None:
    make, says = TOO_MUCH[name]
    _, header, rounds = recorded
    record = dataclasses.replace(rounds[AT], conversions=make(rounds[AT].conversions))
    forger.write(tmp_path / "l", header, [*rounds[:AT], record])
    found = verify(tmp_path / "l")
    assert not found and found.first_bad == AT and says in found.reason


def test_the_cost_of_one_in_a_large_market_is_bounded(recorded) -> None:
    _, _, rounds = recorded
    header = LedgerHeader.of([Organization(f"o{n}") for n in range(60)], {}, 0)
    check = ConversionCheck(header, coupled=True)
    _, most = flow_limits(header.accounts)
    count = most // 10**16
    given = rounds[AT].conversions
    dear = {"owner": 2, "most": 10**8, "cost": 10**8, "electricity": -1, "heat": 1}
    for extra, says in ((0, None), (1, f"conversion {count}: max 100000000 is too much")):
        k = count + extra
        offers = with_offers(given, [0] * k, sequence=NUMBERS[:k] + 100 * extra, **dear)
        accounts = np.zeros(header.accounts, np.int64)
        record = dataclasses.replace(rounds[AT], accounts=accounts, conversions=offers)
        fault = check.fault(record)
        assert fault is None if says is None else fault.startswith(says)


def test_the_most_that_the_operator_takes_passes(tmp_path) -> None:
    """The same figures, one less of each, from a market."""
    members = [Organization("pump"), Organization("grid", priority=1)]
    rules = Rules(clearing="coupled")
    capability = Capability()
    market = MarketController(members, capability, rules=rules)
    header = LedgerHeader.of(members, rules.to_dict(), 0)
    flow, _ = flow_limits(header.accounts)
    with Ledger.create(tmp_path / "l", header) as ledger:
        market.listen(ledger)
        big = {"electricity": -100_000, "heat": 100_000, "cost": 0, "max": 10**8}
        half = {"electricity": -1_000, "heat": 1_000, "cost": 0, "group": 7}
        for _ in range(2):
            for _ in range(flow // (200_000 * 10**8)):
                market.submit_conversion(ConversionOffer("pump", **big))
            with pytest.raises(OfferError, match="too much with what stands already"):
                market.submit_conversion(ConversionOffer("pump", **big))
            room = 16 - flow // (200_000 * 10**8)
            market.submit_conversion(
                *(ConversionOffer("pump", **half, max=n + 1) for n in range(room))
            )
            market.close_round(capability)
    assert verify(tmp_path / "l").rounds == 2


def test_numbers_are_given_once(recorded, tmp_path) -> None:
    """Orders and conversions are numbered together, round after round."""
    _, header, rounds = recorded
    given = rounds[AT].conversions
    column = given.column("sequence")
    order = int(rounds[AT].heat.column("sequence")[3])
    early = int(rounds[AT - 1].conversions.column("sequence")[-1])
    for numbers, says in (
        ([order, *column[1:]], f"sequence of conversion 0 is {order}, which an order has, too"),
        ([early, *column[1:]], f"sequence of conversion 0 is {early}, not above "),
        ([0, *column[1:]], "sequence of conversion 0 is 0, not above "),
    ):
        offers = given.offers.copy()
        offers[:, CONVERSION_FIELDS.index("sequence")] = numbers
        offers = offers[np.argsort(numbers)]
        record = dataclasses.replace(given, offers=offers)
        record = dataclasses.replace(rounds[AT], conversions=record)
        forger.write(tmp_path / "l", header, [*rounds[:AT], record])
        found = verify(tmp_path / "l")
        assert found.first_bad == AT and says in found.reason


def test_separate_rules_allow_no_conversions(recorded, tmp_path) -> None:
    _, header, rounds = recorded
    plain = dataclasses.replace(header, rules=canonical_json(Rules().to_dict()))
    forger.write(tmp_path / "l", plain, rounds)
    assert "the rules clear the books separately" in verify(tmp_path / "l").reason


def test_arrays_of_another_shape_are_not_written(recorded) -> None:
    _, header, rounds = recorded
    given = rounds[AT].conversions
    for field, array in (
        ("delivered", given.delivered[:, :1]),
        ("earns", given.earns.astype(np.int32)),
        ("offers", given.offers[:3]),
    ):
        record = dataclasses.replace(
            rounds[AT], conversions=dataclasses.replace(given, **{field: array})
        )
        with pytest.raises(ValueError, match=f"conversions' {field} must be int64 of shape"):
            encode_round(record, header.accounts)
