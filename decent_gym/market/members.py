"""Who may trade in a market."""

from collections.abc import Sequence

from decent_gym.errors import InputError, shown
from decent_gym.models import Organization


def checked_organizations(organizations: Sequence[Organization]) -> tuple[Organization, ...]:
    """The organizations as a tuple, if there are any and their names differ."""
    members = tuple(organizations)
    if not members:
        raise InputError("a market needs at least one organization, got none")
    for member in members:
        if not isinstance(member, Organization):
            raise InputError(f"organizations must be Organization objects, got {shown(member)}")
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"organization name {twice!r} is used twice; names must differ")
    return members
