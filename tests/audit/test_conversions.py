"""Recorded conversions: read back, cleared again, and every edit of consequence found."""

import dataclasses

import numpy as np
import pytest
from oracles import forger, ledger_format

from decent_gym import scenario
from decent_gym.audit import verify
from decent_gym.clearing import Rules
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.header import canonical_json
from decent_gym.models import CONVERSION_FIELDS, NO_CONVERSIONS, Converted
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
        ("group", 3, "of one conversion, or torn apart"),
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
    assert "torn apart" in verify(tmp_path / "torn").reason


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
