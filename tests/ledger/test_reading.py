"""The quick reader against the careful one, on everything that a body can be."""

import dataclasses
import random

import numpy as np
import pytest
from oracles import tiny
from oracles.rounds import header, rounds

from decent_gym.errors import LedgerError
from decent_gym.ledger import reading
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.frames import SECTION, RecordType, frame
from decent_gym.ledger.reading import read_round, read_time
from decent_gym.ledger.signed_section import SIGNED
from decent_gym.models import CONVERSION_FIELDS, Case, Converted, SignedOffers


def converting(record, count):
    """The same round with so many conversions."""
    rng = np.random.default_rng(count)
    ints = [rng.integers(-(10**6), 10**6, s) for s in ((count, len(CONVERSION_FIELDS)), (count, 2))]
    more = Converted(ints[0], ints[0][:, 1].copy(), ints[1], ints[1][:, 0].copy())
    return dataclasses.replace(record, conversions=more)


def wishing(record, *books):
    """The same round with wishes in these books."""
    rng = np.random.default_rng(7)
    made = list(record.books)
    for at in books:
        n = len(made[at].orders)
        wishes, origin = rng.integers(0, 3, (n, 3)), rng.integers(0, 10**5, (n, 4))
        made[at] = dataclasses.replace(made[at], wishes=wishes, origin=origin)
    return dataclasses.replace(record, books=tuple(made))


def signing(record, *lengths):
    """The same round with messages of these lengths."""
    signed = tuple(SignedOffers(n, bytes([n % 256]) * 64, b"m" * n) for n in lengths)
    return dataclasses.replace(record, signed=signed)


STAGES = [tiny.tiny_round()]
STAGES.append(converting(STAGES[-1], 2))
STAGES.append(wishing(STAGES[-1], 0))
STAGES.append(signing(STAGES[-1], 3, 40))
TINY, *_, RICH = (encode_round(stage, 5) for stage in STAGES)


def plain(one):
    """Everything in a record, arrays with type, shape and layout, to be compared by ``==``."""
    if dataclasses.is_dataclass(one):
        return [plain(getattr(one, field.name)) for field in dataclasses.fields(one)]
    if isinstance(one, tuple):
        return [plain(part) for part in one]
    if isinstance(one, np.ndarray):
        contiguous = one.flags.c_contiguous, one.flags.aligned
        return one.dtype.str, one.shape, contiguous, one.tolist()
    return type(one), one


def outcome(read, body, accounts=5):
    """What a reader makes of some bytes."""
    try:
        return read(body, accounts)
    except LedgerError as error:
        return str(error)


def agree(body, accounts=5):
    """Whether the bytes are a round; the three readers must say the same of them."""
    careful, quick = (plain(outcome(read, body, accounts)) for read in (decode_round, read_round))
    assert quick == careful
    is_good = careful[0] is not str
    time = outcome(read_time, body, accounts)
    assert time == ((careful[0][1], careful[1][1]) if is_good else careful[1])
    assert (reading._read(body, accounts) is not None) is is_good
    return is_good


def test_rounds_of_a_market_are_read_alike():
    head = header()
    for record in rounds(20, seed=5):
        for count in (0, 1, 3):
            more = converting(record, count)
            full = [c for c in (0, 1) if len(record.books[c].orders)]
            for special in (more, wishing(more, *full), wishing(more, *full[1:]), signing(more, 9)):
                assert agree(encode_round(special, head.accounts), head.accounts)
            body = encode_round(signing(wishing(more, *full[:1]), 1, 8_000), head.accounts)
            assert agree(body, head.accounts)
            assert agree(memoryview(body), head.accounts)
            for accounts in (head.accounts - 1, head.accounts + 1, 3):
                assert not agree(body, accounts)


@pytest.mark.parametrize(
    "values", [127, 128, -128, -129, 2**15, 2**31 - 1, -(2**31) - 1, 2**63 - 1]
)
def test_every_width_is_read_alike(values):
    record = tiny.tiny_round()
    money, actions = record.money.copy(), np.array([0, values, -1])
    money[1, 1] = values
    assert agree(encode_round(dataclasses.replace(record, money=money, actions=actions), 5))


def test_no_flipped_bit_is_read_otherwise():
    good = 0
    for at in range(len(RICH)):
        flipped = bytearray(RICH)
        flipped[at] ^= 1 << at % 8
        good += agree(bytes(flipped))
    assert 100 < good < len(RICH) - 100


def sections_of(body):
    """Tags and payloads."""
    found, at = [], 16
    while at < len(body):
        tag, size = SECTION.unpack_from(body, at)
        found.append([tag, body[at + 6 : at + 6 + size]])
        at += 6 + size
    return found


def vectors_of(payload):
    """Widths and values."""
    found, at = [], 0
    while at < len(payload):
        count, width = int.from_bytes(payload[at : at + 4], "little"), payload[at + 4]
        at += 5
        raw = [payload[at + i * width :][:width] for i in range(count)]
        found.append((width, [int.from_bytes(v, "little", signed=True) for v in raw]))
        at += count * width
    return found


