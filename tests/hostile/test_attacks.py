"""The attacks of the table are real: what people usually load a policy with runs them."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz.worlds import write_small_policy
from hostile.cases_policy import MARK, POLICY, members
from hostile.items import Case
from stable_baselines3.common.save_util import load_from_zip_file

from agents.learned import MODEL, NORMALISATION

ATTACKS = [Case(*row) for row in POLICY if "pickle" in row[1]]


@pytest.mark.parametrize("case", ATTACKS, ids=lambda case: case.name)
def test_the_usual_loaders_run_it(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_small_policy(tmp_path / "policy")
    load_as_usual(folder)
    assert not Path(MARK).exists()
    case.made(folder)
    load_as_usual(folder)
    assert Path(MARK).exists(), "the payload is harmless, so that its refusal shows nothing"


def load_as_usual(folder: Path) -> None:
    """As tutorials do; what breaks after the payload has run is no matter."""
    with contextlib.suppress(Exception):
        load_from_zip_file(folder / MODEL)
    for name, data in members(folder / MODEL).items():
        if name.endswith(".pth"):
            with contextlib.suppress(Exception):
                torch.load(io.BytesIO(data), weights_only=False)
    with np.load(folder / NORMALISATION, allow_pickle=True) as arrays:
        for name in arrays:
            arrays[name]


def test_there_are_attacks() -> None:
    assert len(ATTACKS) >= 6
