"""The kernels mean the same compiled and as plain Python."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from district.random_district import STATES, random_district, random_inputs

from decent_gym.district import Delivery, Flows, HeatNetwork

TESTS = Path(__file__).resolve().parents[1]


def trajectory() -> str:
    """A digest of everything that 40 rounds of 3 worlds of 9 organizations did."""
    rng = np.random.default_rng(11)
    devices, flows = random_district(rng, 3, 9), Flows.empty(3, 9)
    delivery = Delivery(devices, flows, HeatNetwork(8, 0.2, 6))
    digest = hashlib.sha256()
    for _ in range(40):
        random_inputs(rng, flows)
        delivery.deliver(0, 3)
        for name in flows.__slots__:
            digest.update(getattr(flows, name).tobytes())
        for name in STATES:
            digest.update(getattr(devices, name).tobytes())
    return digest.hexdigest()


def test_compiled_is_interpreted():
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
    }
    script = (
        "import numba; from district.test_jit import trajectory;"
        "print(numba.config.DISABLE_JIT, trajectory())"
    )
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.split() == ["1", trajectory()]
