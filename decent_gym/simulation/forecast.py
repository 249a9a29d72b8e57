"""Forecasts: what will be, times a log-AR(1) error that grows with the lead.

For every organization the load and the heat demand have an error of their own, PV has one per
world (clouds are shared).  With z a unit AR(1) process, the forecast of round t for lead k is::

    forecast = actual[t + k] * exp(sigma_k * z_t),   sigma_k linear from lead 0 to lead 95

so a forecast of nothing is nothing (PV at night).  Shocks are sums of four uniforms (Irwin-Hall),
``exp`` comes from a table made by integer multiplication: every machine gets the same Wh.
Random numbers are counter-based, keyed by the world's episode, round, stream and organization, so
the size of the batch never shifts them.

Source: log-AR(1) forecast errors as commonly used for net-load forecasts, e.g. P. Pinson et al.,
"From probabilistic forecasts to statistical scenarios", Wind Energy 12 (2009) 51-62; Irwin-Hall
sums: J. O. Irwin, Biometrika 19 (1927) 225-239.
"""

from math import isqrt
from typing import Final

import numpy as np
from numba import njit

from decent_gym.units import IntArray

LEADS: Final = (0, 1, 2, 4, 8, 16, 32, 64, 95)

UNIT: Final = 37_837
"""Standard deviation of a shock: that of the sum of four uniform 16-bit integers."""
TABLE_STEPS: Final = 1_024
"""Table entries per unit of the exponent; the table spans [-2, 2)."""


def exp_table() -> IntArray:
    """exp(x) in units of 2^-16 for x = -2, -2 + 1/1024, ... < 2, by integer arithmetic alone."""
    scale = 1 << 60
    step, term = 0, scale
    for k in range(1, 12):  # exp(1/1024) by its series
        step += term
        term //= TABLE_STEPS * k
    values = [scale]
    for _ in range(2 * TABLE_STEPS - 1):
        values.append(values[-1] * step // scale)
    falling = [scale * scale // value for value in values[1:]]
    falling.append(falling[-1] * scale // step)
    both = [*reversed(falling), *values]
    return np.array([value >> 44 for value in both], np.int64)


def shock_permille(persistence_permille: int) -> int:
    """The weight of the shock that keeps the AR(1) process at unit variance."""
    return isqrt(1_000_000 - persistence_permille**2)


@njit(cache=True, nogil=True, _nrt=False)
def _shock(key, number, stream, organization):  # type: ignore[no-untyped-def]
    """A centred sum of four uniforms, from a counter; splitmix64's finaliser."""
    z = np.uint64(key) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(number + 1)
    z ^= np.uint64(organization * 4 + stream + 1) * np.uint64(0xD1342543DE82EF95)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    mask = np.uint64(0xFFFF)
    total = (z & mask) + ((z >> np.uint64(16)) & mask) + ((z >> np.uint64(32)) & mask)
    total += z >> np.uint64(48)
    return np.int64(total) - 131_070


def begin_errors(
    first: int, last: int, key: IntArray, rounds: IntArray, errors: IntArray, weather: IntArray
) -> None:
    """Draw the first errors of an episode from the process's own distribution.

    `errors` (W, N + 1, 2) for load and heat of the N organizations and of the district as a whole,
    `weather` (W,), both in units of ``UNIT``.
    """
    with np.errstate(over="ignore"):  # wraps on purpose; numpy warns of it if the JIT is off
        _begin(first, last, key, rounds, errors, weather)


def advance_errors(
    first: int,
    last: int,
    key: IntArray,
    rounds: IntArray,
    persistence: int,
    weight: int,
    errors: IntArray,
    weather: IntArray,
) -> None:
    """One AR(1) step: persistence * error + weight * shock, both per mille."""
    with np.errstate(over="ignore"):
        _advance(first, last, key, rounds, persistence, weight, errors, weather)


@njit(cache=True, nogil=True, _nrt=False)
def _begin(first, last, key, rounds, errors, weather):  # type: ignore[no-untyped-def]
    for w in range(first, last):
        weather[w] = _shock(key[w], rounds[w], 2, 0)
        for n in range(errors.shape[1]):
            errors[w, n, 0] = _shock(key[w], rounds[w], 0, n)
            errors[w, n, 1] = _shock(key[w], rounds[w], 1, n)


@njit(cache=True, nogil=True, _nrt=False)
def _advance(first, last, key, rounds, persistence, weight, errors, weather):  # type: ignore[no-untyped-def]
    for w in range(first, last):
        shock = _shock(key[w], rounds[w], 2, 0)
        weather[w] = (persistence * weather[w] + weight * shock) // 1000
        for n in range(errors.shape[1]):
            for stream in range(2):
                shock = _shock(key[w], rounds[w], stream, n)
                errors[w, n, stream] = (persistence * errors[w, n, stream] + weight * shock) // 1000


@njit(cache=True, nogil=True, _nrt=False)
def forecast_now(  # type: ignore[no-untyped-def]
    first, last, sigma, table, errors, weather, load, pv, heat, load_fc, pv_fc, heat_fc
):
    """Forecast of the open round (lead 0) for everybody, Wh (W, N); `sigma` per mille."""
    scale = 1_000 * 37_837
    top = table.shape[0] - 1
    for w in range(first, last):
        at = min(max(sigma * weather[w] * 1024 // scale + 2048, 0), top)
        cloud = table[at]
        for n in range(load.shape[1]):
            at = min(max(sigma * errors[w, n, 0] * 1024 // scale + 2048, 0), top)
            load_fc[w, n] = (load[w, n] * table[at] + 32_768) >> 16
            at = min(max(sigma * errors[w, n, 1] * 1024 // scale + 2048, 0), top)
            heat_fc[w, n] = (heat[w, n] * table[at] + 32_768) >> 16
            pv_fc[w, n] = (pv[w, n] * cloud + 32_768) >> 16
