"""Every input that the fuzzers began from or found, tried in every build, without the fuzzers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fuzz.seeds import CORPUS
from fuzz.targets import TARGETS, remove_place

FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.fixture(scope="module", autouse=True)
def place() -> Iterator[None]:
    yield
    remove_place()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_a_little_changed(name: str) -> None:
    """A hundredth of a second of fuzzing: cut, doubled, or with a few other bytes."""
    random = np.random.default_rng(len(name))
    seeds = sorted((CORPUS / name).glob("seed-*"))
    assert seeds, f"{name} has no seeds; run python -m fuzz.seeds"
    for path in seeds:
        seed = path.read_bytes()
        for data in (b"", seed[: len(seed) // 2], seed * 2):
            TARGETS[name](data)
        for _ in range(6):
            wrong = bytearray(seed)
            for at in random.integers(len(seed), size=3):
                wrong[at] = random.integers(256)
            TARGETS[name](bytes(wrong))


def test_the_corpus_is_small_and_has_no_strangers() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)
    assert sum(path.stat().st_size for path in FILES) < 500_000
