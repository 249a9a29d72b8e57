"""The layout as one literal table, the house rules, and proof that each check can fail."""

from pathlib import Path

import pytest
from source_rules.habits import broad_excepts, json_reads, machine_paths, prints, vague_names
from source_rules.imports import cycle, edges, layout_violations, public_violations, read_tree
from source_rules.kernels import kernel_count, kernel_violations

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = read_tree(ROOT, "decent_gym")

# A file imports from lower levels or from its own folder; the data flows one way.
LEVELS = {
    "errors": 0,
    "units": 0,
    "web_address": 1,
    "closing": 1,
    "files": 1,
    "json_text": 1,
    "parquet": 1,
    "registry": 1,
    "models": 2,
    "clearing": 3,
    "district": 3,
    "scenarios": 4,
    "ledger": 4,
    "audit": 5,
    "market": 5,
    "traders": 5,
    "views": 6,
    "simulation": 7,
    "envs": 8,
    "replay": 8,
    "offline": 8,
    "live": 8,
    "contract": 8,
    "metrics": 9,
    "testing": 10,
    "cli": 10,
    "__main__": 11,
    "__init__": 10,
}
# Upward edges taken only when somebody asks: `decent_gym.ledger.verify` is the audit's.
LAZY_EDGES = {("decent_gym.ledger", "decent_gym.audit")}
# The wheel holds decent_gym alone, so it may need none of these.
CHECKOUT_ONLY = {"agents", "benchmarks", "examples", "oracles", "tests", "tools", "training"}
# What agents/ and training/ may import from: packages, never a file in them, and of these only
# names that they export.
PUBLIC = {
    "decent_gym",
    "decent_gym.audit",
    "decent_gym.clearing",
    "decent_gym.contract",
    "decent_gym.district",
    "decent_gym.envs",
    "decent_gym.errors",
    "decent_gym.files",
    "decent_gym.json_text",
    "decent_gym.ledger",
    "decent_gym.live",
    "decent_gym.metrics",
    "decent_gym.models",
    "decent_gym.offline",
    "decent_gym.registry",
    "decent_gym.replay",
    "decent_gym.scenarios",
    "decent_gym.simulation",
    "decent_gym.testing",
    "decent_gym.traders",
    "decent_gym.units",
}
MAY_PRINT = "decent_gym/cli/"
# Beside the reader itself: files of the package, and what was written a moment before.
MAY_READ_JSON = {
    "decent_gym/json_text.py",
    "decent_gym/contract/artefact.py",
    "decent_gym/ledger/tables/export.py",
    "decent_gym/offline/minari_writer.py",
    "training/reference_returns.py",
}
FOLDERS = ("decent_gym", *sorted(CHECKOUT_ONLY - {"oracles"}), "docs", ".ci")


