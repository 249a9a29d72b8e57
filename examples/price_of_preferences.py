"""What do wishes cost a district, and who bears it?  One week, cleared with wishes and without.

    python examples/price_of_preferences.py [--start ROUND] [--rounds N] [--seed N]

Everybody is scripted (`truthful`).  The offers are those of the week with wishes; the comparison
clears the same offers as if nobody had a wish.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import decent_gym
from decent_gym import Wish
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.metrics import PreferenceCost, preference_cost
from decent_gym.simulation import Simulation

SPRING = 14 * 7 * 96
"""8 April 2016, 00:00: sun enough to trade, too little for all who would like it."""
WISHES = {
    "building_01": Wish(renewable=True, premium=100),
    "building_03": Wish(renewable=True, premium=200),
    "building_07": Wish(local=True, premium=100),
    "building_08": Wish(local=True),
    "building_10": Wish(renewable=True),
    "building_12": Wish(partner="building_09"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--start", type=int, default=SPRING)
    parser.add_argument("--rounds", type=int, default=7 * 96)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        record(ledger, args.start, args.rounds, args.seed)
        cost = preference_cost(ledger)
    console = Console(width=80)
    console.print(summary(cost), bearers(cost))


def record(path: Path, start: int, rounds: int, seed: int) -> None:
    """The week with wishes, as a ledger."""
    district = decent_gym.scenario("rural", mechanism="preference", wishes=WISHES)
    simulation = Simulation(district)
    simulation.reset([seed], [start])
    rules = district.rules.to_dict()
    header = LedgerHeader.of(district.organizations, rules, district.start, seed=seed)
    with Ledger.create(path, header) as ledger:
        simulation.operator.listen(0, ledger)
        for _ in track(range(rounds), "rural", transient=True):
            simulation.step()


def summary(cost: PreferenceCost) -> Table:
    """The figures of the district."""
    out = Table("", "", title=f"{cost.rounds} rounds of `rural` with wishes")
    out.columns[1].justify = "right"
    for name, wh in cost.bought.items():
        out.add_row(f"bought, {name.replace('_', ' and ')}, kWh", f"{wh / 1000:,.1f}")
    out.add_row("orders whose wish was unmet", f"{cost.unmet:,}")
    out.add_row("welfare without wishes, EUR", f"{(cost.welfare + cost.lost) / 1e9:,.2f}")
    out.add_row("price of preferences, EUR", f"{cost.lost / 1e9:,.2f}")
    out.add_row("premia of what was delivered, EUR", f"{cost.premium / 1e9:,.2f}")
    return out


def bearers(cost: PreferenceCost) -> Table:
    """By how much the wishes change the surplus of whom."""
    out = Table("who", "wishes for", "surplus, EUR", title="Who bears the wishes")
    out.columns[2].justify = "right"
    for who, change in cost.by_role.items():
        if change:
            out.add_row(who.replace("_", " and "), "", f"{change / 1e9:+,.2f}")
    out.add_section()
    for who, change in cost.by_organization.items():
        if change:
            out.add_row(who, said(WISHES.get(who)), f"{change / 1e9:+,.2f}")
    return out


def said(wish: Wish | None) -> str:
    """A wish in words."""
    if wish is None:
        return ""
    if wish.partner is not None:
        return f"partner {wish.partner}"
    kind = "renewable" if wish.renewable else "local"
    return f"{kind}, hard" if wish.premium is None else f"{kind}, +{wish.premium / 10:g} %"


if __name__ == "__main__":
    main()
