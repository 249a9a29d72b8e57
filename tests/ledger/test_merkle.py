"""The tree, its proofs and their checker against the RFC's own recursion and published vectors."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.merkle import Slow

from decent_gym.audit.paths import GrowingTree, consistency_fault, inclusion_fault
from decent_gym.errors import InputError
from decent_gym.ledger.merkle import Frontier, Tree

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "trust_vectors.json").read_text())
LEAVES = [index.to_bytes(2, "big") * (index % 5) for index in range(257)]
SLOW = Slow(LEAVES)
TREE = Tree(LEAVES)
ROOTS = [SLOW.mth(0, size) for size in range(258)]
OTHER = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")


def unhex(texts):
    return [bytes.fromhex(text) for text in texts]


def test_published_roots_and_proofs():
    leaves, roots = unhex(VECTORS["leaves"]), unhex(VECTORS["roots"])
    tree = Tree(leaves)
    assert [tree.root(size) for size in range(1, 9)] == roots
    for case in VECTORS["inclusion"]:
        index, size, path = case["index"], case["size"], unhex(case["path"])
        assert tree.inclusion(index, size) == path
        assert inclusion_fault(leaves[index], index, size, path, roots[size - 1]) is None
    for case in VECTORS["consistency"]:
        old, size, path = case["old"], case["size"], unhex(case["path"])
        assert tree.consistency(old, size) == path
        assert consistency_fault(old, size, path, roots[old - 1], roots[size - 1]) is None


def test_the_frontier_and_the_tree_have_the_root_of_the_rfc():
    frontier = Frontier()
    for size in range(258):
        assert frontier.size == size
        assert frontier.root() == TREE.root(size) == ROOTS[size]
        if size < 257:
            frontier.append(LEAVES[size])


def test_the_verifiers_own_tree_has_the_root_of_the_rfc():
    tree = GrowingTree()
    for size in range(258):
        assert (tree.size, tree.root()) == (size, ROOTS[size])
        if size < 257:
            tree.append(LEAVES[size])


def test_all_inclusion_proofs():
    for size in range(1, 258):
        for index in range(size):
            path = TREE.inclusion(index, size)
            assert path == SLOW.path(index, 0, size)
            assert inclusion_fault(LEAVES[index], index, size, path, ROOTS[size]) is None


def test_all_consistency_proofs():
    for size in range(1, 258):
        for old in range(1, size + 1):
            path = TREE.consistency(old, size)
            assert path == SLOW.proof(old, size)
            assert consistency_fault(old, size, path, ROOTS[old], ROOTS[size]) is None


def broken_paths(path, known):
    """Everything that must not pass for `path`."""
    for place in range(len(path)):
        yield [*path[:place], *path[place + 1 :]]
        flipped = bytes([path[place][0] ^ 8]) + path[place][1:]
        yield [*path[:place], flipped, *path[place + 1 :]]
        yield [*path[:place], path[place][:-1], *path[place + 1 :]]
    for extra in (b"", OTHER, *known):
        yield [extra, *path]
        yield [*path, extra]
    if len(path) > 1:
        yield path[::-1]
        yield []
        yield [path[0], OTHER, *path[1:]]


SIZES = [*range(1, 34), 63, 64, 65, 100, 128, 129, 255, 256, 257]


def test_no_broken_inclusion_proof_passes():
    checked = 0
    for size in SIZES:
        for index in range(0, size, max(1, size // 16)):
            leaf, root, path = LEAVES[index], ROOTS[size], TREE.inclusion(index, size)
            assert inclusion_fault(leaf, index, size, path, root) is None
            wrong = [(leaf, index, size, bad, root) for bad in broken_paths(path, [root])]
            wrong += [
                (leaf, other, size, path, root)
                for other in {index - 1, index + 1, index ^ 2, size, 2**64}
            ]
            wrong += [(leaf, index, other, path, root) for other in (0, -1, 2**63)]
            wrong += [(leaf + b"x", index, size, path, root), (leaf, index, size, path, OTHER)]
            wrong += [(leaf, index, size, path, ROOTS[size - 1]), (leaf, index, size, path, b"")]
            for case in wrong:
                assert inclusion_fault(*case) is not None, case
            checked += len(wrong)
    assert checked > 5_000


def test_a_leaf_proves_nothing_about_a_tree_of_another_size():
    """Unless the path is the same in both: then the root is, and it says nothing of the size."""
    for size, other in itertools.product(range(1, 40), range(1, 40)):
        for index in range(min(size, other)):
            path = TREE.inclusion(index, size)
            same = size == other
            assert (
                inclusion_fault(LEAVES[index], index, other, path, ROOTS[other]) is None
            ) is same


def test_a_path_that_goes_on_above_the_root_is_too_long():
    """Leaf 1 of two, said to be the only one: the sibling would be taken above the top."""
    for size in (2, 3, 4, 8, 257):
        path = TREE.inclusion(size - 1, size)
        assert inclusion_fault(LEAVES[size - 1], size - 1, size, path, ROOTS[size]) is None
        assert "too long" in inclusion_fault(LEAVES[size - 1], 0, 1, path, ROOTS[size])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_node_of_another_length_is_named(length):
    path, longer = TREE.inclusion(3, 200), TREE.consistency(3, 200)
    path[1] = longer[1] = bytes(length)
    words = f"node 1 of the path has {length} bytes"
    assert words in inclusion_fault(LEAVES[3], 3, 200, path, ROOTS[200])
    assert words in consistency_fault(3, 200, longer, ROOTS[3], ROOTS[200])


def test_no_broken_consistency_proof_passes():
    checked = 0
    for size in SIZES:
        for old in range(1, size, max(1, size // 16)):
            path, before, after = TREE.consistency(old, size), ROOTS[old], ROOTS[size]
            assert consistency_fault(old, size, path, before, after) is None
            wrong = [(old, size, bad, before, after) for bad in broken_paths(path, [before, after])]
            wrong += [(other, size, path, before, after) for other in (old - 1, old + 1, old ^ 2)]
            wrong += [
                (old, other, path, before, after) for other in (0, size // 2, size * 2, 2**63)
            ]
            wrong += [(old, size, path, after, before), (old, size, path, OTHER, after)]
            wrong += [(old, size, path, before, OTHER), (size, old, path, after, before)]
            wrong += [(0, size, [], ROOTS[0], after), (old, size, [], before, after)]
            for case in wrong:
                assert consistency_fault(*case) is not None, case
            checked += len(wrong)
    assert checked > 5_000


def test_sizes_one_off_are_refused():
    """With the roots of those sizes; a root alone does not say of how many leaves it is."""
    for size, old in itertools.product(range(2, 40), range(1, 39)):
        if old < size:
            path = TREE.consistency(old, size)
            for a, b in ((old + 1, size), (old - 1, size), (old, size + 1), (old, size - 1)):
                if a == b:
                    assert path != []
                assert consistency_fault(a, b, path, ROOTS[a], ROOTS[b]) is not None


def test_two_trees_of_one_size():
    assert consistency_fault(5, 5, [], ROOTS[5], ROOTS[5]) is None
    assert "have the roots" in consistency_fault(5, 5, [], ROOTS[5], ROOTS[6])
    assert "need no path" in consistency_fault(5, 5, [ROOTS[5]], ROOTS[5], ROOTS[5])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=80), st.data())
def test_any_leaves(leaves, data):
    tree, slow = Tree(leaves), Slow(leaves)
    size = data.draw(st.integers(1, len(leaves)))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert tree.inclusion(index, size) == slow.path(index, 0, size)
    assert tree.consistency(old, size) == slow.proof(old, size)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(-2, 2**64), st.integers(-2, 2**64), st.lists(st.binary(max_size=33), max_size=70),
)  # fmt: skip
def test_the_checker_answers_whatever_it_is_given(index, size, path):
    assert inclusion_fault(b"leaf", index, size, path, OTHER) is not None
    assert consistency_fault(index, size, path, OTHER, ROOTS[3]) is not None


def test_a_proof_of_what_is_not_there_is_refused():
    tree = Tree(LEAVES[:4])
    for wrong in (
        lambda: tree.inclusion(4),
        lambda: tree.inclusion(-1),
        lambda: tree.inclusion(3, 3),
        lambda: tree.inclusion(0, 5),
        lambda: tree.consistency(5),
        lambda: tree.consistency(-1),
        lambda: tree.root(5),
    ):
        with pytest.raises(InputError):
            wrong()
    assert Tree([]).root() == ROOTS[0]
    assert tree.consistency(0) == tree.consistency(4) == []
