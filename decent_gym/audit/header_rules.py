"""The rules that a ledger's header says its rounds were cleared by."""

from decent_gym.clearing import RULES_VERSION, Rules
from decent_gym.errors import LedgerError
from decent_gym.ledger.header import LedgerHeader, parse_json


def rules_of(header: LedgerHeader) -> Rules:
    """The rules, if this program can clear by them.

    Raises
    ------
    LedgerError
        For another version of the rules, rules that are none, or a utility that is missing.
    UnknownNameError, InputError
        For a mechanism or rule that this program does not have.
    """
    if header.rules_version != RULES_VERSION:
        raise LedgerError(
            f"header: cleared by rules version {header.rules_version}, this program knows "
            f"{RULES_VERSION}; verify it with the program that wrote it"
        )
    try:
        rules = Rules.from_dict(parse_json(header.rules))
    except TypeError as error:  # JSON can put a list where a name belongs
        raise LedgerError(f"header: rules: {error}") from None
    if rules.utility == "residual" and 1 not in header.priorities:
        raise LedgerError("header: the rules want a utility, but no organization has priority 1")
    return rules
