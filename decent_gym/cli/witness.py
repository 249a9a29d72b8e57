"""``decent-gym witness``: keep the checkpoints of others and cosign what continues them."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from decent_gym.cli.console import note, out, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import DataError, InputError, plain

if TYPE_CHECKING:
    from decent_gym.live.witness import Answer, Witness

SUMMARY: Final = "keep the checkpoints of others; refuse rollbacks and forks, cosign the rest"
DETAILS: Final = """\
'update' looks at one checkpoint: the first of a ledger is taken as it is, every later one needs a
proof that it continues the one that was seen (decent-gym prove --from).  What is cosigned has been
written down before.  'serve' does the same over HTTP (C2SP tlog-witness, POST /add-checkpoint), on
this machine only unless --host says otherwise; decent-gym cosign asks it.

  decent-gym witness update --state w --key witness --log operator.pub --checkpoint new.txt \\
      --proof new.proof --out cosigned.txt
  decent-gym witness serve --state w --key witness --log operator.pub --port 8500
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("action", metavar="update|serve", choices=("update", "serve"), help="what to do")
    add("--state", required=True, metavar="FOLDER", help="the witness's memory; made if missing")
    add("--key", required=True, metavar="FILE", help="the witness's private key")
    add(
        "--log",
        action="append",
        required=True,
        metavar="KEY",
        help="an operator's public key, or a file with it; may be repeated",
    )
    add("--checkpoint", metavar="FILE", help="update: the checkpoint to look at")
    add("--proof", metavar="FILE", help="update: that it continues the one seen last")
    add("--out", metavar="FILE", help="update: where the cosigned checkpoint goes")
    add("--host", default="127.0.0.1", help="serve: where to listen (default 127.0.0.1)")
    add("--port", type=int, default=8500, metavar="N", help="serve: (default 8500)")
    add("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Look at one checkpoint, 1 if it is refused; or serve until interrupted."""
    from decent_gym.ledger import SigningKey
    from decent_gym.ledger.signing import read_verifier
    from decent_gym.live.witness import Witness

    if args.action == "update" and args.checkpoint is None:
        raise InputError("witness update needs --checkpoint FILE")
    if args.action == "serve" and (args.checkpoint or args.proof or args.out):
        raise InputError("--checkpoint, --proof and --out belong to 'witness update'")
    key, logs = SigningKey.read(args.key), [read_verifier(text) for text in args.log]
    with Witness(args.state, key, logs) as witness:
        return _serve(witness, args) if args.action == "serve" else _update(witness, args)


def _update(witness: "Witness", args: Namespace) -> int:
    from decent_gym.ledger import Checkpoint, Proof
    from decent_gym.ledger.checkpoint import read_capped
    from decent_gym.ledger.proof_file import PROOF_CAP

    checkpoint = Checkpoint.read(args.checkpoint)
    if args.proof is None:
        answer = witness.update(checkpoint)
    else:
        proof = Proof.parse(read_capped(args.proof, PROOF_CAP + 1, "proof"))
        if proof.since is None or not proof.checkpoint.says_the_same(checkpoint):
            raise DataError(
                f"{args.proof} does not lead from an older checkpoint to {args.checkpoint}; make "
                "it with 'decent-gym prove LEDGER --from OLD'"
            )
        answer = witness.update(checkpoint, proof.since.size, proof.path)
    if answer.cosignature is not None and args.out is not None:
        Path(args.out).write_bytes(checkpoint.carrying(answer.cosignature).to_bytes())
    _report(answer, checkpoint.origin, args)
    return 0 if answer else 1


def _report(answer: "Answer", origin: str, args: Namespace) -> None:
    line = None if answer.cosignature is None else answer.cosignature.line.strip()
    if args.json:
        facts = {"verdict": answer.verdict.name.lower(), "size": answer.size}
        write_json({"origin": origin, **facts, "reason": answer.reason, "cosignature": line})
        return
    text = f"refused: {answer.reason}" if line is None else line
    out().print(
        plain(text), style=None if answer else "red", highlight=False, soft_wrap=True, markup=False
    )


def _serve(witness: "Witness", args: Namespace) -> int:
    from decent_gym.live.witness_http import CALL, WitnessServer

    with WitnessServer(witness, args.host, args.port) as server:
        note(f"listening on http://{args.host}:{server.server_port}{CALL}")
        server.serve_forever()
    return 0
