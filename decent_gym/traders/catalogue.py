"""Who decides what: the baseline for everybody, then each scripted trader for its own."""

from collections.abc import Collection

from decent_gym.errors import InputError
from decent_gym.traders import no_flexibility
from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.trader import TRADERS


def decide_all(
    view: TraderView,
    decisions: Decisions,
    codes_in_use: Collection[int],
    first: int,
    last: int,
) -> None:
    """Decide for every organization of the worlds ``first <= w < last``.

    The baseline of ``no_flexibility`` is written for all, learners and the utility included, so
    that a learner who decides nothing lives like one without flexibility; then every trader in use
    writes its part over it.

    Parameters
    ----------
    view : TraderView
        Contiguous arrays; trusted.
    decisions : Decisions
        Modified in place.
    codes_in_use : collection of int
        All codes that ``view.policy`` may hold; a trader whose code is missing is not asked.
        Negative ones (learners, nobody) have no trader and are passed over.
    first, last : int
        Half-open range of worlds, so that threads can share a batch.

    Raises
    ------
    InputError
        For a code that no trader has; `decisions` is untouched.
    """
    traders = {trader.code: trader for trader in TRADERS.values()}
    for code in codes_in_use:
        if code >= 0 and code not in traders:
            known = ", ".join(f"{c} {traders[c].name}" for c in sorted(traders))
            raise InputError(f"policy code {code} belongs to no trader; known: {known}")
    no_flexibility.baseline(view, decisions, first, last)
    for code, trader in traders.items():
        if code in codes_in_use and code != no_flexibility.CODE:
            trader.decide(view, decisions, first, last)
