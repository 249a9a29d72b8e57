"""Random TraderViews: ordinary districts, tiny numbers that tie, and extremes."""

from dataclasses import fields

import numpy as np

from decent_gym.traders import TraderView

WIDE = ("load", "pv", "heat", "max_charge", "max_discharge", "store_in", "store_out")


def random_view(seed, worlds=4, organizations=12):
    """A view in which every organization owns a random set of devices."""
    rng = np.random.default_rng(seed)
    shape = (worlds, organizations)
    energy = int(rng.choice([3, 40, 5_000, 10**8]))
    span = int(rng.choice([1, 4, 300_000, 10**8]))

    def some(high, owned=0.7, low=0):
        return rng.integers(low, high + 1, shape) * (rng.random(shape) < owned)

    def prices(size):
        return np.sort(rng.integers(-span // 3, span + 1, (worlds, 2, size)), axis=2)

    tariffs = prices(4)[:, :, [2, 1, 3, 0]]
    if rng.random() < 0.2:
        tariffs[:, :, 1] = tariffs[:, :, 0]
    low_high = prices(2)
    if rng.random() < 0.3:  # bang-bang: yesterday was at the tariff's ends
        low_high = tariffs[:, :, [1, 0]]
    battery = rng.random(shape) < 0.7
    arrays = {name: some(energy) for name in WIDE}
    arrays["max_charge"] *= battery
    arrays["max_discharge"] *= battery
    lossless = rng.random(shape) < 0.2
    charge = rng.choice([10, 900, 950, 999], shape)
    arrays["charge_rate"] = np.where(lossless, 1000, charge) * battery
    loss = np.where(rng.random(shape) < 0.7, 100, 99_000)  # mostly good batteries: they trade
    arrays["discharge_rate"] = 1000 + np.where(lossless, 0, rng.integers(0, loss + 1))
    arrays["discharge_rate"] *= battery
    arrays["cop"] = some(7000, 0.4, 1000)
    arrays["pump_max"] = some(energy, 0.9) * (arrays["cop"] > 0)
    arrays["chp_max"] = some(energy, 0.4)
    arrays["chp_heat_rate"] = some(60_000, 0.95, 1) * (arrays["chp_max"] > 0)
    arrays["chp_fuel_rate"] = (arrays["chp_heat_rate"] + 1000) * (arrays["chp_max"] > 0)
    arrays["boiler_max"] = some(energy, 0.4)
    arrays["boiler_fuel_rate"] = some(3000, 1.0, 1000) * (arrays["boiler_max"] > 0)
    return TraderView(
        policy=rng.integers(-2, 5, shape),
        round=rng.integers(0, 35_136, worlds),
        key=rng.integers(-(2**63), 2**63, worlds),
        tariffs=np.ascontiguousarray(tariffs),
        price_low=np.ascontiguousarray(low_high[:, :, 0]),
        price_high=np.ascontiguousarray(low_high[:, :, 1]),
        fuel_price=int(rng.integers(0, max(span // 2, 1))),
        **arrays,
    )


def part_of(view, worlds=slice(None), organizations=slice(None)):
    """The same view with only these worlds, or with its organizations in another order."""
    parts = {}
    for field in fields(view):
        whole = getattr(view, field.name)
        if field.name != "fuel_price":
            whole = whole[worlds]
            by_world = ("round", "key", "tariffs", "price_low", "price_high")
            if field.name not in by_world:
                whole = whole[:, organizations]
            whole = np.ascontiguousarray(whole)
        parts[field.name] = whole
    return TraderView(**parts)


def house(**numbers):
    """A world of one organization with nothing, but for what is given."""
    view = TraderView(
        **{
            field.name: np.zeros((1, 1), np.int64)
            for field in fields(TraderView)
            if field.name != "fuel_price"
        },
        fuel_price=100_000,
    )
    view.round = np.array([5], np.int64)
    view.key = np.array([7], np.int64)
    tariffs = [[300_000, 80_000, 400_000, 40_000], [150_000, 0, 200_000, -10_000]]
    view.tariffs = np.array([tariffs], np.int64)
    view.price_low = np.array([[80_000, 150_000]], np.int64)
    view.price_high = np.array([[300_000, 150_000]], np.int64)
    for name, value in numbers.items():
        if name == "fuel_price":
            view.fuel_price = value
        else:
            getattr(view, name)[...] = value
    return view
