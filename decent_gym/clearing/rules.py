"""How a district clears: mechanism, price rule, tie rule, the utility's place."""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from decent_gym.clearing.mechanism import MECHANISMS
from decent_gym.errors import InputError, shown
from decent_gym.registry import unknown_name
from decent_gym.units import JSON_INTEGER_CAP, checked_int

RULES_VERSION: Final = 1
"""Raised whenever the same rules would clear some book differently; part of every ledger."""

TIE_RULES: Final = ("pro_rata", "time", "random", "equal_share")
"""Names in the order of the codes that kernels know."""

UTILITIES: Final = ("book", "residual", None)
"""The utility quotes in the book, serves what members leave over, or is absent."""

CLEARINGS: Final = ("separate", "coupled")
"""Electricity and heat each on its own, or jointly with the conversions between them."""

SEED_CAP: Final = JSON_INTEGER_CAP  # the ledger keeps rules as JSON
DENOMINATOR_CAP: Final = 10**9
FLOAT_DENOMINATOR_CAP: Final = 10**6
_EXACT_K: Final = re.compile(
    r"[+-]?(?=\.?[0-9])[0-9]{0,40}(/[0-9]{1,40}|(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,2})?)"
)
"""What a text may look like: 1e-999999999, perhaps from a stranger, would fill the memory."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of clearing, checked when made.

    Parameters
    ----------
    mechanism : str
        A name in ``MECHANISMS``.
    price_rule : str, int, Fraction or float
        Where in the valid interval the price lies: ``"midpoint"`` or an exact rational k in
        [0, 1], as 0 (the sellers' end), 1 (the buyers' end), ``"1/3"`` or a Fraction; a float
        only if it is exactly a fraction with a denominator of at most 10^6.  Kept as
        ``"midpoint"`` or ``"numerator/denominator"``.
    tie_rule : str
        ``pro_rata``, ``time``, ``random`` or ``equal_share``.
    seed : int
        Of the lottery, in [0, 2^53 - 1]; read by the tie rule ``random`` and by mechanisms that
        draw lots.
    utility : str or None
        ``"book"``, ``"residual"`` or None; not ``"book"`` for a mechanism that must clear the
        members alone (``Mechanism.members_only``).
    clearing : str
        ``"separate"``: each commodity's book by itself; ``"coupled"``: both at once, with the
        conversions that heat pumps and CHPs offer.  Coupled clearing is a merit order with pro
        rata ties and the midpoint, so it goes with these only.

    Attributes
    ----------
    codes : tuple of int
        What kernels read: index of the tie rule in ``TIE_RULES``, numerator and denominator of k.

    Raises
    ------
    UnknownNameError
        For a misspelt name; says the nearest right one.
    InputError
        For a price rule outside [0, 1] or not exact, a bad seed, a mechanism that must not
        see the utility's quotes with ``utility="book"``, or rules that coupled clearing does not
        have.
    """

    mechanism: str = "merit_order"
    price_rule: str | int | float | Fraction = "midpoint"
    tie_rule: str = "pro_rata"
    seed: int = 0
    utility: str | None = "book"
    clearing: str = "separate"
    codes: tuple[int, int, int] = field(init=False, repr=False, compare=False, default=(0, 1, 2))

    def __post_init__(self) -> None:
        if not isinstance(self.mechanism, str) or self.mechanism not in MECHANISMS:
            raise unknown_name("mechanism", self.mechanism, MECHANISMS)
        if not isinstance(self.tie_rule, str) or self.tie_rule not in TIE_RULES:
            raise unknown_name("tie rule", self.tie_rule, TIE_RULES)
        named = isinstance(self.utility, str) and self.utility in ("book", "residual")
        if self.utility is not None and not named:
            raise unknown_name("utility (or None)", self.utility, ("book", "residual"))
        if self.utility == "book" and MECHANISMS[self.mechanism].members_only:
            raise InputError(
                f"mechanism {self.mechanism!r} must clear the members alone, but utility='book' "
                "puts the utility's quotes among their offers; write utility='residual' (the "
                "utility serves at tariff what members leave over) or utility=None (there is none)"
            )
        k = _rational(self.price_rule)
        name = "midpoint" if k == Fraction(1, 2) else f"{k.numerator}/{k.denominator}"
        codes = (TIE_RULES.index(self.tie_rule), k.numerator, k.denominator)
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "price_rule", name)
        object.__setattr__(self, "seed", checked_int(self.seed, "seed", 0, SEED_CAP))
        if not isinstance(self.clearing, str) or self.clearing not in CLEARINGS:
            raise unknown_name("clearing", self.clearing, CLEARINGS)
        if self.clearing == "coupled":
            self._check_coupled()

    def _check_coupled(self) -> None:
        for name, wanted in (
            ("mechanism", "merit_order"),
            ("tie_rule", "pro_rata"),
            ("price_rule", "midpoint"),
        ):
            if getattr(self, name) != wanted:
                raise InputError(
                    f"clearing='coupled' is a merit order of both books at once and goes with "
                    f"{name}={wanted!r}, got {getattr(self, name)!r}"
                )
        if self.utility == "residual":
            raise InputError(
                "clearing='coupled' needs the utility's quotes in the book: a conversion is worth "
                "running only at known prices; write utility='book' or utility=None, got 'residual'"
            )

    @property
    def k_numerator(self) -> int:
        """Of k, in lowest terms."""
        return self.codes[1]

    @property
    def k_denominator(self) -> int:
        """Of k, in lowest terms, 1 to 10^9."""
        return self.codes[2]

    def to_dict(self) -> dict[str, str | int | None]:
        """Exact and JSON-serialisable; the price rule as ``"numerator/denominator"``."""
        values: dict[str, str | int | None] = {
            "mechanism": self.mechanism,
            "price_rule": f"{self.k_numerator}/{self.k_denominator}",
            "tie_rule": self.tie_rule,
            "seed": self.seed,
            "utility": self.utility,
        }
        if self.clearing != "separate":  # left out otherwise: ledgers are older than the field
            values["clearing"] = self.clearing
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Rules":
        """The inverse of :meth:`to_dict`; fields left out take their defaults.

        Raises
        ------
        UnknownNameError
            For a field that rules do not have.
        """
        known = ("mechanism", "price_rule", "tie_rule", "seed", "utility", "clearing")
        for name in values:
            if name not in known:
                raise unknown_name("field of the rules", name, known)
        return cls(**values)


