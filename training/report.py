"""An evaluation as a table, as files, and as a picture."""

import csv
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

FloatArray = npt.NDArray[np.float64]

LEARNED_COLOUR, OTHERS_COLOUR, DOT_COLOUR = "#1b6ca8", "#b8c4ce", "#33414d"


@dataclass(frozen=True, slots=True)
class Line:
    """What one policy did, and how the first line compares with it.

    Attributes
    ----------
    scores : float64 (R, K), EUR per week
        R repetitions (of a learning algorithm: its runs) on K weeks.
    terms : dict of str to float, EUR per week
        Means of the reward's terms.
    difference, low, high : float, EUR per week
        The first line less this one on the cells that both have: mean and bootstrapped 95 %
        interval.
    wins : float
        Share of these cells in which the first line scored more.
    runs, seeds, steps : tuple
        Of a learning algorithm, its runs' folders, seeds and lengths; else empty.
    """

    name: str
    scores: FloatArray
    terms: dict[str, float]
    difference: float
    low: float
    high: float
    wins: float
    runs: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """EUR per week."""
        return float(self.scores.mean())

    @property
    def spread(self) -> float:
        """Standard deviation over the repetitions of their mean over weeks, EUR per week."""
        return float(self.scores.mean(axis=1).std(ddof=1)) if len(self.scores) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found: the first run's algorithm, then the others, the best first."""

    scenario: str
    options: dict[str, str | int | float | bool | None]
    learner: str
    split: str
    weeks: tuple[int, ...]
    is_trained_on_it: bool
    """Whether the scenario is, to the last digit, the one that the policies were trained on."""
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """Who was judged, where, on how much."""
        learned = [line for line in self.lines if line.runs]
        counts = [f"{line.name} {len(line.runs)}" for line in learned]
        if len({len(line.runs) for line in learned}) == 1:
            counts = [str(len(learned[0].runs))]
        weeks = f"{len(self.weeks)} {self.split} weeks"
        seeds = f"{', '.join(counts)} training seeds"
        return f"{self.learner} in {self.scenario}: {weeks}, {seeds}"


def table(found: Evaluation) -> Table:
    """The table for people; differences are the first line less this one, on the same cells."""
    note = None if found.is_trained_on_it else "The policies were trained on another scenario."
    drawn = Table(title=found.title, caption=note, pad_edge=False)  # fits into 80 columns
    drawn.add_column("policy", no_wrap=True)
    gains = f"{found.lines[0].name} gains"
    for heading in ("EUR/week", "± seeds", gains, "95 % interval", "wins"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    is_single = found.lines[0].scores.size == 1  # has no spread to tell from
    for line in found.lines:
        is_first = line is found.lines[0]
        drawn.add_row(
            line.name,
            f"{line.mean:.2f}",
            f"{line.spread:.2f}",
            "" if is_first else f"{line.difference:+.2f}",
            "" if is_first or is_single else rf"\[{line.low:+.2f}, {line.high:+.2f}]",
            "" if is_first else f"{line.wins:.0%}",
        )
    return drawn


def markdown(found: Evaluation) -> str:
    """The same table for a README."""
    first, *others = found.lines
    text = [
        f"| policy | EUR/week | ± seeds | {first.name} gains | 95 % interval | wins |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    text.append(f"| {first.name} | {first.mean:.2f} | {first.spread:.2f} | | | |")
    text += [
        f"| {line.name} | {line.mean:.2f} | {line.spread:.2f} | {line.difference:+.2f} | "
        f"{line.low:+.2f} to {line.high:+.2f} | {line.wins:.0%} |"
        for line in others
    ]
    return "\n".join(text) + "\n"


def write(found: Evaluation, folder: str | Path, *, picture: bool = True) -> list[Path]:
    """Write ``evaluation.json``, ``.csv``, ``.md`` and, if matplotlib is there, ``.png``."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"evaluation.{kind}" for kind in ("json", "csv", "md")]
    paths[0].write_text(json.dumps(as_data(found), indent=1) + "\n", encoding="utf-8")
    with paths[1].open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["policy", "repetition", "run", "seed", "week", "score_eur"])
        for line in found.lines:
            for i, row in enumerate(line.scores.tolist()):
                run = (line.runs[i], line.seeds[i]) if line.runs else ("", "")
                for week, score in zip(found.weeks, row, strict=True):
                    writer.writerow([line.name, i, *run, week, score])
    paths[2].write_text(markdown(found), encoding="utf-8")
    if picture and find_spec("matplotlib") is not None:
        paths.append(draw(found, folder / "evaluation.png"))
    return paths


def as_data(found: Evaluation) -> dict[str, Any]:
    """Plain numbers and texts, for machines."""
    data = asdict(found)
    for line, original in zip(data["lines"], found.lines, strict=True):
        line["scores"] = original.scores.tolist()
        line |= {"mean": original.mean, "spread": original.spread}
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    return {"schema": 2, "date": stamp, **data}


def draw(found: Evaluation, path: Path) -> Path:
    """Scores of all policies, and by how much the first is better, with intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = found.lines[::-1]
    places = range(len(lines))
    figure = Figure(figsize=(10, 1.2 + 0.5 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    colours = [LEARNED_COLOUR if line.runs else OTHERS_COLOUR for line in lines]
    left.barh(places, [line.mean for line in lines], color=colours)
    for place, line in zip(places, lines, strict=True):
        means = line.scores.mean(axis=1)
        left.plot(means, [place] * len(means), "o", ms=4, color=DOT_COLOUR, mfc="white")
    left.set_yticks(places, [line.name for line in lines])
    left.set_xlabel("score, EUR per week (dots: seeds)")

    for place, line in list(zip(places, lines, strict=True))[:-1]:
        right.plot([line.low, line.high], [place] * 2, color=LEARNED_COLOUR, lw=2)
        right.plot(line.difference, place, "o", color=LEARNED_COLOUR)
    right.axvline(0, color=DOT_COLOUR, lw=1)
    right.set_xlabel(f"{found.lines[0].name} better by, EUR per week (95 % interval)")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    figure.suptitle(found.title)
    figure.savefig(path, dpi=150)
    return path
