"""Every benchmark that needs no other environment, one process after the other.

Run: ``make bench``, or ``python -m benchmarks.bench_all [--only env ppo] [--quick]``; renew the
documentation with ``python -m benchmarks.bench_all --write docs/benchmarks.md``.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict

from benchmarks.report import Aim, Report, Table, arguments, checked, conditions, show

SECTIONS = {
    "env": "bench_env",
    "growth": "bench_growth",
    "single": "bench_single",
    "ppo": "bench_ppo",
    "clear": "bench_clear",
    "coupled": "bench_coupled",
    "ledger": "bench_ledger",
    "start": "bench_start",
    "profile": "profile_step",
}


def run(section: str, passed_on: list[str]) -> Report:
    """The report of one section."""
    command = [sys.executable, "-m", f"benchmarks.{SECTIONS[section]}", "--json", *passed_on]
    print(f"{section} ...", end=" ", file=sys.stderr, flush=True)
    start = time.monotonic()
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if answer.returncode:
        raise SystemExit(f"{' '.join(command)} failed; what it said stands above")
    print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    return Report.from_json(answer.stdout)


def aims(found: list[Aim]) -> Table:
    """What was asked for, and whether it is so."""
    rows = []
    for aim in found:
        wanted = f"≥ {aim.at_least:,}" if aim.at_most is None else f"≤ {aim.at_most:,}"
        digits = 0 if aim.found >= 100 else 2
        rows.append([aim.what, wanted, f"{aim.found:,.{digits}f}", "yes" if aim.is_met else "no"])
    return Table("aims", {"": "", "aim": "", "found": "", "met": ""}, rows)


def main() -> int:
    """The command line; exit code 0."""
    parser = arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION")
    args = checked(parser)
    passed_on = ["--runs", str(args.runs), *(["--quick"] if args.quick else [])]
    reports = {}
    for section in args.only or SECTIONS:
        reports[section] = run(section, passed_on)
        if not args.json:
            show(reports[section], args)
    if not args.only:
        found = [aim for report in reports.values() for aim in report.aims]
        note = conditions(("numpy", "numba"), args.runs)
        reports["aims"] = Report([aims(found)], conditions=note)
        if not args.json:
            show(reports["aims"], args)
    if args.json:
        print(json.dumps({name: asdict(report) for name, report in reports.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
