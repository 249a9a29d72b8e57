"""What an operator could do to its own ledger: the tools of the cheat in the walk-through.

    python -m examples.cheat edit market edited --round 10147 --organization building_03
    python -m examples.cheat cut market again --records 17
    python -m examples.cheat favour market favoured --key operator --origin district.example/rural/2

``edit`` lets one trade cost a euro more; with ``--key`` it also hashes every later record again and
signs new checkpoints.  ``cut`` throws away what came after a checkpoint.  ``favour``
lets electricity trade a cent dearer than the rules say, from the first round, and books, hashes and
signs that rightly.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from decent_gym.ledger import Checkpoint, Checkpoints, Ledger, LedgerHeader, SigningKey
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.frames import TAIL_BYTES, RecordType
from decent_gym.ledger.header import decode_header
from decent_gym.ledger.scan import Scan
from decent_gym.ledger.segments import META, segment_path
from decent_gym.models import ClearedBook, Commodity, Money, Round, Side
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR, eur

ELECTRICITY = Commodity.ELECTRICITY
CENT = MICRO_EUR_PER_EUR // 100
"""Per kWh."""


def read(folder: Path) -> tuple[LedgerHeader, list[Round]]:
    """Header and rounds of a ledger."""
    records = list(Scan(folder))
    header = decode_header(records[0].body)
    bodies = [record.body for record in records if record.kind is RecordType.ROUND]
    return header, [decode_round(body, header.accounts) for body in bodies]


def sign_again(
    source: Path, target: Path, rounds: list[Round], key: SigningKey, origin: str | None
) -> None:
    """A ledger of these rounds, rightly hashed, signed wherever the one at `source` was."""
    header, _ = read(source)
    sizes = {checkpoint.size for checkpoint in read_checkpoints(source)}
    wanted = Checkpoints(every=2**31, key=key, origin=origin)
    with Ledger.create(target, header, checkpoints=wanted) as ledger:
        for size, record in enumerate(rounds, start=2):  # the header is the first record
            ledger.on_round(record)
            if size in sizes:
                ledger.checkpoint()


def edit(args: argparse.Namespace) -> str:
    """Let an organization pay a euro more for the electricity that it traded in a round."""
    source, target = Path(args.source), Path(args.target)
    header, rounds = read(source)
    at = next(n for n, record in enumerate(rounds) if record.number == args.round)
    book = rounds[at].books[ELECTRICITY]
    is_mine = book.column("owner") == header.names.index(args.organization)
    offer = int(np.flatnonzero(is_mine & (book.accepted > 0))[0])
    pays = book.pays.copy()
    pays[offer] += NANO_EUR_PER_EUR
    old, new = rounds[at], with_electricity(rounds[at], replace(book, pays=pays))
    if args.key is None:
        patch(source, target, *(encode_round(one, header.accounts) for one in (old, new)))
    else:
        rounds[at] = new
        sign_again(source, target, rounds, SigningKey.read(args.key), None)
    return (
        f"round {args.round}: offer #{book.column('sequence')[offer]} of {args.organization} pays "
        f"{eur(pays[offer]):.4f} EUR instead of {eur(book.pays[offer]):.4f} EUR"
    )


def patch(source: Path, target: Path, old: bytes, new: bytes) -> None:
    """A copy with another body in one record; every hash stays as it was."""
    copy(source, target)
    path = segment_path(target, 0)
    data = path.read_bytes()
    assert len(old) == len(new) and data.count(old) == 1
    path.write_bytes(data.replace(old, new))


def cut(args: argparse.Namespace) -> str:
    """Forget everything after the checkpoint at so many records."""
    source, target = Path(args.source), Path(args.target)
    copy(source, target)
    kept = [record for record in Scan(source) if record.index < args.records]
    path = segment_path(target, 0)
    path.write_bytes(path.read_bytes()[: sum(len(record.body) + TAIL_BYTES for record in kept)])
    for file in target.glob("checkpoint-*.txt"):
        if Checkpoint.read(file).size > args.records:
            file.unlink()
    return f"{target} has {args.records} records now, the others are gone"


def favour(args: argparse.Namespace) -> str:
    """Let electricity trade a cent dearer in every round, in favour of those who sell."""
    source, target = Path(args.source), Path(args.target)
    header, rounds = read(source)
    gained = np.zeros(header.accounts, np.int64)
    for n, record in enumerate(rounds):
        book = dearer(record.books[ELECTRICITY])
        more = np.zeros_like(gained)
        np.subtract.at(more, book.column("owner"), book.pays - record.books[ELECTRICITY].pays)
        gained += more
        money = record.money.copy()
        money[Money.TRADE] += more
        changed = replace(record, money=money, accounts=record.accounts + gained)
        rounds[n] = with_electricity(changed, book)
    sign_again(source, target, rounds, SigningKey.read(args.key), args.origin)
    moved = int(gained[gained > 0].sum())
    return f"{target}: {eur(moved):.4f} EUR went to others than by the rules"


def dearer(book: ClearedBook) -> ClearedBook:
    """The book at a price that is a cent higher."""
    if book.price is None:
        return book
    price = book.price + CENT
    sign = np.where(book.column("side") == Side.BUY, 1, -1)
    return replace(book, price=price, pays=sign * book.accepted * price)


def with_electricity(record: Round, book: ClearedBook) -> Round:
    books = list(record.books)
    books[ELECTRICITY] = book
    return replace(record, books=tuple(books))


def copy(source: Path, target: Path) -> None:
    """What a ledger is made of; it must be in one segment, as short ones are."""
    assert not segment_path(source, 1).exists()
    target.mkdir()
    for path in (segment_path(source, 0), source / META, *source.glob("checkpoint-*.txt")):
        (target / path.name).write_bytes(path.read_bytes())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    actions = parser.add_subparsers(required=True)
    for action in (edit, cut, favour):
        one = actions.add_parser(action.__name__, help=action.__doc__)
        one.add_argument("source", metavar="LEDGER")
        one.add_argument("target", metavar="NEW")
        one.set_defaults(action=action)
        if action is cut:
            one.add_argument("--records", type=int, required=True)
        else:
            one.add_argument("--key", required=action is favour, help="sign it all again")
        if action is edit:
            one.add_argument("--round", type=int, required=True)
            one.add_argument("--organization", required=True)
        if action is favour:
            one.add_argument("--origin", required=True, help="the false ledger's own name")
    args = parser.parse_args(argv)
    print(args.action(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
