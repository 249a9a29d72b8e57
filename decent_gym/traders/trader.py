"""What a scripted trader is, and the registry that holds them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from decent_gym.registry import Registry
from decent_gym.traders.decisions import Decisions, TraderView

LEARNER: Final = -1
"""``policy`` of an organization for which a learner acts."""
NOBODY: Final = -2
"""``policy`` of an organization for which nobody acts: the utility."""


@dataclass(frozen=True, slots=True)
class Trader:
    """A rule that decides for many organizations at once.

    Attributes
    ----------
    name : str
    code : int
        What ``policy`` holds for the organizations it acts for; never negative.
    decide : callable
        ``decide(view, decisions, first, last)``: writes its part of `decisions` for the
        organizations with ``policy == code`` in the worlds ``first <= w < last``, and touches no
        others.  On entry `decisions` holds the baseline of ``no_flexibility``.  It keeps nothing
        between calls and may run in several threads on disjoint worlds.
    summary : str
        One sentence for lists.
    """

    name: str
    code: int
    decide: Callable[[TraderView, Decisions, int, int], None]
    summary: str


TRADERS: Registry[Trader] = Registry("trader")
"""Name -> :class:`Trader`; a new one is one file and one line in ``traders/__init__.py``."""
