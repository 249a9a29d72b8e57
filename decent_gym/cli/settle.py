"""``decent-gym settle``: bring a ledger's roots and balances to its contract on a chain."""

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from decent_gym.cli.console import complain, note, out, progress, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import InputError

if TYPE_CHECKING:
    from decent_gym.contract import Chain, Receipt, Settling

SUMMARY: Final = "commit a ledger's rounds to its settlement contract, and settle the balances"
DETAILS: Final = """\
Deploys the contract, or goes on with the one that the ledger has on this chain (its address is
kept in the ledger's folder), commits the Merkle root after every round, or every few, and adds
what each account has received since the last settlement.  What is still to be done the contract is
asked, so an interrupted run is simply started again.  With --check nothing is sent: every root and
every balance in the contract is held against the ledger.

Without --rpc all happens on a chain in this process, which ends with it: to see what there is to
send.  Transactions are signed with --key-file, or by the node if it has unlocked an account.

  decent-gym settle --ledger market.ledger
  decent-gym settle --ledger market.ledger --rpc http://127.0.0.1:8545 --every 96
  decent-gym settle --ledger market.ledger --rpc http://127.0.0.1:8545 --check --contract 0x5fbd...
"""

_SPECIAL: Final = ("fuel", "network", "operator")


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("--ledger", required=True, metavar="PATH", help="the ledger's folder")
    add("--rpc", metavar="URL", help="a node's JSON-RPC; without it, a chain in this process")
    add("--key-file", metavar="FILE", help="private key of the sender, 64 hexadecimal digits")
    add("--contract", metavar="ADDRESS", help="the contract, if its address is not kept here")
    add("--every", type=int, default=1, metavar="N", help="rounds under one root (default: 1)")
    add("--check", action="store_true", help="send nothing; 1 if contract and ledger differ")
    add("--json", action="store_true", help="print one JSON object")
    add("--quiet", action="store_true", help="show no progress")


def run(args: Namespace) -> int:
    """Settle or check; 1 if the contract says something else than the ledger."""
    from decent_gym.contract import DifferenceError, settle_ledger

    if args.rpc is None and (args.key_file or args.contract or args.check):
        raise InputError("--key-file, --contract and --check need a chain that stays: --rpc URL")
    chain = _chain(args)
    kept = Path(args.ledger) / f"settlement-{chain.name}.txt"
    address = args.contract or (_read(kept) if chain.name else None)
    if args.contract is None and address is not None and not chain.code(address):
        raise InputError(
            f"there is no contract at {address}, where {kept} says; if this chain was begun anew, "
            "remove that file"
        )
    try:
        if args.check:
            return _check(args, chain, address)
        with progress("commits", None, quiet=args.quiet) as advance:
            done = settle_ledger(
                args.ledger,
                chain,
                address,
                every=args.every,
                deployed=None if not chain.name else lambda new: _keep(kept, new),
                progress=advance,
            )
    except DifferenceError as error:
        complain(error)
        return 1
    facts = _facts(done, chain)
    if args.json:
        write_json(facts)
        return 0
    console = out()
    for line in _lines(facts):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(_gas_table(facts))
    console.print(_money_table(facts))
    if not chain.name:
        note(
            "all this happened in this process and is gone; the gas of commits and settlements is "
            "lower than on a chain that stays"
        )
    return 0


def _chain(args: Namespace) -> "Chain":
    from decent_gym.contract import LocalChain, RpcChain

    return LocalChain() if args.rpc is None else RpcChain(args.rpc, args.key_file)


def _read(path: Path) -> str | None:
    from decent_gym.contract.chain import checked_address

    try:
        with path.open("rb") as file:
            return checked_address(file.read(100).decode("latin-1").strip(), str(path))
    except FileNotFoundError:
        return None


def _keep(path: Path, address: str) -> None:
    new = path.with_suffix(".new")
    try:
        new.write_text(f"{address}\n", "ascii")
        os.replace(new, path)
    except OSError as error:
        raise OSError(
            f"the contract is at {address}, and nothing was sent to it yet, but that cannot be "
            f"written down: {error}; go on with --contract {address}"
        ) from None


def _check(args: Namespace, chain: "Chain", address: str | None) -> int:
    from decent_gym.contract import check_contract

    if address is None:
        raise InputError(f"{args.ledger} has no contract on chain {chain.name}; give --contract")
    status = check_contract(args.ledger, chain, address)
    if args.json:
        write_json(
            {
                "contract": address,
                "owner": status.owner,
                "committed_before": status.next_round,
                "settled_before": status.next_unsettled,
                "size": status.size,
                "root": status.root.hex(),
            }
        )
        return 0
    text = (
        f"ok: {address} holds {args.ledger} up to round {status.next_round - 1}, {status.size} "
        f"records with the root {status.root.hex()}, and the balances after round "
        f"{status.next_unsettled - 1}; its owner is {status.owner}"
    )
    out().print(text, highlight=False, soft_wrap=True, markup=False)
    return 0


def _facts(done: "Settling", chain: "Chain") -> dict[str, Any]:
    """All that is shown, for people and for programs."""
    deployment, after = done.contract.deployment, done.after
    names = (*done.names, *_SPECIAL)
    return {
        "chain": chain.name or None,
        "contract": done.contract.address,
        "ledger": after.ledger.hex(),
        "root": after.root.hex(),
        "size": after.size,
        "rounds_committed": after.next_round - done.before.next_round,
        "committed_before": after.next_round,
        "settled_before": after.next_unsettled,
        "transactions": {
            "deploy": _sum(() if deployment is None else (deployment,)),
            "commit": _sum(done.commits),
            "settle": _sum(done.settlement),
        },
        "accounts": {
            name: {"settled": delta, "balance": balance}
            for name, delta, balance in zip(names, done.deltas, done.balances, strict=True)
        },
    }


def _sum(receipts: "tuple[Receipt, ...]") -> dict[str, int]:
    return {"count": len(receipts), "gas": sum(one.gas for one in receipts)}


def _lines(facts: dict[str, Any]) -> list[str]:
    where = "in this process" if facts["chain"] is None else f"on chain {facts['chain']}"
    made = "new contract" if facts["transactions"]["deploy"]["count"] else "contract"
    return [
        f"{made} {facts['contract']} {where}",
        f"{facts['rounds_committed']} rounds committed, now up to round "
        f"{facts['committed_before'] - 1}: {facts['size']} records, root {facts['root']}",
        f"settled up to round {facts['settled_before'] - 1}",
    ]


def _gas_table(facts: dict[str, Any]) -> Table:
    table = Table(title="Gas", title_justify="left")
    table.add_column("")
    for heading in ("transactions", "gas", "each"):
        table.add_column(heading, justify="right")
    for name, sums in facts["transactions"].items():
        count, gas = sums["count"], sums["gas"]
        table.add_row(name, f"{count:,}", f"{gas:,}", f"{gas // count:,}" if count else "")
    return table


def _money_table(facts: dict[str, Any]) -> Table:
    table = Table(title="Accounts in EUR, received minus paid", title_justify="left")
    table.add_column("account")
    for heading in ("settled now", "balance"):
        table.add_column(heading, justify="right")
    for name, money in facts["accounts"].items():
        table.add_row(name, *(f"{money[key] / 1e9 + 0.0:,.2f}" for key in ("settled", "balance")))
    return table
