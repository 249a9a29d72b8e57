"""What the settlement contract's calls cost in gas, on every machine that is here.

Sixty-four accounts, all of which change; the first settlement writes them for the first time.
Gas is the same on every run; transactions a second are this machine's.
Run: ``python -m benchmarks.bench_contract [--write docs/contract.md]``; for py-evm and anvil see
``benchmarks/chains.py``.
"""

import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.chains import NO_ANVIL, NO_PY_EVM, PyEvmChain, anvil, find_anvil, has_py_evm
from benchmarks.report import Report, Table, arguments, checked, show
from decent_gym.contract import Chain, LocalChain, RpcChain, SettlementContract

ACCOUNTS = 64
ROOT = bytes(range(1, 33))
ROWS = (
    "deploy",
    "first commit",
    "another commit",
    "settle 64 new accounts",
    "settle the 64 again",
    "hand over, both steps",
)


def gas(chain: Chain) -> list[int]:
    """Gas of each of `ROWS`."""
    contract = SettlementContract.deploy(chain, ROOT, ACCOUNTS, 1)
    assert contract.deployment is not None
    found = [contract.deployment.gas]
    found += [contract.commit(number, number, number + 1, ROOT).gas for number in (1, 2)]
    deltas = [7_000_000 + i for i in range(ACCOUNTS - 1)]
    for number in (1, 2):
        (receipt,) = contract.settle(number, [*deltas, -sum(deltas)])
        found.append(receipt.gas)
    offered = contract.offer_ownership(chain.sender)
    return [*found, offered.gas + contract.accept_ownership().gas]


def rate(chain: Chain, commits: int) -> float:
    """Commits a second, each awaited."""
    contract = SettlementContract.deploy(chain, ROOT, ACCOUNTS, 1)
    began = time.perf_counter()
    for number in range(1, commits + 1):
        contract.commit(number, number, number + 1, ROOT)
    return commits / (time.perf_counter() - began)


def measure(quick: bool = False) -> Report:
    """Gas of every call on every machine."""
    with ExitStack() as stack:
        chains: dict[str, Chain | None] = {"py-evm": None, "anvil": None}
        if has_py_evm():
            chains["py-evm"] = PyEvmChain()
        if find_anvil() is not None:
            chains["anvil"] = RpcChain(stack.enter_context(anvil()))
        chains["in process"] = LocalChain()
        found = {name: None if chain is None else gas(chain) for name, chain in chains.items()}
        commits = 2 if quick else 100
        rates = [None if one is None else rate(one, commits) for one in chains.values()]
    table = [[row, *(one and one[i] for one in found.values())] for i, row in enumerate(ROWS)]
    columns = {"call": "", **dict.fromkeys(chains, ",d")}
    speeds = Table("rates", {"": "", **dict.fromkeys(chains, ",.0f")}, [["commits/s", *rates]])
    return Report([Table("gas", columns, table), speeds])


def main() -> int:
    args = checked(arguments(__doc__ or ""))
    missing = [text for text, is_here in (
        (NO_PY_EVM, has_py_evm()), (NO_ANVIL, find_anvil() is not None)
    ) if not is_here]  # fmt: skip
    for text in missing:
        print(text, file=sys.stderr)
    if args.write and missing:
        print("a page needs the figures of both", file=sys.stderr)
        return 1
    now = datetime.now(UTC)
    packages = " and ".join(f"{name} {version(name)}" for name in ("pyrevm", "eth-abi"))
    found = measure(args.quick)
    show(Report(found.tables, conditions=f"{now.day} {now:%B %Y}; {packages}"), args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
