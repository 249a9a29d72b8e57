"""The Merkle tree over a ledger's records: its root as they arrive, and proofs about it.

How proofs are checked stands in :mod:`decent_gym.audit.paths`, which shares only the two hashes
with this file.

Source: RFC 6962, section 2.1 (the same tree as in RFC 9162, section 2.1).
"""

from collections.abc import Iterable

from decent_gym.errors import InputError
from decent_gym.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash


class Frontier:
    """The root of a growing tree, from one hash per complete subtree: at most 64 of them.

    Attributes
    ----------
    size : int
        Leaves so far.
    """

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[bytes] = []

    def append(self, data: bytes) -> None:
        """Add a leaf: one hash for it, and one inner node on average."""
        node = leaf_hash(data)
        size = self.size
        while size & 1:  # two complete subtrees of one size become one
            node = node_hash(self._complete.pop(), node)
            size >>= 1
        self._complete.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Root over all leaves so far, 32 bytes."""
        if not self._complete:
            return EMPTY_ROOT
        *larger, root = self._complete
        for node in reversed(larger):
            root = node_hash(node, root)
        return root


class Tree:
    """A whole tree in memory, for making proofs; about 64 bytes a leaf.

    Parameters
    ----------
    leaves : iterable of bytes
        In a ledger the records' own hashes, the header's first.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = [leaf_hash(data) for data in leaves]
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:  # level k holds the complete subtrees of 2^k leaves
            level = [node_hash(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
            self._levels.append(level)

    def root(self, size: int | None = None) -> bytes:
        """Root over the first `size` leaves (None: all), 32 bytes.

        Raises
        ------
        InputError
            The tree has fewer leaves.
        """
        size = self._checked(size)
        return self._node(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that leaf `index` is in the tree of the first `size` leaves (None: all).

        Returns
        -------
        list of bytes
            The siblings on the way from the leaf to the root.

        Raises
        ------
        InputError
            There is no such leaf.
        """
        size = self._checked(size)
        if not 0 <= index < size:
            raise InputError(f"leaf {index} is not in a tree of {size} leaves")
        path: list[bytes] = []
        first, last = 0, size
        while last - first > 1:
            middle = first + _split(last - first)
            if index < middle:
                path.append(self._node(middle, last))
                last = middle
            else:
                path.append(self._node(first, middle))
                first = middle
        return path[::-1]

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """Proof that the first `size` leaves (None: all) begin with the first `old` ones.

        Raises
        ------
        InputError
            `old` is not in [0, size].
        """
        size = self._checked(size)
        if not 0 <= old <= size:
            raise InputError(f"a tree of {old} leaves is not the beginning of one of {size}")
        if old in (0, size):
            return []
        path: list[bytes] = []
        first, last, is_whole = 0, size, True
        while old != last:
            middle = first + _split(last - first)
            if old <= middle:
                path.append(self._node(middle, last))
                last = middle
            else:
                path.append(self._node(first, middle))
                first, is_whole = middle, False
        if not is_whole:  # the verifier knows the old root, but no part of it
            path.append(self._node(first, last))
        return path[::-1]

    def _checked(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise InputError(f"the tree has {self.size} leaves, not {size}")
        return size

    def _node(self, first: int, last: int) -> bytes:
        """Root over the leaves ``first .. last - 1``, where first is a multiple of a power of 2."""
        width = last - first
        level = width.bit_length() - 1
        if width == 1 << level:
            return self._levels[level][first >> level]
        middle = first + _split(width)
        return node_hash(self._node(first, middle), self._node(middle, last))


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)
