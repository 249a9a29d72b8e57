"""How the time per organization grows with the district, and with its share of a batch.

One world of 10 to 10,000 organizations; and 10,000 organizations as 1,000 worlds of 10 up to one
of all.  ``synthetic`` of a week, everything on, days of 96 rounds, resets included.
Run: ``python -m benchmarks.bench_growth [--quick] [--write docs/benchmarks.md]``
"""

import sys

from benchmarks.report import Aim, Report, Table, main
from benchmarks.timing import alternated
from benchmarks.worlds import days_of, vector

SIZES = (10, 100, 1_000, 10_000)
DAYS = 7


def measure(runs: int, quick: bool) -> Report:
    """Both tables; the largest district stands in both."""
    sizes = SIZES[:2] if quick else SIZES
    total = sizes[-1]
    alone = [(1, n) for n in sizes]
    split = [(total // n, n) for n in sizes]
    tasks = {
        (w, n): days_of(vector(w, n, days=DAYS), 0.01 if quick else 0.2)
        for w, n in dict.fromkeys(alone + split)
    }
    times = alternated({kind: task for kind, (task, _) in tasks.items()}, runs)

    def rows(kinds: list[tuple[int, int]]) -> list[list[float]]:
        found = []
        for w, n in kinds:
            world_steps, time = tasks[w, n][1] * w, times[w, n]
            found.append(
                [w, n, time.wall / world_steps * 1e6, *(t / world_steps / n * 1e9 for t in time)]
            )
        return found

    each = [row[4] for row in rows(split)]  # one thread: the wall adds what others do meanwhile
    aim = Aim(
        f"{total:,} organizations in worlds of {sizes[0]} to {total:,}, slowest over fastest, CPU",
        max(each) / min(each),
        at_most=2,
    )
    columns = {
        "worlds": ",",
        "organizations": ",",
        "µs a world-step": ",.1f",
        "ns an organization-step": ",.0f",
        "ns of CPU": ",.0f",
    }
    tables = [Table("growth", columns, rows(alone)), Table("split", columns, rows(split))]
    return Report(tables, [aim])


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