def _rational(rule: object) -> Fraction:
    if isinstance(rule, str):
        k = _parsed(rule)
    elif isinstance(rule, float):
        k = _exact_float(rule)
    elif isinstance(rule, Fraction):
        k = rule
    else:
        try:
            k = Fraction(operator.index(rule))  # type: ignore[arg-type]
        except TypeError:
            raise _not_a_rule(rule) from None
        if isinstance(rule, bool):
            raise _not_a_rule(rule)
    if not 0 <= k <= 1:
        raise InputError(f"price_rule k must be in [0, 1], got {shown(rule)}")
    if k.denominator > DENOMINATOR_CAP:
        raise InputError(
            f"price_rule k must have a denominator of at most {DENOMINATOR_CAP}, got {shown(rule)}"
        )
    return k


def _parsed(text: str) -> Fraction:
    if text == "midpoint":
        return Fraction(1, 2)
    if _EXACT_K.fullmatch(text) is None:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise unknown_name("price rule (or an exact k such as '1/3')", shown, ("midpoint",))
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise InputError(
            f"price_rule {text!r} has the denominator 0; write k as '1/3' or 0.25"
        ) from None


def _exact_float(number: float) -> Fraction:
    number = float(number)  # a numpy.float64 is a float with another repr
    if number != number or number in (float("inf"), float("-inf")) or str(number) == "-0.0":
        raise _not_a_rule(number)
    k = Fraction(number)
    if k.denominator > FLOAT_DENOMINATOR_CAP:
        near = Fraction(repr(number)).limit_denominator(1000)
        raise InputError(
            f"price_rule {number!r} is not exact as a float; write a Fraction or '{near}'"
        )
    return k


def _not_a_rule(value: object) -> InputError:
    return InputError(
        f"price_rule must be 'midpoint' or an exact k in [0, 1] such as 0, 1 or '1/3', "
        f"got {type(value).__name__} {shown(value)}"
    )
