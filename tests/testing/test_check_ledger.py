"""A ledger against the laws: what `verify` passes because it clears with the same wrong program."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oracles import forger
from oracles.forger import edited
from oracles.rounds import header, rounds

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules
from decent_gym.clearing.totals import write_totals
from decent_gym.errors import InputError
from decent_gym.ledger import Ledger, LedgerHeader, verify
from decent_gym.ledger.encoding import encode_round
from decent_gym.market import Capability, MarketController
from decent_gym.models import Commodity, Offer, Organization, Reason, Side
from decent_gym.testing import BrokenLedgerError, check_ledger
from decent_gym.testing import ledger as module


def test_a_good_ledger(tmp_path: Path) -> None:
    records = rounds(12, seed=3)
    head = forger.write(tmp_path / "l", header(), records)
    report = check_ledger(tmp_path / "l", expected_head=head)
    assert report and (report.rounds, report.verification.head) == (12, head)
    assert report.orders == sum(len(book.orders) for r in records for book in r.books) > 50
    assert {"canonical", "sums", "reasons", "energy", "limits", "prices"} <= set(report.laws)
    assert str(report).startswith("ok: 12 rounds, ") and report.unexplained == 0


def test_what_does_not_verify_is_told_as_verify_tells_it(tmp_path: Path) -> None:
    records = rounds(6, seed=3)
    book = records[4].electricity
    records[4] = edited(records[4], electricity={"volume": book.volume + 1})
    forger.write(tmp_path / "l", header(), records)
    with pytest.raises(BrokenLedgerError, match="NOT ok: verify: round 4: electricity volume") as e:
        check_ledger(tmp_path / "l")
    assert not e.value.report and e.value.report.verification == verify(tmp_path / "l")
    assert pickle.loads(pickle.dumps(e.value)).report == e.value.report
    with pytest.raises(InputError, match="no ledger"):
        check_ledger(tmp_path / "elsewhere")


def market(folder: Path, rules: Rules) -> None:
    """Two neighbours trade; a third stays out, waits, and takes its offer back after a round."""
    key = Capability()
    members = [Organization(name) for name in ("farm", "bakery", "school")]
    controller = MarketController([*members, Organization("main", priority=1)], key, rules=rules)
    head = LedgerHeader.of(controller.operator.organizations, rules.to_dict(), 0, seed=0, world=0)
    with Ledger.create(folder, head) as ledger:
        controller.listen(ledger)
        power = Commodity.ELECTRICITY
        controller.submit(Offer("farm", Side.SELL, power, 9, 80_000))
        controller.submit(Offer("bakery", Side.BUY, power, 6, 200_000))
        low = controller.submit(Offer("school", Side.BUY, power, 3, 10, valid_until=9))
        controller.close_round(key)
        controller.withdraw("school", low)
        controller.close_round(key)


def test_an_order_that_left_without_a_reason_is_counted(tmp_path: Path) -> None:
    market(tmp_path / "l", Rules(utility=None))
    report = check_ledger(tmp_path / "l")
    assert (report.rounds, report.orders, report.unexplained) == (2, 3, 1)
    assert "1 left without a recorded reason" in str(report)


def test_where_the_utility_serves_the_rest_the_books_do_not_balance_alone(tmp_path: Path) -> None:
    market(tmp_path / "l", Rules("mcafee", utility="residual"))
    report = check_ledger(tmp_path / "l")
    assert "limits" in report.laws and "energy" not in report.laws


@pytest.mark.parametrize(
    ("law", "break_it"),
    [
        ("limits", lambda accepted, pays: np.copyto(pays, 2 * pays)),
        ("energy", lambda accepted, pays: np.copyto(accepted, accepted // 2 + (pays > 0))),
        ("idle", lambda accepted, pays: np.copyto(accepted, 0 * accepted)),
    ],
)
def test_a_wrong_mechanism_confirms_itself_but_breaks_a_law(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    law: str,
    break_it: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    right = MECHANISMS["pay_as_bid"]

    def clear(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
        right.clear(books, rules, outcome, first, last)
        break_it(outcome.accepted[first:last], outcome.pays[first:last])
        write_totals(books, outcome, first, last)

    monkeypatch.setattr(MECHANISMS, "_entries", dict(MECHANISMS._entries))
    MECHANISMS.add("mine", replace(right, name="mine", clear=clear))
    market(tmp_path / "l", Rules("mine", utility=None))
    assert verify(tmp_path / "l")
    with pytest.raises(BrokenLedgerError, match=f"NOT ok: {law}: round 0, electricity: not so"):
        check_ledger(tmp_path / "l")


def test_reasons_must_fit_the_energies_and_the_window() -> None:
    record = rounds(12, seed=3)[6]
    book = record.electricity
    assert list(module._wrong_reasons(book, record)) == []
    for i in range(len(book.orders)):
        left = book.column("unsettled")[i] > book.accepted[i]
        wrong = {Reason.WITHDRAWN, Reason.REPLACED, Reason.REJECTED}
        wrong |= {Reason.FILLED} if left else set(Reason) - {Reason.FILLED}
        for reason in wrong:
            values = book.reason.copy()
            values[i] = reason
            (fault,) = module._wrong_reasons(replace(book, reason=values), record)
            assert fault.startswith(f"order {i} is {reason.name}, with {book.accepted[i]} of ")


def test_other_bytes_or_sums_than_the_record_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `verify` would have refused; so the check itself is asked."""
    records = rounds(3, seed=3)
    body = encode_round(records[0], 8)
    assert list(module._Looked(header()).faults(body)) == []
    money = records[0].money.copy()
    money[0, 0] += 1
    (fault,) = module._Looked(header()).faults(encode_round(edited(records[0], money=money), 8))
    assert fault == "sums: round 0: money or accounts do not sum to 0"
    monkeypatch.setattr(module, "encode_round", lambda record, accounts: body + b"0")
    (fault,) = module._Looked(header()).faults(body)
    assert fault == "canonical: round 0 is not the encoding of what it says"
