"""A round for the eye: text or picture."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from decent_gym.models import Round
from decent_gym.registry import unknown_name
from decent_gym.views.ansi import round_text
from decent_gym.views.picture import round_picture

RENDER_MODES: Final = ("ansi", "rgb_array")


def render_round(
    record: Round, names: Sequence[str], learner: str, state: Mapping[str, float], mode: str
) -> Any:
    """One round as its learner would want to see it.

    Parameters
    ----------
    record : Round
    names : sequence of str
        The organizations in the order of their account index.
    learner : str
        Whose offers, energy, money and stores are shown.
    state : mapping of str to float
        The learner's state after the round.  The unit stands at the end of the name in brackets:
        ``"battery [%]"`` becomes a bar from 0 to 100, ``"score [EUR]"`` a number.
    mode : {"ansi", "rgb_array"}

    Returns
    -------
    str or uint8 (600, 900, 3)
        At most 24 lines of at most 100 columns, or the picture.

    Raises
    ------
    UnknownNameError
        For a mode or learner that does not exist, naming the nearest that does.
    MissingExtraError
        For ``rgb_array`` without matplotlib.
    """
    if mode not in RENDER_MODES:
        raise unknown_name("render_mode", mode, RENDER_MODES)
    if learner not in names:
        raise unknown_name("organization (learner)", learner, names)
    index = list(names).index(learner)
    if mode == "ansi":
        return round_text(record, learner, index, state)
    return round_picture(record, learner, index, state)
