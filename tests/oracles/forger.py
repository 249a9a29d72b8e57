"""Somebody who edits a ledger and hashes it all again, as its only writer could."""

import dataclasses

from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.hashing import GENESIS, link
from decent_gym.ledger.header import decode_header, encode_header
from decent_gym.ledger.scan import Scan

SEGMENT = "segment-000000.dgl"


def read(folder):
    """Header and rounds of a ledger."""
    header, *bodies = [bytes(record.body) for record in Scan(folder)]
    header = decode_header(header)
    return header, [decode_round(body, header.accounts) for body in bodies]


def write_bodies(folder, bodies):
    """A ledger of these record bodies, rightly hashed."""
    folder.mkdir(exist_ok=True)
    previous, data = GENESIS, b""
    for body in bodies:
        own = link(previous, body)
        data += bytes(body) + previous + own
        previous = own
    (folder / SEGMENT).write_bytes(data)
    return previous.hex()


def write(folder, header, rounds):
    """A ledger of these rounds, rightly hashed, whatever they say."""
    bodies = [encode_header(header), *(encode_round(r, header.accounts) for r in rounds)]
    return write_bodies(folder, bodies)


def edited(record, **changes):
    """A round with other fields; `electricity`, `heat` are dictionaries of the book's."""
    books = list(record.books)
    for index, name in enumerate(("electricity", "heat")):
        books[index] = dataclasses.replace(books[index], **changes.pop(name, {}))
    return dataclasses.replace(record, books=tuple(books), **changes)
