"""Who imports whom, read from the source without running it.

A tree is a mapping from path (``"decent_gym/models/offer.py"``) to source, so that the rules can
be tried on trees that exist only in a test.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

Tree = Mapping[str, str]

PACKAGE = "decent_gym"
IN_TEXT = re.compile(r"(\.*)(\w+(?:\.\w+)*)(?::\w+)?")  # "a.b", ".b", "a.b:Name"


class Edge(NamedTuple):
    """Module `source` needs `name` of module `target` (None: the module itself)."""

    source: str
    target: str
    name: str | None
    place: str
    lazy: bool  # inside a function, for the type checker only, or only named in a string
    in_text: bool  # only named in a string: an entry point, a table of names, a logger


def read_tree(root: Path, *folders: str) -> dict[str, str]:
    """All Python files below some folders of `root`."""
    paths = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def module_name(path: str) -> str:
    """``a/b/c.py`` -> ``a.b.c``, ``a/b/__init__.py`` -> ``a.b``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def edges(tree: Tree) -> list[Edge]:
    """Every import in the tree, wherever it stands, and every module named in a string."""
    modules = {module_name(path) for path in tree}
    found = []
    for path, source in tree.items():
        collector = _Collector(path, modules)
        collector.visit(ast.parse(source, path))
        found += collector.found
    return found


class _Collector(ast.NodeVisitor):
    def __init__(self, path: str, modules: Collection[str]) -> None:
        self.path, self.modules, self.source = path, modules, module_name(path)
        is_package = path.endswith("/__init__.py")
        self.package = self.source if is_package else self.source.rpartition(".")[0]
        self.lazy = False
        self.found: list[Edge] = []

    def note(
        self, node: ast.AST, target: str, name: str | None, lazy: bool, in_text: bool = False
    ) -> None:
        if name is not None and f"{target}.{name}" in self.modules:
            target, name = f"{target}.{name}", None
        place = f"{self.path}:{node.lineno}"
        self.found.append(Edge(self.source, target, name, place, lazy, in_text))

    def absolute(self, dots: int, module: str) -> str:
        if not dots:
            return module
        parts = self.package.split(".")
        return ".".join((*parts[: len(parts) - dots + 1], *filter(None, [module])))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.note(node, alias.name, None, self.lazy)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.note(node, self.absolute(node.level, node.module or ""), alias.name, self.lazy)

    def later(self, node: ast.AST) -> None:
        before, self.lazy = self.lazy, True
        self.generic_visit(node)
        self.lazy = before

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = later  # noqa: N815 - ast's names

    def visit_If(self, node: ast.If) -> None:
        is_for_checker = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        (self.later if is_for_checker else self.generic_visit)(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in ("import_module", "__import__") and node.args:
            self.text(node.args[0], self.lazy, in_text=False)
            node = ast.Call(node.func, node.args[1:], node.keywords)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # else a docstring: may name any module
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.text(node, lazy=True, in_text=True)

    def text(self, node: ast.expr, lazy: bool, in_text: bool) -> None:
        value = node.value if isinstance(node, ast.Constant) else None
        match = IN_TEXT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return
        module = self.absolute(len(match[1]), match[2])
        parent = module.rpartition(".")[0]
        if module in self.modules and "." in module:
            self.note(node, module, None, lazy, in_text)
        elif not match[1] and "." in parent and parent in self.modules:  # "decent_gym.audit.verify"
            self.note(node, parent, None, lazy, in_text)


def layout_violations(
    tree: Tree,
    levels: Mapping[str, int],
    lazy_edges: Collection[tuple[str, str]],
    foreign: Collection[str],
) -> list[str]:
    """Files outside the table, and edges that go up, sideways or out of the package."""
    bad = [f"{path}: not in the table of levels" for path in tree if _unit(path) not in levels]
    for edge in edges(tree):
        root, _, rest = edge.target.partition(".")
        if root in foreign:
            bad.append(f"{edge.place}: the package imports {edge.target}")
        if root != PACKAGE or is_allowed_lazily(edge, lazy_edges):
            continue
        source, target = _unit_of(edge.source), rest.partition(".")[0] or "__init__"
        if source not in levels or source == target:
            continue
        if target not in levels:
            bad.append(f"{edge.place}: {edge.target} is not in the table of levels")
            continue
        are_both_files = all(_is_file(unit, tree) for unit in (source, target))
        if not levels[target] < levels[source] + are_both_files:
            bad.append(
                f"{edge.place}: {source} (level {levels[source]}) imports "
                f"{edge.target} (level {levels[target]})"
            )
    return bad


def is_allowed_lazily(edge: Edge, lazy_edges: Collection[tuple[str, str]]) -> bool:
    """Whether a documented re-export needs this edge, and takes it only when asked for."""
    return edge.lazy and any(
        edge.source == source and f"{edge.target}.".startswith(f"{target}.")
        for source, target in lazy_edges
    )


def cycle(tree: Tree, lazy_edges: Collection[tuple[str, str]]) -> list[str]:
    """The modules of one import cycle in the order of import, or nothing."""
    graph: dict[str, set[str]] = {module_name(path): set() for path in tree}
    for edge in edges(tree):
        # A file may name its own package in a string, as loggers do.
        if edge.target in graph and not (edge.in_text or is_allowed_lazily(edge, lazy_edges)):
            graph[edge.source].add(edge.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])[::-1]
    return []


def public_violations(users: Tree, package: Tree, public: Collection[str]) -> list[str]:
    """What scripts outside the package use of it that is not its public face."""
    modules = {module_name(path) for path in package}
    bad = []
    for path, source in users.items():
        collector = _Collector(path, modules)
        collector.visit(ast.parse(source, path))
        for edge in collector.found:
            if edge.target.partition(".")[0] != PACKAGE:
                continue
            if edge.target not in public:
                bad.append(f"{edge.place}: {edge.target} is not public")
            elif edge.name is not None and not _is_exported(edge.target, edge.name, package):
                bad.append(f"{edge.place}: {edge.target} does not export {edge.name}")
        bad += [
            f"{path}:{node.lineno}: {ast.unparse(node)} is not public"
            for node in _attributes_of_package(source)
            if node.attr.startswith("_") or _is_hidden(node.attr, modules, public)
        ]
    return bad


def _is_hidden(attribute: str, modules: Collection[str], public: Collection[str]) -> bool:
    name = f"{PACKAGE}.{attribute}"
    return name in modules and name not in public


def _attributes_of_package(source: str) -> Iterator[ast.Attribute]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == PACKAGE:
            yield node


def _is_exported(module: str, name: str, package: Tree) -> bool:
    if name.startswith("_"):
        return False
    path = module.replace(".", "/")
    for node in ast.parse(package.get(f"{path}/__init__.py", "")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return name in ast.literal_eval(node.value)
    return True


def _unit(path: str) -> str:
    return path.removeprefix(f"{PACKAGE}/").partition("/")[0].removesuffix(".py")


def _unit_of(module: str) -> str:
    return module.removeprefix(PACKAGE).strip(".").partition(".")[0] or "__init__"


def _is_file(unit: str, tree: Tree) -> bool:
    return f"{PACKAGE}/{unit}.py" in tree
