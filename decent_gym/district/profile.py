"""PV, fixed load and heat demand: frozen profiles, scaled to an organization.

==============  ===========================================================  ====
kind            energy in round t                                            unit
==============  ===========================================================  ====
PV              profile[t] * peak_kw / reference_kw, rounding carried on     Wh
load, heat      profile[t] * annual_kwh / sum of the profile, carried on     Wh
==============  ===========================================================  ====

*Carried on*: round t gets floor(C[t] * a / b) - floor(C[t-1] * a / b), with C the running sum of
the profile.  Every running sum is right to 1 Wh and the total is exact, which rounding each round
by itself is not.

Source: the profiles' own, named by the scenario that embeds them.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from decent_gym.district.physical import (
    CAPACITY_CAP_KWH,
    POWER_CAP_KW,
    WH_PER_KW,
    Number,
    power,
    quantity,
)
from decent_gym.errors import InputError
from decent_gym.units import ENERGY_CAP, WH_PER_KWH, IntArray


@dataclass(frozen=True, slots=True)
class PV:
    """Photovoltaics: a reference plant's profile, scaled by peak power.

    Parameters
    ----------
    peak_kw : number
        Peak power, kW.
    """

    peak_kw: Number

    def __post_init__(self) -> None:
        power("pv.peak_kw", self.peak_kw)

    def energy(self, profile_wh: IntArray, reference_kw: Number) -> IntArray:
        """Feed-in per round, int64 Wh (T,), from the plant of `reference_kw` in `profile_wh`.

        Raises
        ------
        InputError
            For a profile that is not one-dimensional, integer and within [0, 10^8] Wh.
        """
        reference = quantity("pv.reference_kw", reference_kw, "0.001", POWER_CAP_KW, "kW")
        return scaled(profile_wh, power("pv.peak_kw", self.peak_kw), reference * WH_PER_KW)


@dataclass(frozen=True, slots=True)
class Demand:
    """Fixed demand, of electricity or heat: a profile scaled to the energy of the whole profile.

    Parameters
    ----------
    annual_kwh : number
        Sum over the profile, kWh.
    """

    annual_kwh: Number

    def __post_init__(self) -> None:
        _total("demand", self.annual_kwh)

    def energy(self, profile_wh: IntArray) -> IntArray:
        """Energy per round, int64 Wh (T,); the sum is `annual_kwh` to the Wh.

        Raises
        ------
        InputError
            For a profile that is not one-dimensional, integer and within [0, 10^8] Wh, or all 0.
        """
        return _to_total(profile_wh, _total("demand", self.annual_kwh))


def scaled(
    profile_wh: IntArray, numerator: int | Fraction, denominator: int | Fraction
) -> IntArray:
    """`profile_wh` times numerator / denominator, with the rounding carried on, int64 Wh (T,).

    Raises
    ------
    InputError
        For a profile that is not one-dimensional, integer and within [0, 10^8] Wh, or a result
        beyond 10^8 Wh in a round.
    """
    profile = np.asarray(profile_wh)
    if profile.ndim != 1 or not np.issubdtype(profile.dtype, np.integer):
        raise InputError(
            "a profile must be a one-dimensional integer array of Wh, got "
            f"{profile.dtype} of shape {profile.shape}"
        )
    if profile.size and not 0 <= int(profile.min()) <= int(profile.max()) <= ENERGY_CAP:
        raise InputError(f"a profile must be within [0, {ENERGY_CAP}] Wh")
    top, bottom = (Fraction(numerator) / Fraction(denominator)).as_integer_ratio()
    # Python integers: running sum times ratio passes 2^63; this runs once a scenario
    running, before, result = 0, 0, []
    for value in profile.tolist():
        running += value
        after = running * top // bottom
        result.append(after - before)
        before = after
    if max(result, default=0) > ENERGY_CAP:
        raise InputError(f"a scaled profile reaches {max(result)} Wh, more than {ENERGY_CAP}")
    return np.array(result, np.int64)


def _total(kind: str, annual_kwh: Number) -> int:
    # a year of rounds at the cap of one round
    number = quantity(f"{kind}.annual_kwh", annual_kwh, 0, 366 * 96 * CAPACITY_CAP_KWH, "kWh")
    return round(number * WH_PER_KWH)


def _to_total(profile_wh: IntArray, total: int) -> IntArray:
    whole = int(np.asarray(profile_wh).sum(dtype=np.int64))
    if whole <= 0:
        raise InputError("a profile must hold some energy to be scaled to a sum, got 0 Wh")
    return scaled(profile_wh, total, whole)
