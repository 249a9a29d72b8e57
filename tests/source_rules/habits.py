"""House rules that are about one file at a time."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

VAGUE_NAMES = frozenset({"utils.py", "util.py", "common.py", "base.py"})
UNLIMITED = frozenset({"json.load", "json.loads", "json.JSONDecoder"})
BROAD = frozenset({"Exception", "BaseException"})
# Absolute paths of somebody's machine; part of a longer path or address is none.
MACHINE_PATH = re.compile(r"(?<![\w.~}/-])/(?:work|tmp|root|farm|home|opt|mnt|Users)/")


def vague_names(paths: Iterator[str] | list[str]) -> list[str]:
    """Files whose name does not say what is in them."""
    return [f"{path}: name it after its idea" for path in paths if _name(path) in VAGUE_NAMES]


def prints(path: str, source: str) -> list[str]:
    """Calls of ``print``."""
    return [
        f"{path}:{node.lineno}: print in the library"
        for node in ast.walk(ast.parse(source, path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]


def broad_excepts(path: str, source: str) -> list[str]:
    """Handlers of everything, unless they end in a bare ``raise`` and so hide nothing."""
    bad = []
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                bad.append(f"{path}:{node.lineno}: broad except")
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            is_broad = any(_is_broad(argument) for argument in node.args)
            bad += [f"{path}:{node.lineno}: broad suppress"] * is_broad
    return bad


def json_reads(path: str, source: str) -> list[str]:
    """JSON that is read without limits; ``decent_gym.json_text`` has them."""
    tree = ast.parse(source, path)
    return [
        f"{path}:{node.lineno}: JSON is read without limits"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in UNLIMITED)
        or (isinstance(node, ast.ImportFrom) and node.module == "json")
    ]


def machine_paths(path: str, text: str) -> list[str]:
    """Lines that hold an absolute path of somebody's machine."""
    return [
        f"{path}:{number}: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(kind).rpartition(".")[2] in BROAD for kind in kinds)


def _name(path: str) -> str:
    return PurePosixPath(path).name
