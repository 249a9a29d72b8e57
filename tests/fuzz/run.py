"""Fuzz one parser with atheris: ``python -m fuzz.run TARGET [libFuzzer's options]``.

Kernels run as Python, so that their branches count too.  What is found is written to the current
folder as ``crash-...``; put it into ``corpus/TARGET`` once it is mended, and it is tried in every
build.
"""

import atexit
import os
import sys

os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris

with atheris.instrument_imports(
    include=["decent_gym", "agents", "tomllib", "zipfile", "csv", "fractions", "urllib"],
    enable_loader_override=False,
):
    from fuzz.targets import TARGETS, remove_place


def main() -> None:
    """Run until libFuzzer is told to stop."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        raise SystemExit(f"usage: python -m fuzz.run TARGET, one of {', '.join(TARGETS)}")
    atexit.register(remove_place)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
