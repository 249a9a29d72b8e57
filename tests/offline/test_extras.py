"""Without the extra, one sentence says what to install."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from decent_gym.errors import MissingExtraError
from decent_gym.offline import (
    EpisodeSource,
    read_minari,
    read_parquet,
    write_minari,
    write_parquet,
)


@pytest.mark.parametrize(
    ("module", "package", "call"),
    [
        ("pyarrow.parquet", "pyarrow", lambda source: write_parquet("a.parquet", source)),
        ("pyarrow.parquet", "pyarrow", lambda source: read_parquet("a.parquet")),
        ("minari", "minari", lambda source: write_minari("a-v0", source)),
        ("minari", "minari", lambda source: read_minari("a-v0")),
        ("h5py", "h5py", lambda source: read_minari("a-v0")),
        ("PIL.Image", "pillow", lambda source: read_minari("a-v0")),
    ],
)
def test_the_missing_package_is_named(
    source: EpisodeSource,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    module: str,
    package: str,
    call: Callable[[EpisodeSource], object],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    says = rf"^[^.]* needs {package}: pip install 'decent-gym\[data\]'$"
    with pytest.raises(MissingExtraError, match=says):
        call(source)
    assert list(tmp_path.iterdir()) == []
