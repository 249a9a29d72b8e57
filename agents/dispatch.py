"""One organization's devices as a linear program: what to run when, at prices it cannot move.

Everything is in kWh and EUR.  With the integers of :mod:`decent_gym.district` (``a`` =
``battery_charge_rate`` / 1000, ``b`` = ``battery_discharge_rate`` / 1000, ``r`` = ``chp_heat_rate``
/ 1000, ``k`` = 1 - ``store_loss_ppm`` / 10^6), for every step t::

    load - pv   = buy - sell - charge + discharge - pump + chp
    battery[t]  = battery[t-1] + a charge - b discharge
    heat demand = cop pump + r chp + boiler + heat_buy - heat_sell + unserved - flow
                  + pipe[t-1] - pipe[t]
    store[t]    = k store[t-1] + flow

    maximise  sell * sell price - buy * buy price - fuel - wear - comfort - heat fee
              + what stores hold at the end less what they held at first, at their fixed values

All variables lie between 0 and what the device can do, ``flow`` between the store's two powers.
What the program can do and the district cannot, so that its value is never too low: a CHP runs
below its minimum load, a battery charges and discharges at once (which only negative prices
reward), heat may be left unserved at the comfort price, and heat that is less than a meter's unit
(``pipe``, a few Wh) is kept from round to round at will.

A step may be longer than a round: powers and demands grow with it, prices are its means.

Source: linear programs of storage at given prices, e.g. R. Sioshansi, P. Denholm, T. Jenkin,
J. Weiss, "Estimating the value of electricity storage in PJM", Energy Economics 31 (2009);
solver: Q. Huangfu, J. A. J. Hall, "Parallelizing the dual revised simplex method", Mathematical
Programming Computation 10 (2018).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError, MissingExtraError
from decent_gym.scenarios import Prices
from decent_gym.units import MICRO_EUR_PER_EUR, WH_PER_KWH

FloatArray = npt.NDArray[np.float64]

MWH_PER_KWH: Final = 1_000 * WH_PER_KWH
LEAST_PIPE: Final = 1_000
"""mWh, a meter's unit: see ``decent_gym.district`` on the pipe."""
POWERS: Final = (
    *("battery_charge", "battery_discharge", "pump_max", "chp_max", "boiler_max"),
    *("store_charge", "store_discharge"),
)
"""Wh per round."""
ALWAYS: Final = ("buy", "sell")
BY_SIZE: Final = {
    "battery_capacity": ("charge", "discharge", "battery"),
    "pump_max": ("pump",),
    "chp_max": ("chp",),
    "boiler_max": ("boiler",),
    "store_capacity": ("flow", "store"),
}
"""What tells that a device is there -> the variables that it brings."""
WITH_HEAT: Final = ("heat_buy", "heat_sell", "unserved")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the program is told about K steps, and where the stores stand before them.

    Attributes
    ----------
    net : float64 (K,), kWh, load less PV
    heat : float64 (K,), kWh, heat demand
    cop : float64 (K,), of the heat pump
    buy, sell : float64 (K, 2), EUR/kWh by commodity; what is bought costs, what is sold earns
    battery, store : float, kWh
    """

    net: FloatArray
    heat: FloatArray
    cop: FloatArray
    buy: FloatArray
    sell: FloatArray
    battery: float
    store: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The best schedule.

    Attributes
    ----------
    score : float, EUR
    schedule : dict of str to float64 (K,), kWh
        ``buy``, ``sell`` and, by the devices there are, ``charge``, ``discharge``, ``pump``
        (electricity), ``chp`` (electricity), ``boiler``, ``heat_buy``, ``heat_sell``,
        ``unserved``, ``flow`` (into the store), and the states ``battery``, ``store`` and ``pipe``
        at the end of each step; in steps longer than a round, their sums.
    worth : dict of str to float64 (K,), EUR/kWh
        What one kWh more would have been worth: ``electricity`` and ``heat`` in each step,
        ``battery`` and ``store`` held at its end.
    """

    score: float
    schedule: dict[str, FloatArray]
    worth: dict[str, FloatArray]


