import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import ledger_format, tiny
from oracles.forger import edited
from oracles.rounds import header, rounds

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.frames import RecordType, frame, split
from decent_gym.ledger.hashing import GENESIS, link
from decent_gym.ledger.header import canonical_json, decode_header, encode_header, parse_json
from decent_gym.ledger.reading import read_round, read_time
from decent_gym.ledger.vectors import FRAMING_BYTES, pack, unpack
from decent_gym.models import Case, ClearedBook, Organization, Round

INT64 = st.integers(-(2**63), 2**63 - 1)
EDGES = st.sampled_from(
    [sign * 2**bits + step for bits in (7, 15, 31) for sign in (-1, 1) for step in (-1, 0)]
    + [-(2**63), 2**63 - 1]
)


def same(one, other):
    """Equal in every field, array or not."""
    if isinstance(one, Round | ClearedBook):
        return all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


def arrays(*shape):
    return hnp.arrays(np.int64, shape, elements=st.one_of(EDGES, INT64, st.just(0)))


@st.composite
def books(draw):
    n = draw(st.integers(0, 4))
    orders = draw(arrays(n, 12))
    price = st.one_of(st.none(), INT64)
    return ClearedBook(
        orders, np.minimum(orders[:, 6], orders[:, 11]), draw(arrays(n)), draw(arrays(n)),
        draw(arrays(n)), draw(INT64), draw(price), draw(price), draw(price), draw(INT64),
        draw(st.sampled_from(Case)),
    )  # fmt: skip


@st.composite
def any_round(draw):
    n = draw(st.integers(0, 3))
    return n + 3, Round(
        draw(INT64), draw(INT64), (draw(books()), draw(books())), draw(arrays(2, 4)),
        draw(arrays(n + 3, 2)), draw(arrays(n + 3, 2)), draw(arrays(n)), draw(arrays(4, n + 3)),
        draw(arrays(n + 3)), draw(arrays(draw(st.integers(0, 3)))),
    )  # fmt: skip


@given(any_round())
def test_every_round_of_integers_comes_back_as_it_went(case):
    accounts, record = case
    assert same(decode_round(encode_round(record, accounts), accounts), record)


@given(hnp.arrays(np.int64, st.integers(0, 9), elements=st.one_of(EDGES, st.integers(-300, 300))))
def test_a_vector_takes_the_narrowest_width(values):
    out = np.full(8 * len(values) + FRAMING_BYTES, 77, np.uint8)
    end = pack(np.array([9]), np.array([len(values)]), values, out, 0)
    reader = ledger_format.Reader(out[6:end].tobytes())
    assert reader.vector("") == values.tolist()
    assert out[:6].tobytes() == (9).to_bytes(2, "little") + (end - 6).to_bytes(4, "little")
    assert np.array_equal(unpack(memoryview(out[6:end].tobytes()), 1)[0], values)


def test_the_reader_written_from_the_documentation_agrees():
    head, records = header(), rounds(20, seed=5)
    ledger = Ledger(head)
    data = encode_header(head) + GENESIS + link(GENESIS, encode_header(head))
    for record in records:
        body = encode_round(record, head.accounts)
        data += body + bytes.fromhex(ledger.head)
        ledger.on_round(record)
        data += bytes.fromhex(ledger.head)
    read, found, _ = ledger_format.read_ledger(data)
    assert found == ledger.head
    assert read[0]["organizations"][-1] == ["utility", 1]
    for plain, record in zip(read[1:], records, strict=True):
        assert plain["time"]["number, timestamp"] == [record.number, record.timestamp]
        assert list(plain["money"].values()) == record.money.tolist()
        for name, book in zip(("electricity book", "heat book"), record.books, strict=True):
            columns = [plain[name][c] for c in ledger_format.ORDER_COLUMNS]
            assert columns[:12] == book.orders.T.tolist()
            assert columns[12:] == [a.tolist() for a in (book.accepted, book.pays, book.reason)]
            assert plain[name]["clearing price"] == ([] if book.price is None else [book.price])


def test_a_record_of_62_offers_takes_about_3_kilobytes():
    record = rounds(6, seed=1, organizations=20, offers=19)[5]
    offers = sum(len(book.orders) for book in record.books)
    size = len(encode_round(record, 23))
    assert 2_800 <= size * 62 / offers <= 3_900


def test_the_header_comes_back_as_it_went():
    head = header(seed=2**63 - 1, world=3, scenario=bytes(range(32)), operator_key=b"k" * 32)
    assert decode_header(encode_header(head)) == head
    assert head.accounts == 8


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scenario", b"short"),
        ("operator_key", "0" * 32),
        ("start", 1),
        ("start", -900),
        ("start", 1.0),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", True),
        ("world", -1),
        ("rules_version", 0),
        ("rules", b"[]"),
        ("rules", b'{"b":1,"a":2}'),
        ("rules", b'{"a":1,"a":1}'),
        ("rules", b'{"a": 1}'),
        ("rules", b'{"a":1.5}'),
        ("rules", b'{"a":NaN}'),
        ("rules", b'{"a":9007199254740992}'),
        ("rules", b"[" * 100_000),
        ("rules", b'{"a":"\xff"}'),
        ("rules", {}),
        ("names", ("a", "a")),
        ("names", ("a", "b/c")),
        ("names", ("a",)),
        ("priorities", (0, 2)),
        ("priorities", (0, True)),
    ],
)
def test_a_header_refuses(field, value):
    fields = {"names": ("a", "b"), "priorities": (0, 1), "rules": b"{}", "start": 0}
    LedgerHeader(**fields)
    with pytest.raises(InputError):
        LedgerHeader(**{**fields, field: value})


