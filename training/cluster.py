"""Joining a Ray cluster: one made for this process, or one that runs already."""

import logging
import os
import socket
from pathlib import Path
from typing import Final

import ray

from decent_gym.errors import InputError

CHECKOUT: Final = Path(__file__).resolve().parents[1]
OBJECT_STORE: Final = 256 * 2**20
"""Bytes of shared memory of a local cluster; what is passed around here is small."""
PATIENCE: Final = 10
"""Seconds."""
HASH_SEED: Final = "PYTHONHASHSEED"
"""RLlib goes through sets of names: a run can only be repeated bit for bit if this is set."""


def join(address: str | None, cpus: int) -> None:
    """Connect to the cluster at `address`, or make a local one of `cpus` processors.

    A cluster's workers get this checkout as their working directory, so their machines need the
    packages and nothing else.  A local one takes as many processors as it is asked for, whether
    the machine has them or not.

    Raises
    ------
    InputError
        If nobody answers at `address`, or the cluster has fewer processors than `cpus`.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    if address is None:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            logging_level=logging.ERROR,
        )
        return
    _knock(address)
    same = {HASH_SEED: os.environ[HASH_SEED]} if HASH_SEED in os.environ else {}
    try:
        ray.init(
            address=address,
            runtime_env={"working_dir": str(CHECKOUT), "env_vars": same},
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError) as error:
        raise InputError(f"no Ray cluster at address {address!r}: {error}") from None
    found = int(ray.cluster_resources().get("CPU", 0))
    if found < cpus:
        ray.shutdown()
        raise InputError(
            f"the cluster at {address!r} has {found} processors, but {cpus} are asked for; "
            "Ray would wait for the others forever"
        )


def _knock(address: str) -> None:
    """Whether anybody is there; Ray itself would try for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return  # auto, or a name that Ray knows
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"no Ray cluster at address {address!r}: {error}") from None
