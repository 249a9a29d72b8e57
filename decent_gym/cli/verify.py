"""``decent-gym verify``: check that a ledger is what it claims to be."""

from argparse import Namespace
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from decent_gym.cli.console import out, progress, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import DataError, InputError

if TYPE_CHECKING:
    from decent_gym.ledger import Checkpoint, VerifierKey

SUMMARY: Final = "check a ledger, every round cleared again, or a proof"
DETAILS: Final = """\
Hashes every record again, clears every round again from its offers and follows energy, money and
accounts, and holds the checkpoints in the folder against the records.  Names the first round that
differs.  That the file's end was not cut off exactly between two rounds, or its past written anew,
only a head or a checkpoint kept elsewhere can show: --expect-head, --checkpoint.

With --proof, checks a file of 'decent-gym prove' against a checkpoint that you hold, without the
ledger, and says in words what it proves.

  decent-gym run --ledger market.ledger
  decent-gym verify market.ledger
  decent-gym verify market.ledger --checkpoint held.txt --key operator.pub
  decent-gym verify --proof mine.proof --checkpoint held.txt --key operator.pub --witness w.pub
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("path", metavar="PATH", nargs="?", help="the ledger's folder")
    add(
        "--no-reclear",
        dest="reclear",
        action="store_false",
        help="check hashes, encoding and times alone",
    )
    add("--expect-head", metavar="HASH", help="the head as somebody else kept it (64 hex digits)")
    add("--checkpoint", metavar="FILE", help="a checkpoint as somebody else kept it")
    add("--proof", metavar="FILE", help="check this proof instead of a ledger")
    add("--key", metavar="KEY", help="who must have signed: a public key, or a file with it")
    add(
        "--retired",
        action="append",
        default=[],
        metavar="KEY",
        help="with --proof: a key before --key, with which the older checkpoint may be signed",
    )
    add(
        "--witness",
        action="append",
        default=[],
        metavar="KEY",
        help="who must have cosigned; may be repeated",
    )
    add("--json", action="store_true", help="print one JSON object")
    add("--quiet", action="store_true", help="show no progress")


def run(args: Namespace) -> int:
    """Verify; 0 if the ledger or proof is good, 1 if it is not."""
    from decent_gym.audit.proof import check_witness_keys
    from decent_gym.ledger import Checkpoint
    from decent_gym.ledger.signing import read_verifier

    if (args.path is None) == (args.proof is None):
        raise InputError("verify a ledger or a proof: give PATH or --proof FILE, one of them")
    if args.retired and (args.proof is None or args.key is None):
        raise InputError("--retired is for --proof, and needs --key: the one that came after")
    if args.checkpoint is None and (args.proof or args.key or args.witness):
        raise InputError("--proof, --key and --witness need the checkpoint that you hold")
    checkpoint = None if args.checkpoint is None else Checkpoint.read(args.checkpoint)
    key = None if args.key is None else read_verifier(args.key)
    witnesses = [read_verifier(text) for text in args.witness]
    check_witness_keys(witnesses)
    if args.proof is not None:
        return _proof(args, checkpoint, key, witnesses)
    return _ledger(args, checkpoint, key, witnesses)


def _ledger(
    args: Namespace,
    checkpoint: "Checkpoint | None",
    key: "VerifierKey | None",
    witnesses: "list[VerifierKey]",
) -> int:
    from decent_gym.audit import verify
    from decent_gym.audit.proof import check_signers

    what = "clearing again" if args.reclear else "hashing again"
    with progress(what, None, quiet=args.quiet):
        result = verify(
            args.path, reclear=args.reclear, expected_head=args.expect_head, checkpoint=checkpoint
        )
    if result and checkpoint is not None:
        try:
            check_signers(checkpoint, key, witnesses)
        except DataError as error:
            result = replace(result, ok=False, reason=str(error))
    if args.json:
        write_json({"path": str(args.path), "reclear": args.reclear, **asdict(result)})
        return 0 if result else 1
    text = str(result)
    if result:
        how = "cleared again" if args.reclear else "hashed again"
        under = f", {result.checkpoints} checkpoints fit" if result.checkpoints else ""
        signed = f", {result.signatures} signatures of offers" if result.signatures else ""
        text = f"ok: {result.rounds} rounds {how}, head {result.head}{under}{signed}"
    _say(text, bool(result))
    return 0 if result else 1


def _proof(
    args: Namespace,
    checkpoint: "Checkpoint | None",
    key: "VerifierKey | None",
    witnesses: "list[VerifierKey]",
) -> int:
    from decent_gym.audit import verify_proof
    from decent_gym.ledger.checkpoint import read_capped
    from decent_gym.ledger.proof_file import PROOF_CAP
    from decent_gym.ledger.signing import read_verifier

    assert checkpoint is not None
    if args.expect_head is not None or not args.reclear:
        raise InputError("--expect-head and --no-reclear are for ledgers, not for --proof")
    data = read_capped(args.proof, PROOF_CAP + 1, "proof")
    retired = [read_verifier(text) for text in args.retired]
    result = verify_proof(data, checkpoint, key=key, retired=retired, witnesses=witnesses)
    if args.json:
        write_json({"proof": str(args.proof), **asdict(result)})
    else:
        _say(f"ok, this is proven:\n{result}" if result else str(result), bool(result))
    return 0 if result else 1


def _say(text: str, is_good: bool) -> None:
    style = "green" if is_good else "red"
    out().print(text, style=style, highlight=False, soft_wrap=True, markup=False)
