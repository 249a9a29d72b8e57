"""Reading JSON that may be anybody's: limits first, then one strict form.

Python's ``json`` goes as deep as the text does.  Its parser is C and leans on the recursion limit,
which other libraries raise: then 4 kB of brackets end the process instead of an error.  It also
takes NaN, 1e400 as infinity, and a key twice.  None of that passes here, so this is the only file
that calls it on what comes from outside.
"""

import json
import re
from itertools import accumulate
from math import isfinite
from typing import Any, Final, NoReturn

from decent_gym.units import JSON_INTEGER_CAP

DEPTH_CAP: Final = 32
"""Deepest nesting that is read, unless a reader asks for less."""
_DIGITS_CAP: Final = 20
# Takes a text to its end even if it is never closed: else each quote in it would be tried as the
# beginning of another, and 30 kB take three seconds.
_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_NO_MARKS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_STEPS: Final = tuple((byte in b"[{") - (byte in b"]}") for byte in range(256))


def load_json(data: bytes | str, cap: int, *, depth: int = DEPTH_CAP, whole: bool = False) -> Any:
    """What a JSON text says.

    Parameters
    ----------
    data : bytes or str
        UTF-8 without a mark in front.
    cap : int
        Most bytes that are read.
    depth : int, optional
        How deep lists and objects may be nested; counted before parsing.
    whole : bool, optional
        Numbers must be integers within 2^53 - 1, as all readers of JSON agree on; otherwise
        integers of at most 20 characters and finite floats.

    Raises
    ------
    ValueError
        It is anything else; the caller knows the place, and names it.
    """
    text = data.encode() if isinstance(data, str) else data
    if len(text) > cap:
        raise ValueError(f"JSON of {len(text)} bytes is longer than {cap}")
    if deepest(_outside_of_texts(text)) > depth:
        raise ValueError(f"JSON is nested deeper than {depth}")
    return json.loads(
        text.decode("utf-8"),
        object_pairs_hook=_without_twins,
        parse_constant=_refuse if whole else _no_constant,
        parse_float=_refuse if whole else _finite,
        parse_int=_whole if whole else _integer,
    )


def deepest(text: bytes) -> int:
    """How deep square and curly brackets are nested, wherever they stand."""
    steps = map(_STEPS.__getitem__, text.translate(None, _NO_BRACKETS))
    return max(accumulate(steps), default=0)


def _outside_of_texts(text: bytes) -> bytes:
    """The brackets of a JSON text that stand outside of its texts, at least."""
    # Where no text holds one, an even number of quotes stands before each: a third of the time.
    plain = text.translate(None, _NO_MARKS).replace(b'""', b"")
    return _TEXT.sub(b"", text) if b'"' in plain or b"\\" in text else plain


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice; name each once")
    return found


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def _integer(text: str) -> int:
    if len(text) > _DIGITS_CAP:
        raise ValueError(f"the integer {text[:20]}... has more than {_DIGITS_CAP} characters")
    return int(text)


def _whole(text: str) -> int:
    number = int(text) if len(text) <= _DIGITS_CAP else JSON_INTEGER_CAP + 1
    if abs(number) > JSON_INTEGER_CAP:
        raise ValueError(f"{text[:20]} is beyond 2^53 - 1")
    return number
