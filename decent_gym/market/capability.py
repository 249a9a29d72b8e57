"""The object that entitles its holder to act as the grid operator."""

from decent_gym.errors import NotAuthorizedError


class Capability:
    """Made together with one operator and compared by ``is``.

    It stops mistakes, not liars: whoever can read the process's memory can read it too.
    Signatures are for liars.
    """

    __slots__ = ()


def authorize(held: Capability, shown: object, what: str) -> None:
    """Raise :class:`NotAuthorizedError` unless `shown` is the very object that is held."""
    if shown is not held:
        raise NotAuthorizedError(
            f"only the grid operator may {what}; pass the capability it was made with"
        )
