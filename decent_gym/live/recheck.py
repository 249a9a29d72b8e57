"""Clearing a round again when it comes, by the rules that ``decent-gym verify`` uses."""

from decent_gym.audit.checkpoints import CheckpointAudit
from decent_gym.audit.header_rules import rules_of
from decent_gym.audit.reclear import clear_again, first_difference
from decent_gym.audit.recount import money_fault
from decent_gym.audit.round_check import RoundCheck
from decent_gym.errors import DataError, InputError
from decent_gym.ledger.header import LedgerHeader
from decent_gym.ledger.key_record import decode_key
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
        try:
            self._rules = rules_of(header)
        except InputError as error:  # a mechanism that there is not
            raise DataError(f"header: rules: {error}") from None
        self._header = header
        self._check = RoundCheck(header, self._rules, ledger)
        self._balances = [0] * header.accounts
        self._keys = CheckpointAudit(())
        self._keys.begin(header.operator_key)

    def key_fault(self, body: bytes, head: bytes) -> str | None:
        """What is wrong with a change of keys after the record with the hash `head`, or None.

        Raises
        ------
        LedgerError
            The body is none of such a record.
        """
        return self._keys.rotate(decode_key(body), head)

    def fault(self, record: Round) -> str | None:
        """What is wrong with the next round; None if it was cleared by the rules."""
        fault = self._check.fault(record)
        if fault is not None:
            return fault
        again = clear_again([record], self._header, self._rules)
        fault = first_difference(record, again, 0) or money_fault(record, self._balances)
        self._balances = record.accounts.tolist()
        return fault
