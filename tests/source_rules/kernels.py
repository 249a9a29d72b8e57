"""What a compiled function may look like, and what it may know.

Numba's cache notices a change of the file that holds a kernel and of no other file: a constant or
a helper imported from elsewhere keeps its old value in the cached machine code.
"""

import ast
import builtins
from collections.abc import Iterator

COMPILERS = frozenset(
    {"jit", "njit", "generated_jit", "vectorize", "guvectorize", "cfunc", "stencil", "jitclass"}
)
NUMBA_NAMES = frozenset({"njit", "__version__"})
KNOWN_PACKAGES = frozenset({"numpy", "numba"})
MUST_BE_TRUE = frozenset({"cache", "nogil"})
BANNED = frozenset({"fastmath", "parallel", "forceobj", "looplift"})


def kernel_violations(path: str, source: str) -> list[str]:
    """Everything about the kernels of one file that the house rules forbid."""
    module = ast.parse(source, path)
    kernels = [node for node in module.body if _compilers(node)]
    bad = [*_numba_misuse(module, kernels)]
    names = _module_names(module)
    for kernel in kernels:
        bad += _decorator_faults(kernel)
        bad += _foreign_names(kernel, names, kernels)
    return [f"{path}:{line}: {message}" for line, message in bad]


def kernel_count(source: str) -> int:
    """How many functions of a file are compiled."""
    return sum(bool(_compilers(node)) for node in ast.parse(source).body)


def _compilers(node: ast.AST) -> list[ast.expr]:
    """The decorators of a function that compile it."""
    if not isinstance(node, ast.FunctionDef):
        return []
    return [item for item in node.decorator_list if _called(item) in COMPILERS]


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(function).rpartition(".")[2]


def _numba_misuse(module: ast.Module, kernels: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Numba may appear as ``from numba import njit`` and ``@njit(...)`` at module level, only."""
    decorators = {id(part) for k in kernels for item in _compilers(k) for part in ast.walk(item)}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba":
            for alias in node.names:
                if node.module != "numba" or alias.asname or alias.name not in NUMBA_NAMES:
                    yield node.lineno, f"of numba, import njit alone and by its name: {alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("numba.") or (alias.name == "numba" and alias.asname):
                    yield node.lineno, f"of numba, import njit alone: {alias.name}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "numba":
            if node.attr != "__version__":
                yield node.lineno, f"write `from numba import njit`, not numba.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in COMPILERS and id(node) not in decorators:
            yield node.lineno, f"{node.id} only decorates functions at module level"


def _decorator_faults(kernel: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    for item in _compilers(kernel):
        keywords = {}
        if isinstance(item, ast.Call):
            keywords = {word.arg: ast.unparse(word.value) for word in item.keywords}
        for word in sorted(MUST_BE_TRUE):
            if keywords.get(word) != "True":
                yield item.lineno, f"{kernel.name}: @njit needs {word}=True"
        for word in sorted(BANNED & keywords.keys()):
            yield item.lineno, f"{kernel.name}: @njit must not set {word}"


def _module_names(module: ast.Module) -> dict[str, ast.AST]:
    """What each name at module level was last bound by."""
    names: dict[str, ast.AST] = {}
    for node in module.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = node
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] = node
        else:
            for part in ast.walk(node):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    names[part.id] = node
    return names


def _foreign_names(
    kernel: ast.FunctionDef, names: dict[str, ast.AST], kernels: list[ast.AST]
) -> Iterator[tuple[int, str]]:
    """Names the kernel depends on, itself or through constants, that another file decides."""
    pending = [(name, line, name) for name, line in _free_names(kernel)]
    seen = set()
    while pending:
        name, line, used = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        bound = names.get(name)
        if bound is None:
            if not hasattr(builtins, name):
                yield line, f"{kernel.name}: {used} is not defined in this file"
        elif isinstance(bound, ast.Import | ast.ImportFrom):
            if _package(bound, name) not in KNOWN_PACKAGES:
                yield line, f"{kernel.name}: {used} depends on {name}, imported from another file"
        elif isinstance(bound, ast.FunctionDef | ast.ClassDef):
            if bound not in kernels:
                yield line, f"{kernel.name}: {used} depends on {name}, which is not compiled"
        elif (value := getattr(bound, "value", None)) is not None:
            pending += [
                (part.id, line, used) for part in ast.walk(value) if isinstance(part, ast.Name)
            ]
        else:
            yield line, f"{kernel.name}: {used} is not a plain constant of this file"


def _package(node: ast.Import | ast.ImportFrom, name: str) -> str:
    if isinstance(node, ast.ImportFrom):
        return "" if node.level else (node.module or "").partition(".")[0]
    return next(a.name for a in node.names if name in (a.asname, a.name.partition(".")[0])).split(
        "."
    )[0]


def _free_names(kernel: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    """Names that a function reads and does not bind; annotations are not compiled."""
    nodes = [*kernel.args.defaults, *filter(None, kernel.args.kw_defaults), *kernel.body]
    bound = {part.arg for part in ast.walk(kernel) if isinstance(part, ast.arg)}
    loads = []
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            else:
                loads.append((node.id, node.lineno))
        if isinstance(node, ast.FunctionDef):
            bound.add(node.name)
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                children = value if isinstance(value, list) else [value]
                nodes += [child for child in children if isinstance(child, ast.AST)]
    yield from (load for load in loads if load[0] not in bound)
