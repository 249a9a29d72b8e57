"""Every error that decent-gym raises on purpose.

The tree separates whose fault it is: the caller's (``InputError``), somebody else's bytes
(``DataError``), or a call that was not entitled to what it asked for (``NotAuthorizedError``)::

    DecentGymError
    |-- InputError (ValueError)        the caller's mistake; nothing has changed
    |   |-- UnknownNameError           a name that no registry, scenario or organization list holds
    |   |-- OfferError                 an offer that may not enter the book (carries .field, .value)
    |   |-- ActionError                an action of the wrong shape, type or value
    |   |-- ScenarioError              a scenario that contradicts itself, or its file, column, row
    |   `-- RoundOrderError            a step of the round out of order, or taken twice
    |-- NotAuthorizedError             only the grid operator may do this
    |-- DataError                      bytes that are not what they claim to be
    |   `-- LedgerError                a ledger that cannot be read, or a failed write poisoned it
    `-- MissingExtraError (ImportError)  an optional package is needed; says which extra has it

A failed *verification* is not an error but a result: :class:`decent_gym.ledger.Verification`.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Final

_LONGEST_SHOWN: Final = 200
_DEEPEST: Final = 100
_WIDEST: Final = 10**5
_CONTAINERS: Final = (list, tuple, set, frozenset, dict)


def shown(value: object) -> str:
    """`value` for a message: its repr, cut; for one that Python cannot print, its type.

    A list nested a hundred thousand deep, or an integer of five thousand digits, must not turn the
    error that names it into another one.
    """
    try:
        text = "" if is_deep(value) else repr(value)
    except (ValueError, RecursionError):
        text = ""
    if not text:
        return f"one of type {type(value).__name__}, too large or too deep to print"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def plain(text: str) -> str:
    """`text` for a terminal: what cannot be printed is spelled as in Python's source.

    What others send may hold codes with which a terminal moves the cursor, or hides what it shows.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def is_deep(value: object) -> bool:
    """Whether lists, tuples, sets and mappings are nested deeper than anybody means it.

    Python's own functions rely on the recursion limit; where a library has raised it, they end the
    process.
    """
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one) if isinstance(part, _CONTAINERS)]
        if not level:
            return False
        if len(level) > _WIDEST:
            break
    return True


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return chain(value, value.values())
    return value if isinstance(value, (list, tuple, set, frozenset)) else ()


class DecentGymError(Exception):
    """Base of all errors raised on purpose."""


class InputError(DecentGymError, ValueError):
    """The caller's mistake: names the value, the place and the remedy; nothing has changed."""


class UnknownNameError(InputError, KeyError):
    """A name that is not in the registry; the message names the nearest one that is."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class OfferError(InputError):
    """An offer that may not enter the book.

    Attributes
    ----------
    field : str
        The field at fault, as it is called in :class:`decent_gym.Offer`.
    value : object
        What it held.
    """

    def __init__(self, message: str, *, field: str, value: object) -> None:
        super().__init__(message)
        self.field = field
        self.value = value

    def __reduce__(
        self,
    ) -> tuple[Callable[..., "OfferError"], tuple[object, ...], dict[str, object]]:
        # an error that crosses processes is pickled, and its args alone would not make it again
        return partial(OfferError, field=self.field, value=self.value), self.args, vars(self)


class ActionError(InputError):
    """An action of the wrong shape, type or value."""


class ScenarioError(InputError):
    """A scenario that contradicts itself; for files, names the file, column and row."""


class RoundOrderError(InputError):
    """A step of the round was called out of order, or twice."""


class NotAuthorizedError(DecentGymError, PermissionError):
    """Only the grid operator may do this; nothing has changed."""


class DataError(DecentGymError):
    """External bytes that are not what they claim to be."""


class LedgerError(DataError):
    """A ledger that cannot be read, or whose writer was poisoned by a failed write."""


class MissingExtraError(DecentGymError, ImportError):
    """An optional package is missing; the message is one sentence that says what to install."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'decent-gym[{extra}]'")
        self.package = package
        self.extra = extra
        self._purpose = purpose

    def __reduce__(
        self,
    ) -> tuple[Callable[..., "MissingExtraError"], tuple[object, ...], dict[str, object]]:
        return MissingExtraError, (self.package, self.extra, self._purpose), vars(self)
