"""Recorded episodes in memory and in a file; Minari's folder is a fresh one for every test."""

from pathlib import Path

import pytest
from offline.recordings import recorded

from decent_gym.offline import EpisodeSource, write_parquet


@pytest.fixture(scope="session")
def source() -> EpisodeSource:
    """In memory."""
    ran = recorded()
    episodes = list(ran)
    return EpisodeSource(ran.origin, len(episodes), lambda: iter(episodes))


@pytest.fixture
def file(tmp_path: Path, source: EpisodeSource) -> Path:
    path = tmp_path / "data.parquet"
    write_parquet(path, source)
    return path


@pytest.fixture(autouse=True)
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Minari keeps its data sets during a test."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"
