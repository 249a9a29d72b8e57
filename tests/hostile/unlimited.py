"""The cases of deep nesting where something has raised the recursion limit: ``python -m`` this.

Then what leans on the limit ends the process with a signal, not with an error.  Prints each case
before it is tried, so that the last line names the one that did it.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from hostile.entrances import ENTRANCES
from hostile.items import Case

LIMIT: Final = 10**8


def main() -> None:
    """Try them all; a case that is not refused ends it."""
    sys.setrecursionlimit(LIMIT)
    for entrance, (stand_of, cases) in ENTRANCES.items():
        deep = [case for case in map(lambda row: Case(*row), cases) if "nesting" in case.items]
        with tempfile.TemporaryDirectory() as folder:
            stand = stand_of(Path(folder)) if deep else None
            for case in deep:
                print(f"{entrance}: {case.name}", flush=True)
                assert stand is not None
                stand.prepare(case.made)
                try:
                    stand.act()
                except case.error as error:
                    assert all(part in str(error) for part in case.parts), error
                else:
                    raise AssertionError("it was taken")
    print("all refused", flush=True)


if __name__ == "__main__":
    main()