def test_rules_are_written_in_one_way_only():
    assert canonical_json({"b": [1, None, "é"], "a": True}) == b'{"a":true,"b":[1,null,"\\u00e9"]}'
    for value in (1.0, {1: 2}, (1,), float("nan"), object(), 2**53):
        with pytest.raises(InputError):
            canonical_json(value)
    assert parse_json(b'{"a":-9007199254740991}') == {"a": -(2**53 - 1)}


@pytest.mark.parametrize(
    "changes",
    [
        {"traded": np.zeros((5, 2), np.int64)},
        {"money": np.zeros((4, 7), np.int64)},
        {"accounts": np.zeros(8)},
        {"actions": np.zeros(2, np.float32)},
        {"unserved": np.zeros(8, np.int64)},
        {"number": 2**63},
        {"number": "4"},
        {"electricity": {"accepted": np.zeros(1, np.int64)}},
        {"electricity": {"offered": np.zeros(16, np.int64)}},
        {"heat": {"volume": 2**70}},
        {"heat": {"price": 0.5}},
        {"heat": {"case": 9}},
    ],
)
def test_a_round_that_does_not_fit_is_refused_and_changes_nothing(changes):
    records = rounds(4, seed=5)
    ledger = Ledger(header())
    for record in records[:3]:
        ledger.on_round(record)
    before = ledger.head, ledger.rounds
    with pytest.raises(InputError):
        ledger.on_round(edited(records[3], **changes))
    assert (ledger.head, ledger.rounds) == before
    ledger.on_round(records[3])


def test_a_round_has_a_book_a_commodity():
    record = rounds(1, seed=5)[0]
    for books in (record.books[:1], record.books * 2):
        with pytest.raises(InputError, match=f"needs 2 books, one a commodity, got {len(books)}"):
            Ledger(header()).on_round(dataclasses.replace(record, books=books))


def resized(body, at, remove, insert):
    """`body` with other bytes at `at`, its record length put right."""
    body = body[:at] + insert + body[at + remove :]
    length = len(body) + 64
    return (
        body[:4]
        + length.to_bytes(4, "little")
        + (~length & 0xFFFFFFFF).to_bytes(4, "little")
        + body[12:]
    )


BODY = encode_round(tiny.tiny_round(), 5)
U32 = 2**32 - 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"XXXX" + BODY[4:], "magic"),
        (BODY[:14] + b"\2\0" + BODY[16:], "format version 2"),
        (BODY[:12] + b"\4\0" + BODY[14:], "record type 4"),
        (BODY[:12] + b"\1\0" + BODY[14:], "HEADER"),
        (BODY[:-1], "length"),
        (BODY + b"\0", "length"),
        (resized(BODY, len(BODY), 0, b"\0"), "follow the last section"),
        (resized(BODY, len(BODY) - 11, 11, b""), "section 10 is missing"),
        (resized(BODY, 16, 2, b"\2\0"), "section 2 stands where section 1"),
        (resized(BODY, 18, 4, U32.to_bytes(4, "little")), "4294967295 bytes"),
        (resized(BODY, 22, 4, U32.to_bytes(4, "little")), "4294967295 values"),
        (resized(BODY, 26, 1, b"\3"), "width 3"),
        (resized(BODY, 26, 1, b"\0"), "width 0"),
        (resized(BODY, 22, 4, bytes([1, 0, 0, 0])), "follow the last vector"),
    ],
)
def test_the_decoder_refuses(body, words):
    for read in (decode_round, read_round, read_time):
        with pytest.raises(LedgerError, match=words):
            read(body, 5)


def test_one_value_has_one_encoding():
    time = BODY[22:35]
    assert time[:5] == bytes([2, 0, 0, 0, 4])
    wide = (
        bytes([2, 0, 0, 0, 8]) + (4).to_bytes(8, "little") + (1_577_840_400).to_bytes(8, "little")
    )
    body = resized(BODY, 18, 17, len(wide).to_bytes(4, "little") + wide)
    split(body, RecordType.ROUND, range(1, 11))
    for read in (decode_round, read_round, read_time):
        with pytest.raises(LedgerError, match="canonical"):
            read(body, 5)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_noise_is_refused_without_another_error(noise):
    framed = frame(RecordType.ROUND, [(tag, noise) for tag in range(1, 11)])
    for body in (noise.ljust(16, b"\0"), framed, BODY[: 40 + len(noise)] + noise):
        for read in (decode_round, read_round, read_time):
            with pytest.raises(LedgerError):
                read(body, 5)
        with pytest.raises(LedgerError):
            decode_header(body)


def test_headers_that_are_json_but_nonsense_are_refused():
    good = encode_header(tiny.HEADER)
    sections = dict(enumerate(map(bytes, split(good, RecordType.HEADER, range(1, 6))), start=1))
    for members in (
        b"[]x",
        b"{}",
        b"[1]",
        b'[["a"]]',
        b'[["a",0,0]]',
        b"[[0,0]]",
        b'{"ab":0}',
        b'[["a",0.0]]',
        b'[["a",0],["a",0]]',
        b'[["a",true]]',
    ):
        with pytest.raises(LedgerError):
            decode_header(frame(RecordType.HEADER, {**sections, 4: members}.items()))


def test_priorities_and_names_follow_the_organizations():
    head = LedgerHeader.of([Organization("b", priority=1), Organization("a")], {}, 0)
    assert (head.names, head.priorities) == (("b", "a"), (1, 0))
    same = [Organization("b", priority=np.int64(1)), Organization("a")]
    assert Ledger(LedgerHeader.of(same, {}, 0)).head == Ledger(head).head
