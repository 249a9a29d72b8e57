"""Where hostile input is handed in: what is prepared, what is done, and what must stay as it was.

Every stand stands beside an open market; its books, accounts and ledger's head are part of what
must not change, whatever the entrance.
"""

import contextlib
import io
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from market.random_orders import MEMBERS, TARIFFS
from market.snapshots import header_of, snapshot

from decent_gym.cli import main
from decent_gym.envs import TraderEnv
from decent_gym.errors import OfferError
from decent_gym.ledger import Ledger
from decent_gym.market import Capability, MarketController
from decent_gym.models import Commodity, Offer, Side

START: Final = datetime(2020, 1, 1, tzinfo=UTC)
GOOD: Final[dict[str, Any]] = {
    "organization": "a",
    "side": Side.SELL,
    "commodity": Commodity.HEAT,
    "energy": 1_000,
    "price": 80_000,
}


class RefusedError(Exception):
    """A check that answers instead of raising has answered no."""


class ComplaintError(Exception):
    """What the command line said in its one line, with exit code 2."""


class Town:
    """A market two rounds old, with open offers, one organization at its limit, and a ledger."""

    def __init__(self) -> None:
        self.capability = Capability()
        self.market = MarketController(MEMBERS, self.capability, tariffs=TARIFFS, start=START)
        self.operator = self.market.operator
        self.operator.max_offers = 4
        self.ledger = Ledger(header_of(self.operator))
        self.market.listen(self.ledger)
        for name, side, price in (("a", Side.SELL, 90_000), ("b", Side.BUY, 70_000)):
            self.market.submit(
                Offer(name, side, Commodity.HEAT, 500, price, valid_until=9, id=77, device=3)
            )
        for _ in range(2):
            self.market.close_round(self.capability)
        for _ in range(4):
            self.market.submit(Offer("d", Side.SELL, Commodity.HEAT, 5, 95_000))

    def state(self) -> object:
        """Books, accounts and everything else, and the ledger's head."""
        return snapshot(self.market), self.ledger.head, self.ledger.rounds


class Stand:
    """Hands what was made to a function."""

    def __init__(self, act: Callable[[Any], object], state: Callable[[], object] = tuple) -> None:
        self._act, self._state = act, state
        self.made: Any = None

    def prepare(self, made: Any) -> None:
        """Make everything ready; what changes here is not the case's doing."""
        self.made = made

    def act(self) -> object:
        """Hand it in."""
        return self._act(self.made)

    def state(self) -> object:
        """All that must stay as it is."""
        return self._state()

    def check(self, error: BaseException) -> None:
        """What else the error must say."""


class SubmitStand(Stand):
    """An offer that differs from a good one, or something else, given to the open market."""

    def __init__(self, town: Town) -> None:
        super().__init__(lambda made: town.market.submit(self._offer()))

    def _offer(self) -> Any:
        is_offer = isinstance(self.made, dict) and "no offer" not in self.made
        return Offer(**GOOD | self.made) if is_offer else self.made

    def check(self, error: BaseException) -> None:
        """An OfferError says field and value, also to programs."""
        if isinstance(error, OfferError):
            assert error.field in str(error)
            assert error.value == getattr(self._offer(), error.field)


class FolderStand(Stand):
    """A fresh copy of a good folder, changed by the case, and then used."""

    def __init__(self, good: Path, act: Callable[[Path], object]) -> None:
        self.good = good
        self.copy = good.with_name(f"{good.name}-changed")
        super().__init__(lambda made: act(self.copy), lambda: tree(self.copy))

    def prepare(self, made: Callable[[Path], object]) -> None:
        """Change the copy."""
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.good, self.copy)
        made(self.copy)


class CommandStand(Stand):
    """Words on the command line, in a folder with keys and a ledger."""

    def __init__(self, place: Path) -> None:
        self.place = place
        super().__init__(self._run, lambda: tree(place))

    def _run(self, words: list[str]) -> None:
        said, told = io.StringIO(), io.StringIO()
        before = Path.cwd()
        os.chdir(self.place)
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(told):
                code = main(words)
        finally:
            os.chdir(before)
        line = said.getvalue()
        if code == 2:
            assert line.startswith("decent-gym: ") and line.count("\n") == 1
            assert not told.getvalue()
            raise ComplaintError(line)


def demand(answer: Any) -> None:
    """Turn the answer no into an error."""
    if not answer:
        raise RefusedError(str(answer))


def tree(folder: Path) -> dict[str, object]:
    """Names and contents of everything below a folder; links and pipes are not opened."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_plain = path.is_file() and not path.is_symlink()
        found[name] = path.read_bytes() if is_plain else path.lstat().st_mode
    return found


def state_of(env: TraderEnv) -> object:
    """Everything that a step or a reset could change."""
    sim = env.episodes.simulation
    op, devices = sim.operator, sim.devices
    arrays = [op.round, op.accounts, op.traded, devices.battery_soc, sim.totals, sim.actions]
    arrays += [sim.seeds, env.episodes.observations, env.episodes.elapsed]
    return [*(a.tobytes() for a in arrays), env.head, repr(env.np_random.bit_generator.state)]
