"""What people write into a profile file: headings ``name [unit]``, and numbers.

Numbers are taken as decimals and rounded once, half to even, so a file gives the same integers on
every machine, whichever format it has.
"""

import re
from collections.abc import Container
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from decent_gym.errors import ScenarioError, shown
from decent_gym.registry import unknown_name
from decent_gym.scenarios.columns import LIMITS, UNITS

HEADING: Final = re.compile(r"(?P<name>[^\[\]]*)\[(?P<unit>[^\[\]]*)\]")
LONGEST_HEADING: Final = 200
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
LONGEST_NUMBER: Final = 40
EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough for the longest number times the largest factor: only the last step rounds."""
EMPTY: Final = "is empty; fill the gap, missing values are not guessed"


def read_heading(text: str, number: int, place: str, taken: Container[str]) -> tuple[str, str]:
    """Name and unit of column `number` of the file and line that `place` names.

    Raises
    ------
    ScenarioError
        If it is no ``name [unit]``, or its name is in `taken`.
    UnknownNameError
        For an unknown unit; names the nearest one.
    """
    match = HEADING.fullmatch(text.strip()) if len(text) <= LONGEST_HEADING else None
    if match is None or not match["name"].strip():
        raise ScenarioError(
            f"{place}: column {number} is headed {shown(text)}; "
            f"write 'name [unit]' with one of {', '.join(UNITS)}"
        )
    name, unit = match["name"].strip(), match["unit"].strip()
    if unit not in UNITS:
        raise unknown_name(f"unit of column {name!r} in {place}", unit, UNITS)
    if name in taken:
        raise ScenarioError(f"{place}: column {name!r} stands there twice; rename one")
    return name, unit


def integer(text: str, unit: str) -> int:
    """The number `text`, in `unit`, as the integer inside.

    Raises
    ------
    ValueError
        Saying what is wrong with `text`, to be put after its place.
    """
    kind, factor = UNITS[unit]
    if not text:
        raise ValueError(EMPTY)
    if len(text) > LONGEST_NUMBER or NUMBER.fullmatch(text) is None:
        raise ValueError(_not_a_number(text))
    scaled = EXACT.multiply(Decimal(text), factor)
    if abs(scaled) > 2 * LIMITS[kind][1]:  # before it becomes an integer of 999 digits
        raise ValueError(f"is beyond what {kind} may be; check the unit {unit!r}")
    return int(EXACT.to_integral_value(scaled))


def _not_a_number(text: str) -> str:
    if text.lstrip("+-").lower() in ("", "nan", "inf", "infinity", "null", "none", "na", "n/a"):
        return "is not a finite number; fill the gap, missing values are not guessed"
    if len(text) > LONGEST_NUMBER:
        return f"is longer than {LONGEST_NUMBER} characters"
    if NUMBER.fullmatch(text.replace(",", ".", 1)):
        return f"has a decimal comma; write {text.replace(',', '.')}"
    return "is not a number"
