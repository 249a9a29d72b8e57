"""Clearing a round again when it comes, by the rules that ``decent-gym verify`` uses."""

from decent_gym.audit.orders import OrderCheck
from decent_gym.audit.reclear import clear_again, first_difference
from decent_gym.audit.recount import meter_fault, money_fault, tariff_fault, time_fault
from decent_gym.audit.signatures import SignatureCheck
from decent_gym.clearing import RULES_VERSION, Rules
from decent_gym.errors import DataError
from decent_gym.ledger.header import LedgerHeader, parse_json
from decent_gym.models import Round


class Recheck:
    """Checks the rounds of one ledger from its first, one by one.

    Parameters
    ----------
    header : LedgerHeader
    ledger : bytes (32,)
        Its hash.

    Raises
    ------
    DataError
        Its rounds were cleared by rules that this program does not know, or it names organizations'
        keys that are none.
    """

    def __init__(self, header: LedgerHeader, ledger: bytes) -> None:
        if header.rules_version != RULES_VERSION:
            raise DataError(
                f"the ledger was cleared by rules version {header.rules_version}, this program "
                f"knows {RULES_VERSION}; check it with the program that wrote it"
            )
        try:
            self._rules = Rules.from_dict(parse_json(header.rules))
        except TypeError as error:  # JSON can put a list where a name belongs
            raise DataError(f"the ledger's rules: {error}") from None
        if self._rules.utility == "residual" and 1 not in header.priorities:
            raise DataError("the ledger's rules want a utility, and nobody is one")
        self._header = header
        self._signatures = SignatureCheck(header, ledger)
        self._orders = OrderCheck(header)
        self._balances = [0] * header.accounts
        self._number: int | None = None

    def fault(self, record: Round) -> str | None:
        """What is wrong with the next round; None if it was cleared by the rules."""
        fault = (
            time_fault(record.number, record.timestamp, self._number, self._header)
            or tariff_fault(record)
            or meter_fault(record)
            or self._orders.fault(record)
            or self._signatures.fault(record)
        )
        if fault is not None:
            return fault
        again = clear_again([record], self._header, self._rules)
        fault = first_difference(record, again, 0) or money_fault(record, self._balances)
        self._number = record.number
        self._balances = record.accounts.tolist()
        return fault
