"""The figures of docs/trust.md at the size that every build can bear."""

import os
import re
from pathlib import Path

from benchmarks import bench_trust, crashes, same_heads
from benchmarks.check_mechanisms import oracle_of
from decent_gym.ledger.scan import Scan

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"


def test_no_edit_is_accepted_as_the_same_head():
    found = bench_trust.edits(trials=500, every_bit=499)
    assert found["unseen"] == 0
    assert found["bits flipped"] > 500 and found["random edits"] > 490


def test_the_count_of_edits_can_fail(monkeypatch):
    """A reader that does not look is found out."""
    head = iter([b"same"] * 10_000)
    monkeypatch.setattr(bench_trust, "_head", lambda folder: next(head))
    found = bench_trust.edits(trials=10, every_bit=100_000)
    assert found["unseen"] == found["bits flipped"] + found["random edits"] > 0


def test_no_rollback_passes_a_held_checkpoint():
    found = bench_trust.rollback(trials=40, rounds=24)
    assert [found[f"unseen by {who}"] for who in ("verify", "the witness", "a proof")] == [0, 0, 0]
    assert min(found[kind] for kind in ("rolled back", "forked", "forked and longer")) > 3


def test_the_count_of_rollbacks_can_fail(monkeypatch):
    """An honest ledger is no rollback, and everybody accepts it."""
    monkeypatch.setattr(bench_trust, "_cheated", lambda rng, kind, records, size: records)
    found = bench_trust.rollback(trials=3, rounds=12)
    assert [found[f"unseen by {who}"] for who in ("verify", "the witness", "a proof")] == [3, 3, 3]


def test_no_killed_writer_loses_an_acknowledged_round():
    found = bench_trust.kills(trials=200)
    assert found["kills"] == 200
    assert [count for name, count in found.items() if name.startswith("unseen")] == [0, 0, 0]
    assert found["whole ledgers"] > 5 and found["rounds on the disk that nobody was told of"] > 20


def test_the_count_of_lost_rounds_can_fail(monkeypatch):
    """A ledger that loses its last two records."""
    resumed = crashes._resumed

    def forgetful(folder):
        path = folder / crashes.SEGMENT
        sizes = [len(record.body) + 64 for record in Scan(folder)] if path.exists() else []
        if len(sizes) > 3:
            os.truncate(path, sum(sizes[:-2]))
        for checkpoint in folder.glob("checkpoint-*"):
            checkpoint.unlink()
        return resumed(folder)

    monkeypatch.setattr(crashes, "_resumed", forgetful)
    assert bench_trust.kills(trials=30)["unseen: rounds lost that were acknowledged"] > 0


def test_a_ledger_cut_at_any_byte_is_recovered_exactly():
    found = bench_trust.tails(100, size=(1, 2))
    assert found["unseen: recovered wrongly"] == 0
    assert found["cuts"] == found["bytes"] > 50_000


def test_the_count_of_wrong_recoveries_can_fail(monkeypatch):
    """A reader that takes a torn record for none, and one that drops a whole one."""
    resumed = crashes._resumed
    for wrong in (lambda n, head, torn: (n, head, 0), lambda n, head, torn: (n - 1, head, torn)):
        monkeypatch.setattr(
            crashes, "_resumed", lambda folder, wrong=wrong: wrong(*resumed(folder))
        )
        assert bench_trust.tails(2, size=(1, 2))["unseen: recovered wrongly"] > 300


def test_a_hundred_thousand_books_are_cleared_as_by_hand():
    """The default mechanism here; 50,000 books of each other one in ``tests/clearing``."""
    found = bench_trust.clearing(52_000, names=["merit_order"])
    assert found["unseen: books that differ"] == 0 and found["books of merit_order"] >= 10**5


def test_the_count_of_books_that_differ_can_fail(monkeypatch):
    monkeypatch.setattr(bench_trust, "oracle_of", lambda name: oracle_of("pay_as_bid"))
    assert bench_trust.clearing(50, names=["merit_order"])["unseen: books that differ"] > 0


def test_every_way_to_run_gives_the_same_heads():
    found = bench_trust.same(10_000)
    assert (found["unseen"], found["rounds"]) == (0, 10_000)
    assert found["not compiled"] == found["2 threads"] == "the same"


def test_the_count_of_other_heads_can_fail(monkeypatch):
    monkeypatch.setattr(
        same_heads, "ways", lambda _: {str(n): (["python"], {"THREADS": str(n)}) for n in (1, 2)}
    )
    monkeypatch.setattr(same_heads, "_run", lambda python, rounds, more: [more["THREADS"]])
    found = bench_trust.same(8)
    assert (found["unseen"], found["1"], found["2"]) == (1, "the same", "OTHER HEADS")


def test_the_page_names_the_commands_and_what_they_found():
    page = PAGE.read_text()
    for what in bench_trust.COMMANDS:
        assert re.search(rf"bench_trust {what}[^|]*\|[^|]*\b0\b", page), what
