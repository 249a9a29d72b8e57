"""What is closed when a ``with`` block is left."""

from types import TracebackType
from typing import Self


class Closing:
    """A context manager around ``close()``; whatever was raised in the block goes on."""

    def close(self) -> object:
        """Let go of everything; a second call does nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
