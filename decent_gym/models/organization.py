"""A member of a smart district."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from decent_gym.errors import InputError, shown
from decent_gym.units import checked_int


@dataclass(frozen=True, slots=True)
class Organization:
    """A building, a heat plant or the utility.

    Parameters
    ----------
    name : str
        Unique in its market; letters, digits, ``_`` and ``-`` only, because it becomes part of
        MQTT topics and file names.
    district : str
        The smart district it belongs to.
    priority : int
        Class at the margin: 0 for members, 1 for the utility; the lower class is filled first,
        so that a neighbour never loses a tie to the main grid.
    enabled : bool
        A disabled organization may not submit.
    attributes : mapping of str to str
        What is known of it, e.g. ``{"kind": "household"}``.
    """

    name: str
    district: str = "district"
    priority: int = 0
    enabled: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, text in (("name", self.name), ("district", self.district)):
            if not isinstance(text, str) or not text or not _plain(text) or len(text) > 64:
                raise InputError(
                    f"organization {what} must be 1 to 64 letters, digits, '_' or '-', "
                    f"got {shown(text)}"
                )
        checked_int(self.priority, f"organization {self.name!r}: priority", 0, 1)
        if not isinstance(self.enabled, bool):
            raise InputError(
                f"organization {self.name!r}: enabled must be True or False, "
                f"got {shown(self.enabled)}"
            )
        if not isinstance(self.attributes, Mapping):
            raise InputError(
                f"organization {self.name!r}: attributes must be a mapping, "
                f"got {shown(self.attributes)}"
            )


def _plain(text: str) -> bool:
    return text.isascii() and text.replace("_", "a").replace("-", "a").isalnum()
