"""What can be checked of a round's figures without clearing it: tariffs, times and sums."""

from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import Commodity, Money, Round, Tariff
from decent_gym.units import BOOK_ENERGY_CAP, PRICE_CAP, ROUND_SECONDS

_METER_CAP = 2**40
_IMBALANCE_CAP = BOOK_ENERGY_CAP // 2  # two commodities at the highest price stay below 2^62


def time_fault(number: int, timestamp: int, before: int | None, header: LedgerHeader) -> str | None:
    """Whether a round follows the one `before` and lies on the header's grid."""
    if not 0 <= number < 2**40:
        return f"its number is {number}"
    if before is not None and number != before + 1:
        return f"its number is {number} after {before}"
    due = header.start + number * ROUND_SECONDS
    if timestamp != due:
        return f"its timestamp is {timestamp}, by number and start it should be {due}"
    return None


def tariff_fault(record: Round) -> str | None:
    """Whether ``long < feed_in <= retail < short`` within the price cap, for both commodities."""
    for commodity, row in zip(Commodity, record.tariffs.tolist(), strict=True):
        named = {tariff: row[tariff] for tariff in Tariff}
        if max(map(abs, row)) > PRICE_CAP or not (
            named[Tariff.LONG] < named[Tariff.FEED_IN] <= named[Tariff.RETAIL] < named[Tariff.SHORT]
        ):
            text = ", ".join(f"{tariff.name.lower()} {value}" for tariff, value in named.items())
            return f"{commodity.name.lower()} tariffs contradict each other: {text}"
    return None


def meter_fault(record: Round) -> str | None:
    """Whether energies are small enough to be settled in 64 bits, and possible at all."""
    operator = len(record.accounts) - 1
    traded, metered = record.traded.T.tolist(), record.metered.T.tolist()
    for commodity, bought, drawn in zip(Commodity, traded, metered, strict=True):
        place = commodity.name.lower()
        if max(map(abs, drawn)) > _METER_CAP or max(map(abs, bought)) > _METER_CAP:
            return f"{place} metered or traded energy passes {_METER_CAP} Wh"
        if sum(abs(a - b) for a, b in zip(drawn, bought, strict=True)) > _IMBALANCE_CAP:
            return f"{place} imbalance passes {_IMBALANCE_CAP} Wh"
        if drawn[operator]:
            return f"{place} metered of the operator's account is {drawn[operator]}, not 0"
    unserved = record.unserved.tolist()
    for organization, energy in enumerate(unserved):
        if energy < 0:
            return f"unserved heat of organization {organization} is {energy}"
    return None


def money_fault(record: Round, balances: list[int]) -> str | None:
    """Whether every kind of money sums to 0 and the accounts follow from `balances`.

    Parameters
    ----------
    record : Round
    balances : list of int, n-euro
        Before the round.
    """
    rows = record.money.tolist()
    for kind, row in zip(Money, rows, strict=True):
        if sum(row):
            return f"{kind.name.lower()} money sums to {sum(row)}, not 0"
    after = record.accounts.tolist()
    for account, parts in enumerate(zip(balances, *rows, strict=True)):
        if after[account] != sum(parts):
            return f"account {account} is {after[account]}, its movements give {sum(parts)}"
    return None
