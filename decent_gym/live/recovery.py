"""Going on after a crash: the ledger's rounds are stepped again and must come out the same."""

from pathlib import Path

from decent_gym.errors import LedgerError
from decent_gym.ledger import Ledger
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.key_record import decode_key
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.scan import Scan
from decent_gym.simulation import Simulation
from decent_gym.simulation.external import submit_again


def step_again(simulation: Simulation, ledger: Ledger, folder: Path) -> int:
    """Bring a simulation that has just begun to where its ledger ends.

    Offers from outside are taken from the ledger, what was delivered follows from them; everything
    else follows from the seed.  What had been handed in for the round that was open is gone.

    Parameters
    ----------
    simulation : Simulation
        Of one world, at the episode's beginning.
    ledger : Ledger
        Resumed, so that its torn tail is cut off.
    folder : Path
        Where it is.

    Returns
    -------
    int
        Rounds stepped.

    Raises
    ------
    LedgerError
        A round came out otherwise, or the ledger ends in bytes that nothing explains.
    """
    own = Ledger(ledger.header)
    simulation.operator.listen(0, own)
    scan = Scan(folder)
    for raw in scan:
        if raw.kind is RecordType.HEADER:
            continue
        if raw.kind is RecordType.KEY:
            own.on_key(decode_key(raw.body))
            continue
        recorded = read_round(raw.body, ledger.header.accounts)
        if recorded.number != int(simulation.operator.round[0]):
            raise LedgerError(
                f"{folder}: round {recorded.number} stands where "
                f"{int(simulation.operator.round[0])} is due; was it begun with other arguments?"
            )
        submit_again(simulation, recorded)
        simulation.step()
        if own.head != raw.hash.hex():
            raise LedgerError(
                f"{folder}: round {recorded.number} came out otherwise when it was stepped again; "
                "use the version and arguments that began this ledger"
            )
    if scan.damage is not None or own.head != ledger.head:
        raise LedgerError(f"{folder} cannot be gone on with: {scan.reason or 'its end changed'}")
    simulation.operator.listeners[0].remove(own)
    return own.rounds
