from pathlib import Path

from oracles import forger, ledger_format, tiny

from decent_gym.ledger import verify

PAGE = Path(__file__).parents[2] / "docs" / "ledger-format.md"


def example():
    """Lines of the example on the page."""
    return PAGE.read_text().split("```\n")[1].splitlines()


def test_the_example_is_the_tiny_ledger_annotated(tmp_path):
    forger.write(tmp_path / "l", tiny.HEADER, [tiny.tiny_round()])
    data = (tmp_path / "l" / forger.SEGMENT).read_bytes()
    assert example() == ledger_format.annotate(data)


def test_the_bytes_on_the_page_are_a_ledger(tmp_path):
    data = b""
    for line in example():
        assert int(line[:6]) == len(data)
        data += bytes.fromhex(line[8:56])
    (_, record), head, _ = ledger_format.read_ledger(data)
    assert record["electricity book"]["accepted"] == [900, 900]
    (tmp_path / forger.SEGMENT).write_bytes(data)
    assert verify(tmp_path, expected_head=head)
