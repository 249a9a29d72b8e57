"""What a market mechanism is, and the registry that holds them all."""

from collections.abc import Callable
from dataclasses import dataclass

from decent_gym.registry import Registry


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A rule that turns books into accepted energies and payments.

    Attributes
    ----------
    name : str
    clear : callable
        ``clear(books, rules, outcome, first, last)`` with :class:`Books`, :class:`Rules`,
        :class:`Outcome`: clears the rows ``first <= b < last`` and writes every entry of them.
        It trusts its input, must not depend on array position, and may run in several threads on
        disjoint rows.
    uniform : bool
        One price per book: ``pays`` is price times energy.
    summary : str
        One sentence for lists.
    needs : tuple of str
        Keywords it takes beside the common ones of :func:`decent_gym.clearing.clear`.
    """

    name: str
    clear: Callable[..., None]
    uniform: bool
    summary: str
    needs: tuple[str, ...] = ()


MECHANISMS: Registry[Mechanism] = Registry("mechanism")
"""Name -> :class:`Mechanism`; a new one is one file and one line in ``clearing/__init__.py``."""
