"""What a live market is about, and the ledger that belongs to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from decent_gym.errors import InputError
from decent_gym.ledger import Checkpoints, Ledger, VerifierKey
from decent_gym.ledger.header import NO_KEY, LedgerHeader
from decent_gym.ledger.keeper import operator_key
from decent_gym.ledger.member_keys import MemberKeys
from decent_gym.ledger.segments import segment_numbers
from decent_gym.scenarios import Scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.recording import header_of


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What a live market is about.

    Attributes
    ----------
    scenario : Scenario
    external : tuple of str
        Organizations that are driven by whoever publishes to their offers topic.
    traders : mapping of str to str
        Scripted traders of the others.
    seed, start : int
        As of an episode.
    speed : float
        How much faster than the world.
    meta : mapping
        For ``meta.json``: where the scenario comes from, as a replay needs it.
    keys : tuple of VerifierKey
        Named ``DISTRICT/ORGANIZATION``: what these organizations offer from outside must be signed
        with them.  Keys of organizations that a script drives are left aside.
    """

    scenario: Scenario
    external: tuple[str, ...]
    traders: Mapping[str, str]
    seed: int
    start: int
    speed: float
    meta: Mapping[str, Any]
    keys: tuple[VerifierKey, ...] = ()

    def member_keys(self) -> dict[str, VerifierKey]:
        """Keys of the external organizations.

        Raises
        ------
        InputError
            One of :attr:`keys` is that of nobody in the district, or there are two of one.
        """
        names = [member.name for member in self.scenario.members]
        found = MemberKeys(self.district, self.keys).by_organization(names)
        return {name: key for name, key in found.items() if name in self.external}

    @property
    def district(self) -> str:
        """Part of the topics."""
        return self.scenario.members[0].organization.district


def ledger_of(
    plan: LivePlan, simulation: Simulation, folder: Path, checkpoints: Checkpoints | None
) -> Ledger:
    """The ledger of a plan: a new one, or the one in `folder`, gone on with.

    Raises
    ------
    InputError
        Another plan or key began it, or an argument cannot be used.
    LedgerError
        It cannot be gone on with, or the disk fails.
    """
    key = operator_key(checkpoints)
    header = header_of(
        simulation.operator, plan.scenario.digest, plan.seed, operator_key=key,
        member_keys=_member_keys(plan),
    )  # fmt: skip
    if folder.is_dir() and segment_numbers(folder):
        ledger = Ledger.resume(folder, sync="round", checkpoints=checkpoints)
        header = replace(header, member_keys=_member_keys(plan, ledger.header))
        fault = _stranger(ledger, header, checkpoints)
        if fault is not None:
            ledger.close()
            raise InputError(f"the ledger {folder} {fault}")
        return ledger
    facts = {
        "face": "serve",
        "learners": [],
        "external": list(plan.external),
        "traders": dict(plan.traders),
        "seed": plan.seed,
        "start": plan.start,
    }
    meta = {**facts, **plan.meta}
    return Ledger.create(folder, header, sync="round", meta=meta, checkpoints=checkpoints)


def _stranger(ledger: Ledger, header: LedgerHeader, checkpoints: Checkpoints | None) -> str | None:
    """Why the arguments are not those that began a ledger; None if they are."""
    # its first key may have handed over to the one that is given, which has been checked
    if ledger.header != replace(header, operator_key=ledger.header.operator_key):
        return (
            "was begun with another scenario, option, seed or keys of organizations; give the "
            "arguments that began it, or another folder"
        )
    if checkpoints is None and ledger.operator_key != NO_KEY:
        return "names its operator's key; give it (--key), or nobody could trust what comes"
    return None


def _member_keys(plan: LivePlan, before: LedgerHeader | None = None) -> bytes:
    """The header's part about organizations' keys, in a new market or in the one that was begun."""
    keys = tuple(plan.member_keys().values())
    if not keys:
        return b""
    found = None if before is None else MemberKeys.of(before)
    fresh = MemberKeys(plan.district, keys)
    return (fresh if found is None else replace(fresh, market=found.market)).to_bytes()


def header_hash(ledger: Ledger) -> str:
    """Hash of the ledger's first record, which names the ledger."""
    return Ledger(ledger.header).head