def joined(vectors):
    """A payload; a value that its width cannot hold is cut off."""
    parts = []
    for width, values in vectors:
        size = max(width, 1)
        cut = [(v & (2 ** (8 * size) - 1)).to_bytes(size, "little") for v in values]
        parts += [len(values).to_bytes(4, "little"), bytes([width]), *cut]
    return b"".join(parts)


def disturbed_bytes(rng, payload):
    """Signed messages with a byte altered, missing or too many, or none at all."""
    at = rng.randrange(len(payload))
    return rng.choice(
        (
            payload[:at] + bytes([rng.randrange(256)]) + payload[at + 1 :],
            payload[:at] + payload[at + 1 :],
            payload[:at],
            payload + payload[:at],
            b"",
        )
    )


def disturbed(rng, body):
    """The body with one thing wrong, framed as if nothing were."""
    sections = sections_of(body)
    place = rng.randrange(len(sections))
    if sections[place][0] == SIGNED:
        sections[place][1] = disturbed_bytes(rng, sections[place][1])
        return frame(RecordType.ROUND, map(tuple, sections))
    vectors = vectors_of(sections[place][1])
    at = rng.randrange(len(vectors))
    width, values = vectors[at]
    match rng.randrange(10):
        case 0:  # another width, wide enough or not
            vectors[at] = rng.choice((0, 1, 2, 3, 4, 8, 9, 255)), values
        case 1:
            vectors[at] = width, [*values, rng.randrange(128)]
        case 2:
            vectors[at] = width, values[1:]
        case 3:
            vectors[at] = width, [rng.choice((0, 1, -1, 3, 4, 127, 200, -(2**31))) for _ in values]
        case 4:
            del vectors[at]
        case 5:
            vectors.insert(at, (1, [1] * rng.randrange(2)))
        case 6:
            vectors = [(1, []) for _ in vectors]
        case 7:
            sections[place][0] = rng.choice((*range(15), 99))
        case 8:
            sections.insert(place, list(rng.choice(sections)))
        case 9:
            del sections[place]
            return frame(RecordType.ROUND, map(tuple, sections))
    sections[place][1] = joined(vectors) + b"\0" * (rng.random() < 0.05)
    return frame(RecordType.ROUND, map(tuple, sections))


def test_no_disturbed_body_is_read_otherwise():
    rng, good = random.Random(3), 0
    for trial in range(3_000):
        good += agree(disturbed(rng, (TINY, RICH)[trial % 2]))
    assert 100 < good < 2_500


def test_a_cut_or_longer_body_is_read_by_nobody():
    wholes = [len(encode_round(stage, 5)) for stage in STAGES[:-1]]
    for body in (TINY, RICH):
        inner = body[16:]
        for size in {*range(0, len(inner), 7), *(whole - 16 for whole in wholes)}:
            if size >= len(inner):
                continue
            short = frame(RecordType.ROUND, [])[:16] + inner[:size]
            length = len(short) + 64
            head = (
                short[:4]
                + length.to_bytes(4, "little")
                + (length ^ 2**32 - 1).to_bytes(4, "little")
            )
            found = agree(head + short[12:])
            assert found == (body is RICH and size + 16 in wholes)
        assert not agree(frame(RecordType.ROUND, [*map(tuple, sections_of(body)), (11, b"")]))
    assert not agree(b"DGLR")
    assert not agree(b"")


def test_a_section_in_no_table_is_left_to_the_careful_reader(monkeypatch):
    monkeypatch.setattr(reading, "decode_round", lambda body, accounts: (body, accounts))
    more = frame(RecordType.ROUND, [*map(tuple, sections_of(RICH)), (99, b"what comes later")])
    assert read_round(more, 5) == (more, 5)
    rich = read_round(RICH, 5)
    assert rich.conversions.activity.shape == (2,) and len(rich.signed) == 2
    assert rich.electricity.wishes.shape == (2, 3) and not len(rich.heat.wishes)


@pytest.mark.parametrize(
    "wishes", [[], [[0, -1, -1]], [[0, -1, -1]] * 2, [[0, -1, -1]] * 3, [[0, -1, -1], [1, -1, -1]]]
)
def test_wishes_are_those_of_a_book_and_some_at_least(wishes):
    columns = np.array(wishes, np.int64).reshape(-1, 3).T.tolist()
    book = [(1, column) for column in (*columns, *([0] * len(wishes) for _ in range(4)))]
    payload = joined([*book, *[(1, [])] * 7])
    body = frame(RecordType.ROUND, [*map(tuple, sections_of(TINY)), (12, payload)])
    assert agree(body) == (wishes == [[0, -1, -1], [1, -1, -1]])


def test_a_book_has_a_known_case():
    record = tiny.tiny_round()
    for case in range(-1, 6):
        odd = dataclasses.replace(record.heat, case=max(0, min(case, 3)))
        body = bytearray(
            encode_round(dataclasses.replace(record, books=(record.electricity, odd)), 5)
        )
        heat = next(section for section in sections_of(body) if section[0] == 4)[1]
        body[body.index(heat) + 7] = case & 255
        assert agree(bytes(body)) == (case in list(Case))
