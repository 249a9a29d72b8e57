"""The commands of a page's walk-through, as its readers would type them."""

import shlex
from collections.abc import Iterator


def commands(page: str) -> Iterator[tuple[list[str], int, str]]:
    """Arguments, expected exit code and words of each command of the walk."""
    walk = page.partition("## A walk through")[2].partition("## From Python")[0]
    for block in walk.split("```sh\n")[1:]:
        for line in block.split("```")[0].replace("\\\n", " ").splitlines():
            command, _, comment = line.partition("#")
            program, *argv = shlex.split(command)
            assert program == "decent-gym"
            code, _, words = comment.strip().removeprefix("exit code ").partition(": ")
            yield argv, int(code or 0), words
