"""A tour in about two minutes: run a week, check it, train an agent on it, compare.

    make demo                      or: python examples/demo.py [--steps N] [--out FOLDER]

Steps 1 to 3 are the commands that are printed before them; step 4 is what ``training.ppo`` and
``training.evaluate`` do.  Everything that is written goes to a fresh ``demo-output/<n>``.
"""

import argparse
import os
import shlex
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # agents/ and training/ are not installed

from rich.console import Console  # noqa: E402

from decent_gym.cli import main as decent_gym_command  # noqa: E402

SPRING_WEEK = "2016-04-15"
"""A test week in which heat pumps, the heat plant and the sun all have something to do."""
LEARNER = "building_03"
STEPS = 120_000
WEEKS = 4

console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=STEPS, help="of training; 0: skip it")
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    args = parser.parse_args()
    began = time.monotonic()
    folder = fresh_folder(args.out)
    ledger, plot = str(folder / "market.ledger"), str(folder / "market.png")

    heading("1  A spring week of a village street: 13 buildings, a heat plant, the main grid")
    console.print("(the first run on a machine compiles the market, which takes half a minute)")
    step("run", "--start", SPRING_WEEK, "--ledger", ledger, "--plot", plot)

    heading("2  Is the record what it claims to be?  Every round is cleared again")
    step("verify", ledger)

    heading("3  The same seed and actions give the same record, to the last bit")
    step("replay", ledger)

    if args.steps:
        heading(
            f"4  Teach {LEARNER} to trade its battery and heat pump (PPO, {args.steps:,} steps)"
        )
        train_and_compare(folder, args.steps)

    heading(f"Done in {time.monotonic() - began:.0f} s; this was left behind")
    for path in sorted(folder.iterdir()):
        console.print(f"  {path}")
    is_active = "VIRTUAL_ENV" in os.environ or sys.prefix == sys.base_prefix
    where = Path(os.path.relpath(sys.prefix)) / "bin" / "activate"
    console.print("\nNext, try" if is_active else f"\nNext, say `. {where}` and try")
    console.print("  decent-gym run --tariff time_of_use --trader building_03=price_threshold")
    console.print("  decent-gym scenarios rural")
    console.print("  python -m training.ppo --steps 150_000 --folder runs/ppo-0")
    return 0


def train_and_compare(folder: Path, steps: int) -> None:
    try:
        from training import evaluate, ppo, report
    except ImportError as error:
        sys.exit(f"demo: training needs {error.name}: pip install -e '.[train]'")
    run = folder / "ppo"
    command = f"python -m training.ppo --steps {steps} --learner {LEARNER} --folder {run}"
    console.print(f"$ {command}", soft_wrap=True)
    settings = {"validate_every": 0, "checkpoint_every": 0}
    ppo.train(ppo.Args(learner=LEARNER, folder=run, steps=steps, **settings))
    results = folder / "evaluation"
    command = f"python -m training.evaluate --runs {run} --weeks {WEEKS} --folder {results}"
    console.print(f"$ {command}", soft_wrap=True)
    found = evaluate.evaluate(evaluate.Args(runs=(run,), weeks=WEEKS))
    console.print(report.table(found))
    report.write(found, results)
    console.print(
        f"Scores of {LEARNER} on weeks it has not seen, money received less paid; one seed is a "
        "taste, not a result."
    )


def step(*words: str) -> None:
    """Show a command and run it; a command that fails ends the tour."""
    console.print(f"$ decent-gym {shlex.join(words)}", soft_wrap=True)
    code = decent_gym_command(words)
    if code:
        sys.exit(code)


def heading(text: str) -> None:
    console.print(f"\n{text}", style="bold")


def fresh_folder(parent: Path) -> Path:
    """``parent/1``, or the next number that is free."""
    taken = [int(path.name) for path in parent.glob("*") if path.name.isdecimal()]
    folder = parent / str(max(taken, default=0) + 1)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
