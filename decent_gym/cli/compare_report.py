"""A comparison as one dictionary for machines; tables and the picture are made of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from decent_gym.cli.compare_books import Source
from decent_gym.metrics import Figure, Measured, Regret, residual_supplies, units_of
from decent_gym.metrics.bootstrap import CONFIDENCE, RESAMPLES
from decent_gym.models import Commodity

STATIC: Final = "static: books as they are, nobody adapts to the rule"


def report(
    source: Source, found: list[Measured], seed: int, regrets: Mapping[str, Regret]
) -> dict[str, Any]:
    """Everything that ``decent-gym compare`` says, in EUR, kWh and shares.

    `regrets` are those of the mechanisms whose misreports were searched.  Where there is nothing to
    measure the value is None.
    """
    book_set = source.book_set
    return {
        **source.facts,
        "books": len(book_set),
        "static": STATIC,
        "values": book_set.valued_by,
        "wishes": book_set.wishes,
        "recorded": None
        if source.recorded is None
        else {"rules": source.rules.to_dict(), "reproduced": source.difference is None},
        "interval": {
            "confidence": CONFIDENCE,
            "unit": source.unit,
            "units": int(units_of(book_set, source.unit).max()) + 1,
            "resamples": RESAMPLES,
            "seed": seed,
        },
        "pivotal": _pivotal(source),
        "physical": None if source.physical is None else dict(source.physical),
        "mechanisms": [_mechanism(m, regrets.get(m.name)) for m in found],
    }


def _mechanism(measured: Measured, regret: Regret | None) -> dict[str, Any]:
    rules = measured.cleared.rules
    return {
        "name": measured.name,
        "rules": None if rules is None else rules.to_dict(),
        "utility": measured.utility,
        "microseconds_per_book": measured.microseconds,
        "figures": {
            scope: {name: asdict(figure) for name, figure in figures.items()}
            for scope, figures in measured.figures.items()
        },
        "savings_eur": dict(measured.savings_eur),
        "surplus_eur": dict(measured.surplus_eur),
        "best_response": None if regret is None else _best_response(regret),
    }


def _best_response(regret: Regret) -> dict[str, Any]:
    """EUR a book of those in which the trader has an order."""
    return {
        "trader": regret.trader,
        "books": len(regret.rows),
        "lots": regret.lots,
        "profit_of_truth_eur": regret.profit_of_truth,
        "regret_eur": asdict(Figure(regret.regret, *(regret.interval or ()))),
        "lying_gains": regret.lying_gains,
        "best_shade": regret.shade / 1000,
        "regret_of_shade_eur": regret.regret_of_shade,
    }


def _pivotal(source: Source) -> dict[str, dict[str, float | None]]:
    """Share of books with demand in which some member's supply cannot be done without."""
    book_set = source.book_set
    found: dict[str, dict[str, float | None]] = {}
    for kind in np.unique(book_set.commodity).tolist():
        rows = book_set.commodity == kind
        shares: dict[str, float | None] = {}
        for name, utility in (("members_alone", False), ("with_utility", True)):
            if utility and book_set.utility is None:
                shares[name] = None
                continue
            index = residual_supplies(book_set, utility=utility)[rows]
            asked = ~np.isnan(index).any(axis=1)
            shares[name] = float((index[asked] < 1).any(axis=1).mean()) if asked.any() else None
        found[Commodity(kind).name.lower()] = shares
    return found
