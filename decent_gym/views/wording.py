"""Words and numbers that text and pictures of a round have in common."""

from typing import Final

import numpy as np

from decent_gym.models import Round

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Not from strftime, which speaks the language of the machine."""


def time_words(record: Round) -> str:
    """When the round began, e.g. ``Mon 2016-07-04 11:00 UTC``."""
    return f"{WEEKDAYS[record.time.weekday()]} {record.time:%Y-%m-%d %H:%M} UTC"


def split_unit(name: str) -> tuple[str, str]:
    """``"score [EUR]"`` as ``("score", "EUR")``; no unit is the empty one."""
    label, bracket, unit = name.partition("[")
    return (label.strip(), unit.rstrip("] ")) if bracket else (name, "")


def shortened(text: str, width: int) -> str:
    """`text`, or as much of it as fits `width` with an ellipsis in place of the rest."""
    return text if len(text) <= width else text[: width - 1] + "…"


def kilowatt_hours(energy: int | np.integer) -> float:
    """Energy in kWh, for people."""
    return int(energy) / 1000
