"""Checking Merkle proofs: that a record is in a tree, and that a tree continues an older one.

Shares the two hashes with the ledger and nothing else, not even how a tree grows.  Whatever the
bytes, the answer is a reason or None; nothing is raised.

Source: RFC 9162, sections 2.1.3.2 and 2.1.4.2 (the algorithms of verification).
"""

from collections.abc import Sequence
from typing import Final

from decent_gym.ledger.hashing import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash

SIZE_CAP: Final = 2**63 - 1
"""Most leaves of a tree; a path then has at most 63 nodes, a consistency proof 64."""


class GrowingTree:
    """The root of all records so far.

    Keeps the root of each complete subtree by its height: a new leaf is carried upwards like the
    one that is added to a binary number.

    Attributes
    ----------
    size : int
        Leaves so far.
    """

    def __init__(self) -> None:
        self.size = 0
        self._by_height: dict[int, bytes] = {}

    def append(self, data: bytes) -> None:
        """Add a leaf."""
        height, node = 0, leaf_hash(data)
        while height in self._by_height:
            node = node_hash(self._by_height.pop(height), node)
            height += 1
        self._by_height[height] = node
        self.size += 1

    def root(self) -> bytes:
        """Root of all leaves, 32 bytes."""
        heights = sorted(self._by_height)
        if not heights:
            return EMPTY_ROOT
        found = self._by_height[heights[0]]
        for height in heights[1:]:
            found = node_hash(self._by_height[height], found)
        return found


def inclusion_fault(
    data: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> str | None:
    """Why `path` does not show that leaf `index` of the tree `root` of `size` leaves is `data`.

    Parameters
    ----------
    data : bytes
        In a ledger a record's own hash.
    index, size : int
    path : sequence of bytes (32,)
        From the leaf's sibling upwards.
    root : bytes (32,)

    Returns
    -------
    str or None
        None if it does show it.
    """
    if not 0 <= index < size <= SIZE_CAP:
        return f"leaf {index} cannot be in a tree of {size} leaves"
    fault = _form_fault(path)
    if fault is not None:
        return fault
    node, last, found = index, size - 1, leaf_hash(data)
    for sibling in path:
        if last == 0:
            return f"the path of leaf {index} is too long for {size} leaves"
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:  # levels where the node has no sibling
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        return f"the path of leaf {index} is too short for {size} leaves"
    if found != root:
        return f"leaf {index} and its path lead to the root {found.hex()}, not to {root.hex()}"
    return None


def consistency_fault(
    old: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes
) -> str | None:
    """Why `path` does not show that the tree of `size` leaves begins with the one of `old` leaves.

    The empty tree is the beginning of every tree, so 0 as `old` proves nothing and is refused.
    A root does not say of how many leaves it is: sizes count only together with the roots that
    somebody signed, as a checkpoint holds them.
    """
    if not 0 < old <= size <= SIZE_CAP:
        return f"a tree of {size} leaves cannot continue one of {old}"
    fault = _form_fault(path)
    if fault is not None:
        return fault
    if old == size:
        if path:
            return "two trees of one size need no path"
        if old_root != root:
            return f"two trees of {size} leaves have the roots {old_root.hex()} and {root.hex()}"
        return None
    nodes = list(path)
    if old & (old - 1) == 0:  # the old tree is one complete subtree of the new one
        nodes.insert(0, old_root)
    if not nodes:
        return f"the path from {old} to {size} leaves is missing"
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_found = found = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return f"the path from {old} to {size} leaves is too long"
        if node & 1 or node == last:
            old_found, found = node_hash(sibling, old_found), node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        return f"the path from {old} to {size} leaves is too short"
    if old_found != old_root:
        return f"the path leads to the old root {old_found.hex()}, not to {old_root.hex()}"
    if found != root:
        return f"the path leads to the root {found.hex()}, not to {root.hex()}"
    return None


def _form_fault(path: Sequence[bytes]) -> str | None:
    if len(path) > SIZE_CAP.bit_length() + 1:
        return f"a path of {len(path)} nodes is longer than any tree is deep"
    for place, node in enumerate(path):
        if len(node) != HASH_BYTES:
            return f"node {place} of the path has {len(node)} bytes instead of {HASH_BYTES}"
    return None
