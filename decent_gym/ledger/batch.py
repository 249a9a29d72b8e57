"""Records gather in one buffer, where they are encoded, and are hashed and written together.

Hashing each as it comes would touch cold caches every time, and copy every record twice.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.ledger.frames import TAIL_BYTES
from decent_gym.ledger.hashing import HASH_BYTES, link

BATCH_BYTES: Final = 2**19
"""When so much has gathered, it is time to hash and write it."""


class Batch:
    """Bodies of records, each with room behind it for the two hashes."""

    def __init__(self) -> None:
        self._array = np.empty(BATCH_BYTES, np.uint8)
        self._bytes = self._array.data
        self._ends: list[int] = []
        self._next = 0

    def __len__(self) -> int:
        """How many records have gathered."""
        return len(self._ends)

    @property
    def is_full(self) -> bool:
        """Whether it is time for :meth:`link`."""
        return self._next >= BATCH_BYTES

    def room(self, size: int) -> tuple[npt.NDArray[np.uint8], int]:
        """The buffer, and where in it a body of at most `size` bytes may be written."""
        wanted = self._next + size + TAIL_BYTES
        if wanted > len(self._array):
            grown = np.empty(wanted + BATCH_BYTES, np.uint8)
            grown[: self._next] = self._array[: self._next]
            self._array, self._bytes = grown, grown.data
        return self._array, self._next

    def keep(self, end: int) -> None:
        """Count the body that has been written into the room, up to `end`, as a record."""
        self._ends.append(end)
        self._next = end + TAIL_BYTES

    def add(self, body: bytes) -> None:
        """Copy a body into the room and keep it."""
        _, first = self.room(len(body))
        end = first + len(body)
        self._bytes[first:end] = body
        self.keep(end)

    def link(self, head: bytes) -> tuple[memoryview, list[bytes]]:
        """Chain the records to `head` and to each other.

        Returns
        -------
        memoryview
            The records with their hashes, valid until something is written into the room.
        list of bytes
            Their own hashes.
        """
        first, hashes = 0, []
        for end in self._ends:
            own = link(head, self._bytes[first:end])
            middle, last = end + HASH_BYTES, end + TAIL_BYTES
            self._bytes[end:middle] = head
            self._bytes[middle:last] = own
            hashes.append(own)
            first, head = last, own
        return self._bytes[:first], hashes

    def clear(self) -> None:
        """Forget the records: they are where they shall be."""
        self._ends.clear()
        self._next = 0