class Dispatch:
    """The program of one organization, made once and solved for many outlooks.

    Parameters
    ----------
    figures : mapping of str to number
        What its devices can do, as :func:`agents.figures.figures_of` tells it.
    prices : Prices
        The scenario's: of fuel, comfort, wear, heat fee and stored energy.
    lengths : sequence of int
        Rounds per step, K of them.
    pipe : bool
        Whether heat below a meter's unit may be kept, as it can in the district.

    Raises
    ------
    MissingExtraError
        If HiGHS is not installed.
    """

    def __init__(
        self,
        figures: Mapping[str, float],
        prices: Prices,
        lengths: Sequence[int],
        *,
        pipe: bool = True,
    ) -> None:
        self._highspy = _highspy()
        self.lengths = np.asarray(lengths, np.float64)
        self._prices = prices
        self._figures = figures
        owned = [names for size, names in BY_SIZE.items() if figures[size] > 0]
        names = [*ALWAYS, *(name for group in owned for name in group), *WITH_HEAT]
        names += ["pipe"] if pipe else []
        self._at = {name: i for i, name in enumerate(names)}
        self._rows = ["electricity", "heat"]
        self._rows += [name for name in ("battery", "store") if name in self._at]
        self._entries = self._matrix()
        self._solver = self._highspy.Highs()
        self._solver.setOptionValue("output_flag", False)
        self._solver.setOptionValue("threads", 1)

    def solve(self, outlook: Outlook) -> Plan:
        """The best plan for `outlook`; the same outlook gives the same plan, whatever came before.

        Raises
        ------
        InputError
            If something sells for more than it is bought for, which no plan could exhaust.
        """
        if (outlook.sell > outlook.buy + 1e-12).any():
            step, commodity = np.argwhere(outlook.sell > outlook.buy + 1e-12)[0]
            raise InputError(
                f"step {step}: {('electricity', 'heat')[commodity]} must not sell for more than "
                f"it costs, got {outlook.sell[step, commodity]} and {outlook.buy[step, commodity]}"
            )
        solver, steps = self._solver, len(self.lengths)
        solver.passModel(self._model(outlook))
        solver.run()
        status = solver.getModelStatus()
        if status != self._highspy.HighsModelStatus.kOptimal:
            raise InputError(f"no plan exists: {solver.modelStatusToString(status)}")
        found = solver.getSolution()
        values = np.array(found.col_value).reshape(-1, steps)
        duals = np.array(found.row_dual).reshape(-1, steps)
        return Plan(
            score=-float(solver.getObjectiveValue()),
            schedule={name: values[i] for name, i in self._at.items()},
            # more demand costs, more in store is worth something: the signs of the rows differ
            worth={
                name: duals[i] if name in ("electricity", "heat") else -duals[i]
                for i, name in enumerate(self._rows)
            },
        )

    def _matrix(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
        """Rows, columns and values of what is not 0; those of the COP are written when solving."""
        steps, f = len(self.lengths), self._figures
        at, rows = self._at, {name: i for i, name in enumerate(self._rows)}
        here, ones = np.arange(steps), np.ones(steps)
        found: list[tuple[Any, Any, Any]] = []

        def put(row: str, column: str, value: Any, back: int = 0) -> None:
            if column in at and row in rows:
                found.append(
                    (
                        rows[row] * steps + here[back:],
                        at[column] * steps + here[: steps - back],
                        (value * ones)[back:],
                    )
                )

        for column, sign in (("buy", 1), ("sell", -1), ("charge", -1), ("discharge", 1),
                             ("pump", -1), ("chp", 1)):  # fmt: skip
            put("electricity", column, sign)
        put("battery", "battery", 1)
        put("battery", "battery", -1, back=1)
        put("battery", "charge", -f["battery_charge_rate"] / 1000)
        put("battery", "discharge", f["battery_discharge_rate"] / 1000)
        put("store", "store", 1)
        put("store", "store", -(f["kept"] ** self.lengths), back=1)
        put("store", "flow", -1)
        for column, value in (("chp", f["chp_heat_rate"] / 1000), ("boiler", 1), ("heat_buy", 1),
                              ("heat_sell", -1), ("unserved", 1), ("flow", -1),
                              ("pipe", -1)):  # fmt: skip
            put("heat", column, value)
        put("heat", "pipe", 1, back=1)
        put("heat", "pump", 1)  # last: the COP goes here
        row, column, value = (np.concatenate([entry[i] for entry in found]) for i in range(3))
        return row.astype(np.int64), column.astype(np.int64), value.astype(np.float64)

    def _model(self, outlook: Outlook) -> Any:
        """The program as HiGHS takes it, to be minimised."""
        steps, columns = len(self.lengths), len(self._at) * len(self.lengths)
        row, column, value = self._entries
        if "pump" in self._at:
            value = np.concatenate([value[: len(value) - steps], outlook.cop])
        order = np.lexsort((row, column))
        cost, lower, upper = self._bounds(outlook)
        right = self._right(outlook)
        model = self._highspy.HighsLp()
        model.num_col_, model.num_row_ = columns, len(right)
        model.col_cost_, model.col_lower_, model.col_upper_ = cost, lower, upper
        model.row_lower_, model.row_upper_ = right, right
        matrix = model.a_matrix_
        matrix.format_ = self._highspy.MatrixFormat.kColwise
        matrix.start_ = np.searchsorted(column[order], np.arange(columns + 1)).astype(np.int32)
        matrix.index_ = row[order].astype(np.int32)
        matrix.value_ = value[order]
        prices = self._prices
        held = outlook.battery * prices.storage + outlook.store * prices.heat_storage
        model.offset_ = held / MICRO_EUR_PER_EUR
        return model

    def _bounds(self, outlook: Outlook) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Cost, least and most of every variable, flat."""
        steps, f, prices = len(self.lengths), self._figures, self._prices
        cost = {
            "buy": outlook.buy[:, 0],
            "sell": -outlook.sell[:, 0],
            "charge": prices.wear / MICRO_EUR_PER_EUR,
            "discharge": prices.wear / MICRO_EUR_PER_EUR,
            "chp": f["chp_fuel_rate"] / 1000 * prices.fuel / MICRO_EUR_PER_EUR,
            "boiler": f["boiler_fuel_rate"] / 1000 * prices.fuel / MICRO_EUR_PER_EUR,
            "heat_buy": outlook.buy[:, 1] + prices.heat_fee / MICRO_EUR_PER_EUR,
            "heat_sell": -outlook.sell[:, 1],
            "unserved": prices.comfort / MICRO_EUR_PER_EUR,
        }
        most = {name: f[name] / WH_PER_KWH * self.lengths for name in POWERS}
        heat_made = most["pump_max"] * outlook.cop + most["chp_max"] * f["chp_heat_rate"] / 1000
        pipe = max(LEAST_PIPE, f["chp_heat_rate"], *(1000 * outlook.cop)) / MWH_PER_KWH
        # more than can be of use: a price that buys and sells alike would not say how much
        plenty = np.abs(outlook.net) + outlook.heat + heat_made + sum(most.values()) + 2 * pipe
        upper = {
            **dict.fromkeys(("buy", "sell", "heat_buy", "heat_sell"), plenty),
            "charge": most["battery_charge"],
            "discharge": most["battery_discharge"],
            "battery": f["battery_capacity"] / MWH_PER_KWH,
            "pump": most["pump_max"],
            "chp": most["chp_max"],
            "boiler": most["boiler_max"],
            "unserved": outlook.heat,
            "flow": most["store_charge"],
            "store": f["store_capacity"] / MWH_PER_KWH,
            "pipe": pipe,
        }
        shape = (len(self._at), steps)
        costs, lows, highs = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for name, i in self._at.items():
            costs[i] = cost.get(name, 0.0)
            highs[i] = upper[name]
        if "flow" in self._at:
            lows[self._at["flow"]] = -most["store_discharge"]
        for name, worth in (("battery", prices.storage), ("store", prices.heat_storage)):
            if name in self._at:
                costs[self._at[name], -1] = -worth / MICRO_EUR_PER_EUR
        return costs.ravel(), lows.ravel(), highs.ravel()

    def _right(self, outlook: Outlook) -> FloatArray:
        """Right-hand sides, flat: demands, and what the stores hold at first."""
        right = {
            "electricity": outlook.net,
            "heat": outlook.heat,
            "battery": np.zeros(len(self.lengths)),
            "store": np.zeros(len(self.lengths)),
        }
        right["battery"][0] = outlook.battery
        right["store"][0] = outlook.store * self._figures["kept"] ** self.lengths[0]
        return np.concatenate([right[name] for name in self._rows])


def _highspy() -> Any:
    try:
        import highspy
    except ImportError:
        raise MissingExtraError("highspy", "optimal", "the linear program") from None
    return highspy
