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
        Tariffs it reads, of ``("retail", "feed_in")``: keywords of
        :func:`decent_gym.clearing.clear`, columns of ``Books.tariffs``.
    members_only : bool
        The utility must not stand in the book, or the dropped deal or the pivot would be the
        utility: :class:`Rules` refuses ``utility="book"``.
    draws : bool
        Reads ``Books.lottery`` whatever the tie rule.
    respects_limits : bool
        Nobody pays more than the bid or gets less than the ask.
    budget : str
        What the operator keeps: ``"balanced"`` 0, ``"surplus"`` never less than 0, ``"deficit"``
        never more, ``"any"``.
    truthful : str
        For whom no other limit brings more, whatever the others report and however the lot falls:
        ``""`` nobody, ``"unit"`` organizations with one offer where all energies are equal,
        ``"divisible"`` with one offer of any energy, ``"several"`` with several offers on a side.
    bar : str
        What a rejected order failed to beat, for its reason: ``"price"``, what its side paid, or
        ``"limit"``, the worst limit accepted on its side.
    wishes : bool
        Reads ``attributes``, ``premium`` and ``partner`` of ``Books``: keywords of
        :func:`decent_gym.clearing.clear` that others refuse.
    """

    name: str
    clear: Callable[..., None]
    uniform: bool
    summary: str
    needs: tuple[str, ...] = ()
    members_only: bool = False
    draws: bool = False
    respects_limits: bool = True
    budget: str = "balanced"
    truthful: str = ""
    bar: str = "price"
    wishes: bool = False


MECHANISMS: Registry[Mechanism] = Registry("mechanism")
"""Name -> :class:`Mechanism`; a new one is one file and one line in ``clearing/__init__.py``."""
