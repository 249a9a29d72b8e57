"""Who decides what: the baseline for everybody, then each scripted trader for its own."""

from collections.abc import Iterable, Sequence

from decent_gym.errors import InputError
from decent_gym.traders import no_flexibility
from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.trader import TRADERS, Trader


def traders_of(codes: Iterable[int]) -> tuple[Trader, ...]:
    """The traders behind the codes that ``view.policy`` may hold, each once.

    Negative codes (learners, nobody) have no trader and are passed over, and so is
    ``no_flexibility``, whose decisions are the baseline.

    Raises
    ------
    InputError
        For a code that no trader has.
    """
    by_code = {trader.code: trader for trader in TRADERS.values()}
    wanted = {code for code in codes if code >= 0}
    for code in sorted(wanted - by_code.keys()):
        known = ", ".join(f"{c} {by_code[c].name}" for c in sorted(by_code))
        raise InputError(f"policy code {code} belongs to no trader; known: {known}")
    return tuple(by_code[code] for code in sorted(wanted - {no_flexibility.CODE}))


def decide_all(
    view: TraderView, decisions: Decisions, traders: Sequence[Trader], first: int, last: int
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
    traders : sequence of Trader
        Those in use, from :func:`traders_of`; one that is missing is not asked.
    first, last : int
        Half-open range of worlds, so that threads can share a batch.
    """
    no_flexibility.baseline(view, decisions, first, last)
    for trader in traders:
        trader.decide(view, decisions, first, last)
