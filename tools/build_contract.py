"""Compile the settlement contract, and hold the result against what is checked in.

The artefact says which source (SHA-256) and which compiler it comes from; anybody can repeat it.

Run: ``python -m tools.build_contract`` compares, ``--write`` renews; needs ``vyper==0.4.3``.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "decent_gym" / "contract"
SOURCE = FOLDER / "settlement.vy"
ARTEFACT = FOLDER / "settlement.json"
COMPILER = "0.4.3+commit.bff19ea2"


def build(source: Path = SOURCE) -> dict[str, Any]:
    """The artefact of a source; SystemExit with one sentence if it cannot be made."""
    # the compiler of this interpreter's environment, not whichever is first in the path
    command = [sys.executable, "-m", "vyper.cli.vyper_compile"]
    found = subprocess.run([*command, "--version"], capture_output=True, text=True)
    if found.returncode:
        raise SystemExit("building the contract needs vyper: pip install vyper==0.4.3")
    if found.stdout.strip() != COMPILER:
        raise SystemExit(f"built with vyper {COMPILER}, this is {found.stdout.strip()}")
    done = subprocess.run(
        [*command, "-f", "abi,method_identifiers,bytecode,bytecode_runtime", source.name],
        cwd=source.parent,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    abi, identifiers, code, runtime = done.stdout.splitlines()
    return {
        "source": source.name,
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "compiler": f"vyper {COMPILER}",
        "abi": json.loads(abi),
        "method_identifiers": json.loads(identifiers),
        "bytecode": code,
        "bytecode_runtime": runtime,
    }


def text(artefact: dict[str, Any]) -> str:
    """As it is written."""
    return json.dumps(artefact, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="renew what is checked in")
    args = parser.parse_args()
    artefact = build()
    if args.write:
        ARTEFACT.write_text(text(artefact), "utf-8")
        print(f"{ARTEFACT.name}: written, {len(artefact['bytecode']) // 2 - 1:,} bytes of code")
        return 0
    if ARTEFACT.read_text("utf-8") != text(artefact):
        kept = json.loads(ARTEFACT.read_text("utf-8"))
        parts = [key for key in artefact if kept.get(key) != artefact[key]] or ["its form"]
        print(f"{ARTEFACT.name} is not what {SOURCE.name} gives: {', '.join(parts)} differ")
        return 1
    print(f"{ARTEFACT.name} is what vyper {COMPILER} makes of {SOURCE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
