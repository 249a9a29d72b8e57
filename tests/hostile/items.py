"""What a hostile input may be: the list in literal form, so that a test can say that all is there.

A case names the items that it is an example of.
"""

from typing import Any, Final, NamedTuple

PROMISED: Final = {
    "NaN": "NaN",
    "infinity": "infinities, 1e400 included",
    "-0.0": "-0.0",
    "bool": "a bool where an integer is due",
    "str": "a text or bytes where an integer is due",
    "float": "a float where an integer is due, even an integral one",
    "energy": "energy of nothing or less",
    "caps": "a price, an energy or a count beyond its cap",
    "2^53": "an integer beyond 2^53 - 1 where JSON carries it",
    "window": "valid_until not after start",
    "grid": "a time off the 15-minute grid",
    "past": "in the past",
    "far": "too far ahead",
    "organization": "an organization that there is not",
    "disabled": "an organization that may not",
    "commodity": "a commodity that there is not",
    "attribute": "an attribute or premium that there is not",
    "partner": "a partner that there is not",
    "id twice": "an id or name that is taken",
    "replay": "what was sent once, sent again",
    "another's": "acting on what is another organization's",
    "no signature": "a signature that is missing",
    "forged signature": "a signature that is wrong",
    "another's key": "a signature of somebody else",
    "not the operator": "a step of the round by anybody but the operator",
    "out of order": "a step of the round, or a record, out of order",
    "step twice": "a step of the round taken twice",
    "8 kB": "a payload beyond 8,000 bytes, or a file beyond what it may be",
    "nesting": "deep nesting",
    "UTF-8": "bytes that are no UTF-8",
    "keys twice": "a key that stands twice",
    "unknown fields": "a field, an option or a name that there is not",
    "too many": "more offers than an organization may have",
    "self-crossing": "an organization that would trade with itself",
    "runs code": "a model that would run code when loaded, or is a program",
    "pickle": "an array file that holds a pickle",
    "bomb": "a little that unpacks to a lot",
    "huge shape": "a header that claims more than the file holds",
    "path": "a name that leads elsewhere",
    "version": "a schema or format version that nobody knows",
    "no file": "a folder, a pipe, a device or a link where a file is due",
}
"""Item -> what it is."""

OTHERS: Final = {
    "no integer": "something else where an integer is due",
    "64 bits": "an integer beyond 64 bits",
    "codes": "a code, class or rule that there is not",
    "ids": "a number of an offer that there is not",
    "times": "what is no time, or knows no zone",
    "tariffs": "tariffs out of order",
    "shape": "arrays of other shapes",
    "physics": "a converter that makes energy",
    "blocks": "blocks and groups that contradict themselves",
    "contradiction": "a file that contradicts itself",
    "damage": "bytes that are not what was written",
    "slow": "a little that takes long to read",
    "wrong clearing": "a round that was not cleared by the rules",
    "rewritten": "a past that was written anew",
}


class Case(NamedTuple):
    """One hostile input.

    Attributes
    ----------
    name : str
        Says which one; no two of an entrance have the same.
    items : str
        Of the lists above, with commas.
    made : object
        What is handed in; how, the entrance says.
    error : type
        Exactly this class of error.
    says : str or tuple of str
        Parts of its message: the value, the place, the remedy.
    """

    name: str
    items: str
    made: Any
    error: type[BaseException]
    says: str | tuple[str, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """Of the message."""
        return (self.says,) if isinstance(self.says, str) else self.says
