"""Recorded wishes and certificates: read back, cleared again, and every edit found."""

import dataclasses

import numpy as np
import pytest
from oracles import forger, ledger_format

from decent_gym import Commodity, MarketController, Offer, Organization, Side, Source, Wish
from decent_gym.audit import verify
from decent_gym.clearing import Rules
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.header import canonical_json
from decent_gym.market import Capability
from decent_gym.models import NO_ORIGIN, NO_WISHES, WISH_FIELDS
from decent_gym.testing import check_ledger

ELECTRICITY, HEAT = Commodity
MEMBERS = [Organization(name) for name in ("roof", "farm", "green", "plain")]
RULES = Rules("preference", utility=None)
AT = 1


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Three rounds: wishes that live on, in one book, in both, in none."""
    folder = tmp_path_factory.mktemp("wishes") / "ledger"
    capability = Capability()
    market = MarketController(MEMBERS, capability, rules=RULES)
    both = Source(local=True, renewable=True)

    def offer(who, side, energy, price, commodity=ELECTRICITY, **wish):
        market.submit(Offer(who, side, commodity, energy, price, **wish))

    header = LedgerHeader.of(MEMBERS, RULES.to_dict(), 0)
    with Ledger.create(folder, header) as ledger:
        market.listen(ledger)
        soft = Wish(renewable=True, premium=250)
        market.submit(
            Offer(
                "green", Side.BUY, ELECTRICITY, 500, 80, valid_until=3, max_per_round=120, wish=soft
            )
        )
        for number in range(3):
            offer("roof", Side.SELL, 50, 10, source=both)
            offer("farm", Side.SELL, 100, 10)
            if number < 2:
                offer("plain", Side.BUY, 60, 60, wish=Wish(partner="farm"))
                offer("plain", Side.BUY, 20, 85, wish=Wish(local=True))
            if number == AT:
                offer("farm", Side.SELL, 30, 12, HEAT, source=Source(local=True))
                offer("roof", Side.SELL, 30, 20, HEAT)
                soft = Wish(local=True, premium=500)
                offer("green", Side.BUY, 40, 11, HEAT, wish=soft)  # 16 for local heat
            market.close_round(capability)
    return folder, *forger.read(folder)


def test_what_was_recorded_clears_again(recorded) -> None:
    folder, header, rounds = recorded
    assert verify(folder) and check_ledger(folder).rounds == 3
    assert [len(r.electricity.wishes) for r in rounds] == [5, 5, 3]
    assert [len(r.heat.wishes) for r in rounds] == [0, 3, 0]
    heat = rounds[AT].heat
    assert heat.pays[2] > 11 * heat.accepted[2] > 0 and heat.limits_passed == 0
    for record in rounds:
        body = encode_round(record, header.accounts)
        assert encode_round(decode_round(body, header.accounts), header.accounts) == body
        for book in record.books:
            assert (book.origin.sum(axis=1) == book.accepted[: len(book.origin)]).all()


def test_a_second_reader_finds_the_same_columns(recorded) -> None:
    folder, _, rounds = recorded
    records, head, _ = ledger_format.read_ledger((folder / forger.SEGMENT).read_bytes())
    assert head == verify(folder).head
    for read, record in zip(records[1:], rounds, strict=True):
        columns = [
            column
            for book in record.books
            for column in (*book.wishes.T.tolist(), *book.origin.T.tolist())
        ]
        assert list(read["wishes"].values()) == columns


def changed(rounds, field, row, value, at=AT, book="electricity"):
    """The rounds with one entry altered."""
    name, column = field
    array = getattr(getattr(rounds[at], book), name).copy()
    array[row, column] = value
    return [*rounds[:at], forger.edited(rounds[at], **{book: {name: array}}), *rounds[at + 1 :]]


@pytest.mark.parametrize(
    ("field", "row", "value", "says"),
    [
        (("wishes", 0), 1, 0, ""),  # green energy sold as plain
        (("wishes", 0), 2, 3, ""),  # plain energy sold as green
        (("wishes", 0), 2, 4, ": attributes {} must be 0 (any)"),
        (("wishes", 0), 2, -1, ": attributes {} must be 0 (any)"),
        (("wishes", 1), 4, 0, ""),  # hard made soft
        (("wishes", 1), 4, 1001, ": premium 1001 must be"),
        (("wishes", 1), 1, 0, ": premium 0 must be"),  # a sell's
        (("wishes", 1), 3, 0, ": premium 0 must be"),  # of a wish for a partner alone
        (("wishes", 2), 3, 0, ""),
        (("wishes", 2), 3, 3, ": partner {} must be the account index of another"),
        (("wishes", 2), 3, 4, ": partner {} must be the account index of another"),
        (("wishes", 2), 3, -2, ": partner {} must be the account index of another"),
        (("wishes", 0), 0, 1, "attributes of order 0 is {}, was "),
        (("wishes", 1), 0, 10, "premium of order 0 is {}, was "),
        (("wishes", 1), 0, -1, "premium of order 0 is {}, was "),
        (("wishes", 2), 0, 1, "partner of order 0 is {}, was "),
        (("origin", 3), 1, 49, "electricity origin 3 of order 1 is 49, clearing again gives 50"),
        (("origin", 0), 3, 1, "electricity origin 0 of order 3"),
    ],
)
def test_an_edit_is_found(recorded, tmp_path, field, row, value, says) -> None:
    _, header, rounds = recorded
    head = forger.write(tmp_path / "l", header, changed(rounds, field, row, value))
    found = verify(tmp_path / "l")
    assert not found and found.first_bad == AT and says.format(value) in found.reason
    assert verify(tmp_path / "l", reclear=False, expected_head=head)


def test_wishes_taken_out_or_given_to_others_are_found(recorded, tmp_path) -> None:
    _, header, rounds = recorded
    none = {"wishes": NO_WISHES, "origin": NO_ORIGIN}
    for name, at in (("electricity", 0), ("electricity", AT), ("heat", AT)):
        edit = forger.edited(rounds[at], **{name: none})
        forger.write(tmp_path / f"{name}{at}", header, [*rounds[:at], edit, *rounds[at + 1 :]])
        assert verify(tmp_path / f"{name}{at}").first_bad == at
    swapped = rounds[AT].electricity.wishes[[0, 2, 1, 3, 4]]
    edit = forger.edited(rounds[AT], electricity={"wishes": swapped})
    forger.write(tmp_path / "swapped", header, [*rounds[:AT], edit])
    assert verify(tmp_path / "swapped").first_bad == AT


def test_rules_that_read_no_wishes_allow_none(recorded, tmp_path) -> None:
    _, header, rounds = recorded
    plain = dataclasses.replace(header, rules=canonical_json(Rules(utility=None).to_dict()))
    forger.write(tmp_path / "l", plain, rounds)
    assert "electricity wishes, but the rules read none" in verify(tmp_path / "l").reason


def test_arrays_of_another_shape_or_without_a_wish_are_not_written(recorded) -> None:
    _, header, rounds = recorded
    book = rounds[AT].electricity
    nothing = np.tile(np.array([[0, -1, -1]]), (5, 1))
    for changes, says in (
        ({"wishes": book.wishes[:, :2]}, r"wishes must be int64 of shape \(5, 3\)"),
        ({"wishes": book.wishes.astype(np.int32)}, "wishes must be int64"),
        ({"wishes": book.wishes[:4]}, r"wishes must be int64 of shape \(5, 3\)"),
        ({"origin": NO_ORIGIN}, r"origin must be int64 of shape \(5, 4\)"),
        ({"wishes": NO_WISHES}, r"wishes must be int64 of shape \(5, 3\)"),
        ({"wishes": nothing}, "wishes must be left out where nobody has any"),
    ):
        with pytest.raises(ValueError, match=says):
            encode_round(forger.edited(rounds[AT], electricity=changes), header.accounts)
    assert book.wishes.shape[1] == len(WISH_FIELDS)
