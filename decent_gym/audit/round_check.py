"""What shows of a round before it is cleared again, and would make clearing it unsafe.

Whoever clears a stranger's rounds again asks this first: kernels trust what passes here.
"""

from decent_gym.audit.conversions import ConversionCheck
from decent_gym.audit.orders import OrderCheck
from decent_gym.audit.recount import meter_fault, tariff_fault, time_fault
from decent_gym.audit.signatures import SignatureCheck
from decent_gym.clearing import Rules
from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import Round


class RoundCheck:
    """Checks one round after the other.

    Parameters
    ----------
    header : LedgerHeader
    rules : Rules
        Those of the header.
    ledger : bytes (32,)
        Hash of the header.

    Raises
    ------
    LedgerError
        The header names keys of organizations that are none.
    """

    def __init__(self, header: LedgerHeader, rules: Rules, ledger: bytes) -> None:
        self._header = header
        self._orders = OrderCheck(header, rules)
        self._conversions = ConversionCheck(header, rules.clearing == "coupled")
        self._signatures = SignatureCheck(header, ledger)
        self._number: int | None = None

    @property
    def signatures(self) -> int:
        """Messages of offers that were found rightly signed."""
        return self._signatures.count

    def fault(self, record: Round) -> str | None:
        """What is wrong with `record`, which must follow the one checked before.

        Raises
        ------
        MissingExtraError
            There is a signature to check, and ``cryptography`` is not installed.
        """
        before, self._number = self._number, record.number
        return (
            time_fault(record.number, record.timestamp, before, self._header)
            or tariff_fault(record)
            or meter_fault(record)
            or self._orders.fault(record)
            or self._conversions.fault(record)
            or self._signatures.fault(record)
        )