def text_files() -> dict[str, str]:
    """Every text file of the project that people read or run."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    texts = {}
    for path in (*inside, *ROOT.glob("*")):
        if path.name == ".git":  # a file in a worktree, and nothing of the project
            continue
        if path.is_file() and path.suffix not in (".csv", ".npz", ".pyc", ".nbi", ".nbc", ".png"):
            texts[path.relative_to(ROOT).as_posix()] = path.read_text("utf-8", errors="replace")
    return texts


def test_edges_go_down_or_stay_in_their_folder() -> None:
    assert len(PACKAGE) > 5
    assert layout_violations(PACKAGE, LEVELS, LAZY_EDGES, CHECKOUT_ONLY) == []


def test_the_verifier_has_nothing_of_the_writer_but_hashing_and_encoding() -> None:
    writing = {"chain", "disk", "keeper", "merkle", "prove", "recovery", "segments", "state"}
    assert {f"decent_gym/ledger/{name}.py" for name in writing} <= PACKAGE.keys()
    taken = {
        edge.target.removeprefix("decent_gym.ledger.")
        for edge in edges(PACKAGE)
        if edge.source.startswith("decent_gym.audit.")
        and edge.target.startswith("decent_gym.ledger")
    }
    assert {"encoding", "hashing", "header"} <= taken
    assert not taken & writing


def test_no_import_cycle() -> None:
    assert cycle(PACKAGE, LAZY_EDGES) == []


def test_agents_and_training_use_the_public_api_only() -> None:
    users = read_tree(ROOT, "agents", "training")
    assert public_violations(users, PACKAGE, PUBLIC) == []


def test_kernels_depend_on_their_own_file_only() -> None:
    assert sum(kernel_count(source) for source in PACKAGE.values()) > 0
    assert [bad for path in PACKAGE for bad in kernel_violations(path, PACKAGE[path])] == []


def test_file_names_say_what_is_inside() -> None:
    assert vague_names(list(PACKAGE)) == []


def test_library_does_not_print() -> None:
    library = {path: text for path, text in PACKAGE.items() if not path.startswith(MAY_PRINT)}
    assert [bad for path, text in library.items() for bad in prints(path, text)] == []


def test_library_catches_only_what_it_can_name() -> None:
    assert [bad for path, text in PACKAGE.items() for bad in broad_excepts(path, text)] == []


def test_json_is_read_within_limits() -> None:
    sources = PACKAGE | read_tree(ROOT, "agents", "training")
    found = {path for path, text in sources.items() if json_reads(path, text)}
    assert found == MAY_READ_JSON


@pytest.mark.parametrize(
    "source",
    ["import json\njson.loads('1')", "from json import loads", "import json\nread = json.load"],
)
def test_json_without_limits_is_found(source: str) -> None:
    assert len(json_reads("x.py", source)) == 1
    assert json_reads("x.py", "import json\njson.dumps(1)") == []


def test_no_machine_path_anywhere() -> None:
    texts = text_files()
    assert {"README.md", "pyproject.toml", "decent_gym/units.py"} <= texts.keys()
    assert [bad for path, text in texts.items() for bad in machine_paths(path, text)] == []


# Each check above, shown to fail on a small wrong tree and to pass on its right twin.

TREE = {
    "decent_gym/__init__.py": "from decent_gym.models import Offer",
    "decent_gym/errors.py": "",
    "decent_gym/units.py": "import decent_gym.errors",
    "decent_gym/testing.py": "import decent_gym",
    "decent_gym/models/__init__.py": "from .offer import Offer\n__all__ = ['Offer']",
    "decent_gym/models/offer.py": "from decent_gym import units\nclass Offer: ...",
    "decent_gym/clearing/__init__.py": "",
    "decent_gym/clearing/fill.py": "'See decent_gym.audit.'\nfrom decent_gym.models import Offer",
    "decent_gym/district/__init__.py": "",
    "decent_gym/ledger/__init__.py": (
        "import decent_gym.ledger.chain\ndef __getattr__(name):\n    import decent_gym.audit"
    ),
    "decent_gym/audit/__init__.py": "from decent_gym.ledger import chain",
    "decent_gym/ledger/chain.py": "LOGGER = getLogger('decent_gym.ledger')\nSUFFIX = '.json'",
}


def test_right_tree_passes() -> None:
    assert layout_violations(TREE, LEVELS, LAZY_EDGES, CHECKOUT_ONLY) == []
    assert cycle(TREE, LAZY_EDGES) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("decent_gym/models/offer.py", "import decent_gym.clearing.fill"),
        ("decent_gym/models/offer.py", "from decent_gym.clearing import fill"),
        ("decent_gym/models/offer.py", "from ..clearing.fill import x"),
        ("decent_gym/models/offer.py", "from .. import clearing"),
        ("decent_gym/models/offer.py", "def f():\n    from decent_gym import Offer"),
        ("decent_gym/models/offer.py", "if TYPE_CHECKING:\n    import decent_gym.ledger"),
        ("decent_gym/models/offer.py", "import_module('decent_gym.audit')"),
        ("decent_gym/models/offer.py", "import importlib as i\ni.import_module('..audit', p)"),
        ("decent_gym/models/offer.py", "LAZY = {'verify': 'decent_gym.audit.verify'}"),
        ("decent_gym/models/offer.py", "entry_point = 'decent_gym.clearing.fill:Fill'"),
        ("decent_gym/clearing/fill.py", "import decent_gym.district"),
        ("decent_gym/clearing/fill.py", "import training.ppo"),
        ("decent_gym/clearing/fill.py", "from tests.oracles import slow"),
        ("decent_gym/ledger/__init__.py", "import decent_gym.audit"),
        ("decent_gym/ledger/chain.py", "def f():\n    import decent_gym.audit"),
        ("decent_gym/units.py", "import decent_gym.testing"),
        ("decent_gym/extra/__init__.py", ""),
        ("decent_gym/loose.py", ""),
        ("decent_gym/audit/__init__.py", "import decent_gym.nowhere"),
    ],
)
def test_wrong_edge_is_found(path: str, source: str) -> None:
    bad = layout_violations({**TREE, path: source}, LEVELS, LAZY_EDGES, CHECKOUT_ONLY)
    assert len(bad) == 1
    assert path in bad[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("decent_gym/models/offer.py", "from decent_gym.models import Offer"),
        ("decent_gym/models/offer.py", "def f():\n    from . import Offer"),
        ("decent_gym/models/offer.py", "import_module('decent_gym.models')"),
        ("decent_gym/errors.py", "from decent_gym import units"),
    ],
)
def test_cycle_is_found(path: str, source: str) -> None:
    wrong = {**TREE, path: source}
    assert layout_violations(wrong, LEVELS, LAZY_EDGES, CHECKOUT_ONLY) == []
    assert cycle(wrong, LAZY_EDGES)


@pytest.mark.parametrize(
    ("source", "is_public"),
    [
        ("import decent_gym\nx = decent_gym.Offer, decent_gym.models.Offer", True),
        ("from decent_gym import models\nfrom decent_gym.models import Offer", True),
        ("import numpy\nfrom agents.optimal import Plan", True),
        ("import decent_gym.models.offer", False),
        ("from decent_gym.models import offer", False),
        ("from decent_gym.models.offer import Offer", False),
        ("from decent_gym.models import Unlisted", False),
        ("from decent_gym.clearing import _fill", False),
        ("from decent_gym.market import GridOperator", False),
        ("import decent_gym\nx = decent_gym._secret", False),
        ("import importlib\nimportlib.import_module('decent_gym.clearing.fill')", False),
    ],
)
def test_private_use_is_found(source: str, is_public: bool) -> None:
    assert (public_violations({"agents/a.py": source}, TREE, PUBLIC) == []) is is_public


RIGHT_KERNEL = """
import numpy as np
from numba import njit
from decent_gym.units import IntArray
SELL: Final = 0
BUY = SELL + 1

