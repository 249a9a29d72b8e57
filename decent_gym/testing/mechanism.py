"""`check_mechanism`: all laws of a market mechanism, on random, small, odd and largest books."""

from collections.abc import Callable
from typing import Any

from decent_gym.clearing import MECHANISMS, Books, Rules
from decent_gym.registry import unknown_name
from decent_gym.testing.catalogue import Oracle, broken_rows, laws
from decent_gym.testing.report import BrokenLawError, MechanismReport
from decent_gym.testing.run import Check, Inputs
from decent_gym.units import checked_int

Progress = Callable[[str, int, int], None]


def check_mechanism(
    name: str,
    *,
    books: int = 1_000,
    lies: int = 1_000,
    exhaustive: bool = True,
    seed: int = 0,
    oracle: Oracle | None = None,
    inputs: Inputs | None = None,
    progress: Progress | None = None,
) -> MechanismReport:
    """Try a registered mechanism against every law that mechanisms must keep.

    Random books with many ties under every tie rule and four price rules; every book of three
    by three offers at five prices, with energies 1 and with energies 1 and 2; empty, one-sided and
    all-equal books; the largest books, at the caps.  All books stand in batches, so a compiled
    mechanism takes seconds.  What it declares (:class:`decent_gym.clearing.Mechanism`) is checked
    too; where it claims truth, every limit from below to above all others is reported by every
    order of the small books, and `lies` random ones in larger books.

    Parameters
    ----------
    name : str
        In ``MECHANISMS``.
    books : int
        Random books, shared out over 16 combinations of tie rule and price rule.
    lies : int
        Random misreports, shared out likewise.
    exhaustive : bool
        All books of three by three offers, 1,225 with energy 1 and 48,400 with energies 1 and 2;
        else 400 of each, for a mechanism that is slow.
    seed : int
        Of the random books.
    oracle : callable, optional
        ``oracle(books, b, rules) -> (accepted, pays)`` for all slots of row b, int (M,) each:
        your slow and obvious version.  It sees all random and all small books.
    inputs : callable, optional
        ``inputs(rng, books) -> Books`` fills further columns of the books made here; else they
        keep their defaults.
    progress : callable, optional
        Called with what is being tried, steps done and steps in all.

    Returns
    -------
    MechanismReport

    Raises
    ------
    UnknownNameError
        No such mechanism.
    BrokenLawError
        An AssertionError: names the mechanism, each broken law, and the smallest book found that
        shows it, as lines of Python; its ``report`` holds the same.

    Examples
    --------
    >>> print(check_mechanism("mcafee", books=100, lies=100))
    'mcafee' keeps all 27 laws on 51,821 books, 129,460 lies gained nothing
    """
    if name not in MECHANISMS:
        raise unknown_name("mechanism", name, MECHANISMS)
    books = checked_int(books, "books", 1, 10**9)
    lies = checked_int(lies, "lies", 1, 10**9)
    check = Check(MECHANISMS[name], checked_int(seed, "seed", 0, 2**53 - 1), oracle, inputs)
    steps = check.steps(books, lies, exhaustive)
    for done, (what, step) in enumerate(steps):
        if progress is not None:
            progress(what, done, len(steps))
        step()
    if progress is not None:
        progress("done", len(steps), len(steps))
    report = check.report(name)
    if report.broken:
        raise BrokenLawError(report)
    return report


def keeps(law: str, name: str, books: Books, *, oracle: Oracle | None = None, **rules: Any) -> bool:
    """Whether a mechanism keeps one law, by its name, on all rows of `books`.

    `rules` are keywords of :class:`decent_gym.clearing.Rules`.
    """
    known = {each.name: each for each in laws(oracle)}
    if law not in known:
        raise unknown_name("law", law, known)
    made = Rules(name, **{"utility": None, **rules})
    return not broken_rows(known[law], MECHANISMS[name], made, books).any()
