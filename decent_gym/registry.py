"""Name -> object, with an error that names the nearest right name."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from decent_gym.errors import InputError, UnknownNameError, shown

_LONGEST_LIST = 1_500
T = TypeVar("T")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a misspelt name: says the nearest known one, or lists them all."""
    names = sorted(known)
    near = difflib.get_close_matches(_text(name), names, n=1, cutoff=0.5)
    listed = ", ".join(names)
    if len(listed) > _LONGEST_LIST:  # a file's columns may be anything
        listed = f"{listed[:_LONGEST_LIST]}..."
    hint = f"did you mean {shown(near[0])}?" if near else f"known: {listed or 'none'}"
    return UnknownNameError(f"unknown {kind} {shown(name)}; {hint}")


def _text(name: object) -> str:
    return name if isinstance(name, str) else shown(name)


class Registry(Mapping[str, T], Generic[T]):
    """A read-only mapping to its users; whoever adds a variant calls :meth:`add` once."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Register `entry`; a name is never taken twice."""
        if name in self._entries:
            raise InputError(f"{self.kind} {name!r} is registered already; choose another name")
        self._entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            raise unknown_name(self.kind, name, self._entries) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<{self.kind} registry: {', '.join(self._entries)}>"
