"""The district in time: W worlds, reset and stepped together, over one grid operator.

A step, in order: traders decide on forecasts, their decisions become offers, the operator clears,
devices follow what was accepted, the operator completes the round, and the next one is prepared.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decent_gym.district import Delivery, Devices, Flows, battery, thermal_store
from decent_gym.errors import InputError, RoundOrderError, shown
from decent_gym.market import Capability, GridOperator, Orders, Tariffs
from decent_gym.models import COMMODITIES, Commodity, Money
from decent_gym.scenarios import Member, Scenario
from decent_gym.simulation.actions import LEVERS, decide_learners
from decent_gym.simulation.conversions import (
    follow_conversions,
    offer_conversions,
    room_for,
    sum_converted,
)
from decent_gym.simulation.curve import build_offers, follow_accepted
from decent_gym.simulation.exogenous import read_profiles, remember_prices
from decent_gym.simulation.external import follow_external
from decent_gym.simulation.forecast import (
    advance_errors,
    begin_errors,
    exp_table,
    forecast_now,
    shock_permille,
)
from decent_gym.simulation.keys import checked_seed, episode_key
from decent_gym.simulation.metering import meter
from decent_gym.simulation.observations import FIELDS, LEAD_ARRAY, FloatArray, calendar, observe
from decent_gym.simulation.population import (
    Learners,
    TradersOfWorlds,
    external_indices,
    learner_indices,
    policy_codes,
    traders_by_world,
)
from decent_gym.simulation.rewards import Term, begin_potential, value_round
from decent_gym.simulation.wishes import burning, say_wishes, wishes_of
from decent_gym.traders import NOBODY, Decisions, TraderView, decide_all, traders_of
from decent_gym.units import ROUNDS_PER_DAY, IntArray, checked_int


class Simulation:
    """W copies of a scenario, stepped together.

    Parameters
    ----------
    scenario : Scenario
    worlds : int
    learners : sequence of str, or one such sequence per world
        Organizations for which :meth:`step` takes actions.
    traders : str or mapping of str to str, or one of these per world, optional
        The scripted trader of everybody else: one name for all, or one per organization; the
        default is each member's own.
    external : sequence of str
        Organizations whose offers come from outside, by :meth:`submit`, in all worlds; what their
        devices do then is told in :mod:`decent_gym.simulation.external`.  One that is a learner,
        too, is observed, and its actions mean nothing.

    Attributes
    ----------
    operator : GridOperator
    devices : Devices, states of all devices
    flows : Flows, what the devices did in the last round
    decisions : Decisions, of the last round
    learners : int64 (W, L), account indices
    external : int64 (E,), account indices
    traders : list of what was given, one entry per world
    terms : int64 n-euro (8, W, N), of the last round, rows as in ``Term``
    totals : int64 n-euro (8, W, N), since the episode's start
    seeds : int64 (W,), of the running episodes

    Raises
    ------
    UnknownNameError
        For an organization or trader that does not exist, naming the nearest that does.
    InputError
        For an argument of the wrong type, no worlds, the utility as a learner, or one twice.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        worlds: int = 1,
        learners: Learners = (),
        traders: TradersOfWorlds = None,
        external: Sequence[str] = (),
    ) -> None:
        if not isinstance(scenario, Scenario):
            raise InputError(
                f"scenario must be a Scenario, got {shown(scenario)}; scenario() finds one"
            )
        self.scenario = scenario
        self.worlds = checked_int(worlds, "worlds", 1, 2**31 - 1)
        n = len(scenario.members)
        self._capability = Capability()
        self._utility = next(
            (i for i, m in enumerate(scenario.members) if m.organization.priority == 1), -1
        )
        # under "residual" the utility serves the rest after clearing and quotes nothing
        self._quoting = self._utility if scenario.rules.utility == "book" else -1
        self.learners = learner_indices(learners, scenario, worlds)
        self.traders = traders_by_world(traders, worlds)
        self.policy = policy_codes(self.traders, self.learners, scenario)
        self.external = external_indices(external, scenario)
        self.policy[:, self.external] = NOBODY
        self._traders = traders_of(np.unique(self.policy).tolist())
        self._begun = np.zeros(worlds, np.bool_)
        rows = _most_offers(scenario)
        self.operator = GridOperator(
            scenario.organizations,
            self._capability,
            worlds=worlds,
            rules=scenario.rules,
            tariffs={c: Tariffs(*map(int, scenario.tariffs[0, c])) for c in Commodity},
            start=scenario.start,
            capacity=rows,
        )
        self.orders = Orders.empty(worlds, rows, self.operator.book.reads_wishes)
        self._wishes, self._burns = wishes_of(scenario), burning(scenario)
        self.conversions = room_for(scenario, worlds)
        if self.operator.joint is not None:
            self.operator.joint.reserve(self.conversions.owner.shape[1])
        self._converted = np.zeros((worlds, n), np.int64)
        self.decisions = Decisions.empty(worlds, n)
        self.actions = np.zeros((worlds, n, len(LEVERS)), np.int64)
        self._build_district(scenario)
        self._build_profiles(scenario)
        self._build_memory(scenario)
        self._build_view(scenario)

    def _build_district(self, scenario: Scenario) -> None:
        worlds, n = self.worlds, len(scenario.members)
        self.devices = Devices.empty(worlds, n)
        for index, member in enumerate(scenario.members):
            self.devices.set_organization(
                index,
                battery=member.battery,
                heat_pump=member.heat_pump,
                chp=member.chp,
                boiler=member.boiler,
                thermal_store=member.thermal_store,
            )
        if self._utility >= 0:
            self.devices.set_utility(self._utility)
        self.flows = Flows.empty(worlds, n)
        self._delivery = Delivery(self.devices, self.flows, scenario.network)
        _, loss, self._backup = scenario.network.parameters()
        self._loss = np.full(worlds, loss, np.int64)

    def _build_profiles(self, scenario: Scenario) -> None:
        shape = (self.worlds, len(scenario.members))
        self._cop_table = np.stack([_cop(m, scenario) for m in scenario.members], axis=1)
        self._calendar = calendar(scenario.start, scenario.rounds)
        self._district = (scenario.load.sum(axis=1), scenario.pv.sum(axis=1))
        self.load, self.pv = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._price_bounds = _price_bounds(scenario.tariffs[:, Commodity.ELECTRICITY])
        self._price_scale = np.maximum(scenario.tariffs[..., 0].max(axis=0), 1).astype(np.float64)
        self._scale = _scales(scenario, self.devices)
        self._district_scale = self._scale.sum(axis=0)

    def _build_memory(self, scenario: Scenario) -> None:
        worlds, n = self.worlds, len(scenario.members)
        self.seeds = np.zeros(worlds, np.int64)
        self._key = np.zeros(worlds, np.int64)
        self._errors = np.zeros((worlds, n + 1, 2), np.int64)  # the last: the district's own
        self._weather = np.zeros(worlds, np.int64)
        self._exp = exp_table()
        forecasts = scenario.forecasts
        self._ar = (forecasts.persistence_permille, shock_permille(forecasts.persistence_permille))
        self._history = np.zeros((worlds, COMMODITIES, ROUNDS_PER_DAY), np.int64)
        self._ranked = np.zeros_like(self._history)
        self.day_low = np.zeros((worlds, COMMODITIES), np.int64)
        self.day_high = np.zeros((worlds, COMMODITIES), np.int64)
        self.last_price = np.zeros((worlds, COMMODITIES), np.int64)
        self._potential = np.zeros((worlds, n), np.int64)
        self.terms = np.zeros((len(Term), worlds, n), np.int64)
        self.totals = np.zeros((len(Term), worlds, n), np.int64)

    def _build_view(self, scenario: Scenario) -> None:
        shape = (self.worlds, len(scenario.members))
        devices = self.devices
        self.view = TraderView(
            policy=self.policy,
            round=self.operator.round,
            key=self._key,
            load=np.zeros(shape, np.int64),
            pv=np.zeros(shape, np.int64),
            heat=np.zeros(shape, np.int64),
            cop=self.flows.cop,
            tariffs=self.operator.tariffs,
            price_low=np.zeros((self.worlds, COMMODITIES), np.int64),
            price_high=np.zeros((self.worlds, COMMODITIES), np.int64),
            max_charge=np.zeros(shape, np.int64),
            max_discharge=np.zeros(shape, np.int64),
            charge_rate=devices.battery_charge_rate,
            discharge_rate=devices.battery_discharge_rate,
            pump_max=devices.pump_max,
            store_in=np.zeros(shape, np.int64),
            store_out=np.zeros(shape, np.int64),
            chp_max=devices.chp_max,
            chp_heat_rate=devices.chp_heat_rate,
            chp_fuel_rate=devices.chp_fuel_rate,
            boiler_max=devices.boiler_max,
            boiler_fuel_rate=devices.boiler_fuel_rate,
            fuel_price=scenario.prices.fuel,
        )

    # -- episodes ------------------------------------------------------------------------------

    def reset(
        self,
        seeds: Sequence[int] | IntArray,
        starts: Sequence[int] | IntArray,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Begin an episode in the worlds ``first .. last - 1``.

        Parameters
        ----------
        seeds, starts : one int per world of the range
            Seed of the episode and its first round; both decide everything that follows.

        Raises
        ------
        InputError
            For a seed or start out of range, another number of them, or worlds that there are
            not; nothing has changed.
        """
        last = self.operator.end_of_range(first, last)
        checked = _checked_begins(seeds, starts, last - first, self.scenario.rounds)
        for world, (seed, start) in enumerate(checked, first):
            self.seeds[world] = seed
            self._key[world] = episode_key(seed)
            self.operator.round[world] = start
        operator, devices, span = self.operator, self.devices, slice(first, last)
        operator.world_ids[span] = self.seeds[span]
        operator.reset(operator.round, self._capability, first, last)
        devices.reset(first, last)
        self.terms[:, span] = 0
        self.totals[:, span] = 0
        prices = self.scenario.prices
        begin_potential(
            first, last, devices.battery_soc, devices.store_soc, prices.storage,
            prices.heat_storage, self._potential,
        )  # fmt: skip
        begin_errors(first, last, self._key, operator.round, self._errors, self._weather)
        self._read(first, last)
        self._expect_prices(span)
        self._prepare(first, last)
        self._begun[span] = True

    def _expect_prices(self, span: slice) -> None:
        """Before the first round: electricity between its tariffs, heat at the cost of fuel."""
        tariffs = self.operator.tariffs[span]
        middle = tariffs[:, 0, :2].sum(axis=1) // 2
        heat = np.clip(self.scenario.prices.fuel, tariffs[:, 1, 1], tariffs[:, 1, 0])
        for commodity, price in ((Commodity.ELECTRICITY, middle), (Commodity.HEAT, heat)):
            for remembered in (self.last_price, self.day_low, self.day_high):
                remembered[span, commodity] = price
            for ring in (self._history, self._ranked):
                ring[span, commodity] = price[:, None]
        self.view.price_low[span, 1], self.view.price_high[span, 1] = heat, heat
        self.operator.outcome.volume[span.start * COMMODITIES : span.stop * COMMODITIES] = 0

    # -- a round -------------------------------------------------------------------------------

    def step(self, first: int = 0, last: int | None = None) -> None:
        """Run one round in the worlds ``first .. last - 1`` on what stands in :attr:`actions`.

        Raises
        ------
        RoundOrderError, InputError
            Before the first reset, or for worlds that there are not; nothing has changed.
        """
        last = self.operator.end_of_range(first, last)
        if not self._begun[first:last].all():
            raise RoundOrderError("no episode has begun; call reset() first")
        self._decide(first, last)
        self._trade(first, last)
        self._deliver(first, last)
        self._complete(first, last)
        self._prepare(first, last)

    def submit(self, orders: Orders, first: int = 0, last: int | None = None) -> int:
        """Take orders from outside into the open round's books, as :meth:`GridOperator.submit`."""
        return self.operator.submit(orders, self._capability, first, last)

    def _decide(self, first: int, last: int) -> None:
        view, decisions = self.view, self.decisions
        decide_all(view, decisions, self._traders, first, last)
        if self.learners.shape[1]:
            decide_learners(
                first, last, view.policy, self.actions, view.heat, view.cop, view.tariffs,
                view.max_charge, view.max_discharge, view.pump_max, view.store_in,
                view.store_out, view.chp_max, view.chp_heat_rate, view.boiler_max,
                *decisions.columns(),
            )  # fmt: skip
        if self.operator.joint is not None:
            d, given = decisions, self.conversions
            offer_conversions(
                first, last, view.policy, self.actions, view.tariffs, view.price_low,
                view.price_high, view.cop, view.pump_max, view.chp_max, view.chp_heat_rate,
                view.chp_fuel_rate, view.fuel_price, view.store_in, view.store_out, d.pump_firm,
                d.pump_flex, d.chp, d.heat_firm, d.heat_buy, d.heat_buy_limit, d.heat_sell,
                d.heat_sell_limit, given.owner, given.electricity, given.heat, given.cost,
                given.most, given.fuel, given.count,
            )  # fmt: skip

    def _trade(self, first: int, last: int) -> None:
        view, orders, d = self.view, self.orders, self.decisions
        build_offers(
            first, last, view.policy, view.round, view.load, view.pv, view.heat, view.tariffs,
            *d.columns(), self._loss, self._quoting, self._backup, orders.owner, orders.side,
            orders.price, orders.energy, orders.start, orders.until, orders.cap, orders.count,
        )  # fmt: skip
        if orders.wishes.size:
            say_wishes(
                first, last, self._quoting, self._wishes, self._burns, view.load, view.pv,
                d.pump_firm, orders.count, orders.owner, orders.side, orders.price, orders.energy,
                orders.wishes,
            )  # fmt: skip
        refused = self.operator.submit(orders, self._capability, first, last)
        assert refused == 0, "the net-demand curve never makes an inadmissible offer"
        if self.operator.joint is not None:
            given = self.conversions
            refused = self.operator.submit_conversions(given, self._capability, first, last)
            assert refused == 0, "no device converts more than physics allows"
        self.operator.clear(self._capability, first, last)

    def _deliver(self, first: int, last: int) -> None:
        view, flows, d, operator = self.view, self.flows, self.decisions, self.operator
        joint = operator.joint
        if joint is not None:
            taken = joint.conversions
            sum_converted(first, last, taken.count, taken.owner, joint.delivered, self._converted)
        follow_accepted(
            first, last, view.policy, operator.traded, self._converted, view.load, view.pv,
            d.charge, d.charge_limit, d.discharge, d.discharge_limit, d.pump_firm, d.pump_flex,
            d.pump_limit, d.chp, d.chp_limit, self.scenario.balance == "device", self.load,
            self.pv, flows.battery_setpoint, flows.pump_setpoint, flows.chp_setpoint,
            flows.heat_traded,
        )  # fmt: skip
        if joint is not None:
            follow_conversions(
                first, last, taken.count, taken.owner, taken.electricity, joint.activity,
                flows.pump_setpoint, flows.chp_setpoint,
            )  # fmt: skip
        if len(self.external):
            follow_external(
                first, last, self.external, operator.traded, view.load, view.pv, view.heat,
                view.cop, view.pump_max, view.max_charge, view.max_discharge, view.store_in,
                view.chp_max, self.scenario.balance == "device", self.load, self.pv,
                flows.battery_setpoint, flows.pump_setpoint, flows.chp_setpoint,
            )  # fmt: skip
        self._delivery.deliver(first, last)
        operator.unserved[first:last] = flows.unserved[first:last]
        prices = self.scenario.prices
        meter(
            first, last, self.load, self.pv, flows.electricity, flows.heat, flows.fuel,
            operator.traded, self._utility, self._loss, prices.fuel, prices.heat_fee,
            operator.metered, operator.fuel, operator.fees,
        )  # fmt: skip

    def _complete(self, first: int, last: int) -> None:
        operator, devices, flows = self.operator, self.devices, self.flows
        prices = self.scenario.prices
        closed = operator.round.copy()
        operator.complete(operator.metered, self._capability, first, last)
        money = operator.money
        value_round(
            first, last, money[Money.TRADE], money[Money.IMBALANCE], money[Money.FUEL],
            money[Money.FEE], flows.battery_energy, flows.unserved, devices.battery_soc,
            devices.store_soc, self.load, self.pv, flows.heat_demand, flows.cop,
            devices.pump_max, operator.tariffs, prices.heat_fee, prices.wear, prices.comfort,
            prices.storage, prices.heat_storage, self._potential, self.terms, self.totals,
        )  # fmt: skip
        outcome = operator.by_world
        remember_prices(
            first, last, closed, outcome.volume, outcome.price, self._history, self._ranked,
            self.last_price, self.day_low, self.day_high, self.view.price_low,
            self.view.price_high,
        )  # fmt: skip
        advance_errors(
            first, last, self._key, operator.round, *self._ar, self._errors, self._weather
        )
        self._read(first, last)

    def _read(self, first: int, last: int) -> None:
        scenario = self.scenario
        read_profiles(
            first, last, self.operator.round, scenario.load, scenario.pv, scenario.heat,
            self._cop_table, scenario.tariffs, *self._price_bounds, self.load, self.pv,
            self.flows.heat_demand, self.flows.cop, self.operator.tariffs, self.view.price_low,
            self.view.price_high,
        )  # fmt: skip

    def _prepare(self, first: int, last: int) -> None:
        """Forecasts and feasible ranges of the round that is now open."""
        view, d = self.view, self.devices
        forecast_now(
            first, last, self.scenario.forecasts.sigma_permille, self._exp, self._errors,
            self._weather, self.load, self.pv, self.flows.heat_demand, view.load, view.pv,
            view.heat,
        )  # fmt: skip
        battery.feasible(
            first, last, d.battery_capacity, d.battery_charge, d.battery_discharge,
            d.battery_charge_rate, d.battery_discharge_rate, d.battery_soc, view.max_charge,
            view.max_discharge,
        )  # fmt: skip
        thermal_store.feasible(
            first, last, d.store_capacity, d.store_charge, d.store_discharge, d.store_loss_ppm,
            d.store_soc, view.store_in, view.store_out,
        )  # fmt: skip

    def observe(self, out: FloatArray, first: int = 0, last: int | None = None) -> None:
        """Fill `out` (W, L, F) with what the learners see before the open round's gate closure."""
        last = self.operator.end_of_range(first, last)
        scenario, view, d, operator = self.scenario, self.view, self.devices, self.operator
        observe(
            first, last, self.learners, operator.round, self._calendar, LEAD_ARRAY,
            scenario.forecasts.sigma_permille, scenario.forecasts.sigma_end_permille, self._exp,
            self._errors, self._weather, scenario.load, scenario.pv, scenario.heat,
            scenario.temperature, scenario.tariffs, *self._district, d.battery_soc,
            d.battery_capacity, d.store_soc, d.store_capacity, view.cop, d.pump_max,
            self.last_price, operator.by_world.volume, self.day_low, self.day_high,
            operator.tariffs, operator.traded, operator.metered, self._price_scale, self._scale,
            self._district_scale, out,
        )  # fmt: skip

    def observation_shape(self) -> tuple[int, int, int]:
        """(W, L, F) of the array that :meth:`observe` fills."""
        return (*self.learners.shape, len(FIELDS))


def _checked_begins(
    seeds: Sequence[int] | IntArray, starts: Sequence[int] | IntArray, worlds: int, rounds: int
) -> list[tuple[int, int]]:
    """Pairs of seed and first round, one per world."""
    if len(seeds) != worlds or len(starts) != worlds:
        raise InputError(
            f"{worlds} worlds need {worlds} seeds and starts, got {len(seeds)} and {len(starts)}"
        )
    return [
        (checked_seed(seed), checked_int(start, "start (a round of the scenario)", 0, rounds - 1))
        for seed, start in zip(seeds, starts, strict=True)
    ]


def _most_offers(scenario: Scenario) -> int:
    """Most offers that one book can get in a round: small books stay in the processor's cache.

    Per member the fixed load, one offer per block of its devices, and one more where the curve
    crosses zero; then the network's loss and the utility's two quotes.
    """
    electricity = heat = 3
    for member in scenario.members:
        electric = (2 if member.battery else 0) + (1 if member.heat_pump else 0)
        electric += 1 if member.chp else 0
        thermal = (2 if member.thermal_store or member.chp else 0) + (1 if member.boiler else 0)
        electricity += 1 + electric + (1 if electric else 0)
        heat += 1 + thermal + (1 if thermal else 0)
    return max(electricity, heat)


def _price_bounds(tariffs: IntArray) -> tuple[IntArray, IntArray]:
    """Lowest feed-in and highest retail tariff of the day that begins in each round, (T,)."""
    following = np.concatenate([tariffs, tariffs[: ROUNDS_PER_DAY - 1]])
    days = np.lib.stride_tricks.sliding_window_view(following, ROUNDS_PER_DAY, axis=0)
    return days[:, 1].min(axis=-1), days[:, 0].max(axis=-1)


def _cop(member: Member, scenario: Scenario) -> IntArray:
    if member.heat_pump is None:
        return np.zeros(scenario.rounds, np.int64)
    cop: IntArray = member.heat_pump.cop(scenario.temperature)
    return cop


def _scales(scenario: Scenario, devices: Devices) -> npt.NDArray[np.float64]:
    """Largest Wh per round of each organization, (N, 2) float64, at least 1."""
    d = devices
    electricity = np.maximum.reduce(
        [
            scenario.load.max(axis=0),
            scenario.pv.max(axis=0),
            d.battery_charge[0],
            d.pump_max[0],
            d.chp_max[0],
        ]
    )
    made = d.chp_max[0] * d.chp_heat_rate[0] // 1000 + d.boiler_max[0]
    heat = np.maximum.reduce([scenario.heat.max(axis=0), made, d.store_discharge[0]])
    scales: npt.NDArray[np.float64] = np.stack([electricity, heat], axis=1).astype(np.float64)
    return np.maximum(scales, 1.0)
