"""Reading the command line: mistakes are one line that names the nearest right word."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from decent_gym.errors import InputError
from decent_gym.registry import unknown_name

Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """An argument parser that raises :class:`InputError` where argparse prints and exits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # an abbreviation that works today is ambiguous tomorrow
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise InputError(f"{message}; see '{self.prog} --help'")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = action.dest.replace("_", " ")
            raise unknown_name(name, value, map(str, action.choices))

    def options(self) -> list[str]:
        """Every ``--option`` that this parser knows."""
        return [text for text in self._option_string_actions if text.startswith("--")]


def refuse_leftovers(parser: Parser, leftovers: Sequence[str]) -> None:
    """Raise for arguments that the command does not know.

    Raises
    ------
    UnknownNameError
        For an option, naming the nearest one.
    InputError
        For a word too many.
    """
    for word in leftovers:
        if word.startswith("-"):
            raise unknown_name(f"option of '{parser.prog}'", word.split("=")[0], parser.options())
        parser.error(f"unexpected argument {word!r}")


def assignments(texts: Iterable[str], option: str) -> dict[str, str]:
    """``["a=1", "b=x"]`` as a dictionary.

    Raises
    ------
    InputError
        For a text without ``=``, or a key twice.
    """
    values: dict[str, str] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not (key and separator and value):
            raise InputError(f"{option} needs key=value, got {text!r}")
        if key in values:
            raise InputError(f"{option} {key} is given twice: {values[key]!r} and {value!r}")
        values[key] = value
    return values


def parsed_value(text: str) -> int | str | None:
    """An integer if it is one, nothing for ``none``, else the text itself."""
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        return text
