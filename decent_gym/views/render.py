"""A round for the eye: text or picture."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from decent_gym.models import Round

RENDER_MODES: Final = ("ansi", "rgb_array")


def render_round(
    record: Round, names: Sequence[str], learner: str, state: Mapping[str, float], mode: str
) -> Any:
    """Text for ``ansi``, uint8 (H, W, 3) for ``rgb_array``."""
    return str(record)
