"""The figures of docs/trust.md at the size that every build can bear."""

import re
from pathlib import Path

from benchmarks import bench_trust

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


def test_the_page_names_the_commands_and_what_they_found():
    page = PAGE.read_text()
    for what in bench_trust.COMMANDS:
        assert re.search(rf"bench_trust {what}[^|]*\|[^|]*\b0\b", page), what
