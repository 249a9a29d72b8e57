"""A building that trades over MQTT in a market that somebody else runs with ``decent-gym serve``.

Run: ``python -m agents.participant --trader truthful --organization building_03 --broker URL``, or
with ``--policy FOLDER`` as training wrote it.  Offers are made here, from what the market tells
this organization alone; its devices then deliver what was accepted.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from typing import Any

from agents.learned import LearnedPolicy
from decent_gym.errors import DecentGymError, InputError, plain
from decent_gym.ledger import SigningKey
from decent_gym.live import (
    Opening,
    Participant,
    Settled,
    acted_offers,
    scripted_offers,
    trusting,
    with_password,
)
from decent_gym.traders import TRADERS

Decide = Callable[[Opening], list[dict[str, Any]]]
NANO_EUR: float = 1e9


def scripted(trader: str) -> Decide:
    """Offers of a scripted trader."""
    TRADERS[trader]  # a misspelt name is an error now, not at the first round
    return lambda opening: scripted_offers(opening, trader)


def learned(folder: str, organization: str) -> Decide:
    """Offers of a trained policy; one with a memory is asked once a round, in their order."""
    policy = LearnedPolicy.load(folder)
    names, learner = policy.description.actions, policy.description.learner
    if learner != organization:
        raise InputError(
            f"the policy was trained for {learner}, not for {organization}; give --organization "
            f"{learner}"
        )

    def decide(opening: Opening) -> list[dict[str, Any]]:
        action = policy.predict(opening.observation).tolist()
        return acted_offers(opening, dict(zip(names, action, strict=True)))

    return decide


def say(text: str) -> None:
    """One line that is no part of the result."""
    print(plain(text), file=sys.stderr, flush=True)


class Printer:
    """Tells what became of each round, and counts them."""

    def __init__(self, is_quiet: bool) -> None:
        self.rounds = self.money = 0
        self._is_quiet = is_quiet

    def sum_up(self) -> None:
        say(f"{self.rounds} rounds settled, {self.money / NANO_EUR:+.4f} EUR")

    def settled(self, found: Settled) -> None:
        facts = found.facts
        self.rounds += 1
        self.money += sum(facts["money"].values())
        if self._is_quiet:
            return
        accepted = sum(1 for offer in found.offers if offer["accepted"])
        money = sum(facts["money"].values()) / NANO_EUR
        print(
            f"{found.round:6d}  {accepted} of {len(found.offers)} offers accepted, bought "
            f"{facts['traded']['electricity'] / 1000:+.3f} kWh electricity, "
            f"{facts['traded']['heat'] / 1000:+.3f} kWh heat, money {money:+.4f} EUR, "
            f"balance {facts['balance'] / NANO_EUR:+.4f} EUR",
            flush=True,
        )

    def refused(self, receipt: dict[str, Any]) -> None:
        reasons = [entry["text"] or entry["reason"] for entry in receipt["refused"]]
        whole = [f"{receipt['reason']}: {receipt['text']}"] if receipt["reason"] else []
        told = plain("; ".join(whole + reasons))
        print(f"{receipt['round'] or '?':>6}  refused: {told}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--policy", metavar="PATH", help="a trained policy: its folder or policy.json")
    who.add_argument("--trader", metavar="NAME", help=f"one of {', '.join(TRADERS)}")
    parser.add_argument("--organization", required=True, metavar="NAME")
    parser.add_argument("--broker", default="mqtt://localhost", metavar="URL")
    parser.add_argument("--password-file", metavar="FILE", help="password of the URL's user")
    parser.add_argument("--ca", metavar="FILE", help="certificate of the broker's authority")
    parser.add_argument("--key", metavar="FILE", help="sign all offers with this private key")
    parser.add_argument("--district", default="rural", metavar="NAME")
    parser.add_argument("--rounds", type=int, metavar="N", help="leave after so many are settled")
    parser.add_argument("--quiet", action="store_true", help="print refusals alone")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    printer = Printer(args.quiet)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: with a last word
    try:
        decide = (
            scripted(args.trader)
            if args.trader is not None
            else learned(args.policy, args.organization)
        )
        tls = trusting(args.ca)
        key = None if args.key is None else SigningKey.read(args.key)
        broker = with_password(args.broker, args.password_file)
        with Participant(
            broker, args.district, args.organization, decide, tls=tls, key=key
        ) as participant:
            say(
                f"{args.organization} waits for openings of {args.district} at "
                f"{participant.session.address}; Ctrl-C ends it"
            )
            participant.run(
                printer.settled,
                printer.refused,
                lambda: args.rounds is not None and printer.rounds >= args.rounds,
            )
    except DecentGymError as error:
        say(f"participant: {error}")
        return 2
    except KeyboardInterrupt:
        printer.sum_up()
        return 130
    printer.sum_up()
    return 0


if __name__ == "__main__":
    sys.exit(main())
