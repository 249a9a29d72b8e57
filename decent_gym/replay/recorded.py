"""An episode as it was recorded: the ledger's header and what ``meta.json`` says of its making."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import DataError, InputError
from decent_gym.files import open_regular
from decent_gym.json_text import load_json
from decent_gym.ledger import LedgerHeader, open_records
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import decode_header, parse_json
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.segments import META, META_BYTES_CAP
from decent_gym.scenarios import Scenario
from decent_gym.scenarios import scenario as find_scenario


@dataclass(frozen=True, slots=True)
class Recording:
    """What a replay needs besides the rounds themselves.

    Attributes
    ----------
    folder : Path
    header : LedgerHeader
    start : int
        First round.
    scenario : str
        A name, or the path of a TOML file relative to the ledger's folder.
    options : mapping
        Keywords with which the scenario was built.
    learners : tuple of str
        Organizations whose actions the rounds hold.
    traders : str, mapping of str to str, or None
        As in :class:`decent_gym.simulation.Simulation`.
    external : tuple of str
        Organizations whose offers came from outside and stand in the rounds.
    rounds : int or None
        Length of the episode as it was planned; the ledger may hold fewer.
    """

    folder: Path
    header: LedgerHeader
    start: int
    scenario: str
    options: Mapping[str, Any]
    learners: tuple[str, ...]
    traders: str | Mapping[str, str] | None
    rounds: int | None
    external: tuple[str, ...] = ()

    def rebuild(self) -> Scenario:
        """The scenario of the episode.

        Raises
        ------
        DataError
            It is not the one whose digest the header holds: the scenario, its file or its options
            have changed since.
        UnknownNameError, ScenarioError
            There is no such scenario any more.
        """
        which: str | Path = self.scenario
        if self.scenario.endswith(".toml"):
            which = self.folder / self.scenario
            if not which.is_file():
                raise InputError(
                    f"{self.folder}: the episode's scenario file {self.scenario} (relative to the "
                    "ledger) is not there; put it back"
                )
        built = find_scenario(which, **self.options)
        if built.digest != self.header.scenario:
            # recorded without its options; most of them are rules, which the header holds
            built = find_scenario(built, **parse_json(self.header.rules))
        if built.digest != self.header.scenario:
            raise DataError(
                f"{self.folder}: scenario {self.scenario!r} with options {dict(self.options)} has "
                f"the digest {built.digest.hex()[:16]}..., the episode was recorded under "
                f"{self.header.scenario.hex()[:16]}...; use the version and options that recorded "
                "it"
            )
        return built


def read_recording(path: str | Path) -> Recording:
    """Read header, first round and ``meta.json`` of a ledger or of its exported Parquet tables.

    Raises
    ------
    InputError
        There is no ledger at `path`.
    DataError
        The header cannot be read, no round has been recorded, or ``meta.json`` is missing,
        unreadable or contradicts the ledger.
    """
    folder = Path(path)
    scan = open_records(folder)
    records = iter(scan)
    first = next(records, None)
    if first is None:
        raise DataError(f"{folder}: the header cannot be read: {scan.reason}")
    header = decode_header(first.body)
    second = next((record for record in records if record.kind is RecordType.ROUND), None)
    if second is None:
        raise DataError(f"{folder}: no whole round has been recorded; {scan.reason or 'it ends'}")
    start = read_round(second.body, header.accounts).number
    facts = _Facts(folder / META)
    facts.agree("seed", header.seed)
    facts.agree("start", start)
    return Recording(
        folder=folder,
        header=header,
        start=start,
        scenario=facts.get("scenario", str),
        options=facts.get("options", dict, {}),
        learners=_names(facts, "learners"),
        external=_names(facts, "external"),
        traders=facts.get("traders", (str, dict), None),
        rounds=facts.get("rounds", int, None),
    )


_MISSING: Final = object()


class _Facts:
    """The entries of ``meta.json``, which is not hashed and so may be wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with open_regular(path) as file:
                values = load_json(file.read(META_BYTES_CAP + 1), META_BYTES_CAP)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} cannot be read ({error}); a replay needs it, verify does not"
            ) from None
        if not isinstance(values, dict):
            raise DataError(f"{path} must hold an object, got {type(values).__name__}")
        self._values = values

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = _MISSING) -> Any:
        value = self._values.get(key, default)
        if value is _MISSING:
            raise DataError(f"{self._path} does not say the {key!r}, which a replay needs")
        if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
            raise DataError(f"{self._path}: {key!r} has the wrong type, got {value!r}")
        return value

    def agree(self, key: str, recorded: int) -> None:
        value = self._values.get(key, recorded)
        if value != recorded:
            raise DataError(
                f"{self._path}: {key!r} is {value!r}, but the ledger says {recorded}; "
                "meta.json is not hashed and has been changed"
            )


def _names(facts: _Facts, key: str) -> tuple[str, ...]:
    names = facts.get(key, list, [])
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"meta.json: {key!r} must be names, got {names!r}")
    return tuple(names)