@njit(cache=True, nogil=True)
def half(x): return x // 2

@njit(cache=True, nogil=True)
def fill(first: int, out: IntArray) -> None:
    for i in range(first, len(out)):
        step: IntArray = half(i)
        out[i] = min(BUY, step) + np.int64(1)
"""


def test_right_kernel_passes() -> None:
    assert kernel_violations("k.py", RIGHT_KERNEL) == []
    assert kernel_count(RIGHT_KERNEL) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cache=True, ", ""),
        ("nogil=True", "nogil=False"),
        ("nogil=True", "nogil=True, fastmath=True"),
        ("nogil=True", "nogil=True, parallel=True"),
        ("@njit(cache=True, nogil=True)", "@njit"),
        ("@njit(cache=True, nogil=True)", "@njit(**OPTIONS)"),
        ("from numba import njit", "from numba import njit, prange"),
        ("from numba import njit", "from numba import njit as njit2"),
        ("from numba import njit", "import numba\nfast = numba.njit"),
        ("def half(x): return x // 2", "def half(x): return x // WH"),
        ("BUY = SELL + 1", "from decent_gym.models import BUY"),
        ("BUY = SELL + 1", "from .codes import BUY"),
        ("BUY = SELL + 1", "from decent_gym.models import Side\nBUY = int(Side.BUY)"),
        ("BUY = SELL + 1", "from math import pi as BUY"),
        ("BUY = SELL + 1", "class BUY: ..."),
        ("SELL: Final = 0", "from decent_gym.units import SELL"),
        ("def half(x): return x // 2", "def other(x): return x\ndef half(x): return x"),
        ("SELL: Final = 0", "SELL: Final = 0\nlater = njit(cache=True, nogil=True)(print)"),
        ("SELL: Final = 0", "SELL: Final = 0\ndef make():\n    @njit\n    def inner(): ..."),
    ],
)
def test_wrong_kernel_is_found(old: str, new: str) -> None:
    assert old in RIGHT_KERNEL
    assert kernel_violations("k.py", RIGHT_KERNEL.replace(old, new, 1))


def test_wrong_habits_are_found() -> None:
    assert vague_names(["decent_gym/a/utils.py", "decent_gym/a/base.py", "decent_gym/a/b.py"])
    assert prints("a.py", "def f():\n    print(1)")
    assert not prints("a.py", "'print(1)'\nconsole.print(1)")
    assert broad_excepts("a.py", "try: ...\nexcept: ...")
    assert broad_excepts("a.py", "try: ...\nexcept (OSError, Exception) as e: raise X from e")
    assert broad_excepts("a.py", "with contextlib.suppress(Exception): ...")
    assert not broad_excepts("a.py", "try: ...\nexcept OSError: ...")
    assert not broad_excepts("a.py", "try: ...\nexcept BaseException:\n    undo()\n    raise")
    for folder in ("tmp", "work", "root"):
        assert machine_paths("a.md", f"see\n`/{folder}/x`") == [f"a.md:2: `/{folder}/x`"]
        assert not machine_paths("a.md", f"topic district/{folder}/x, https://a.b/{folder}/x")
