"""A market that nobody has to trust: an operator, two participants, a witness, and three frauds.

    python examples/walkthrough.py [--folder FOLDER] [--write docs/walkthrough.md]

Needs mosquitto and ``pip install 'decent-gym[mqtt,trust]'``; takes half a minute.  Every command
that is shown is run; the exit code is 0 only if every fraud was caught in the way that is told.
"""

import argparse
import json
import os
import re
import signal
import socket
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # examples/ is not installed

from decent_gym.ledger import Checkpoint
from examples.narrator import Narrator

# Who trades from outside, and how; what else a participant is given stands in `begin`.
PARTICIPANTS = {"building_03": "truthful", "building_05": "self_consumption"}
MEMBERS = "members"
"""Folder of their keys."""
ROUNDS = 40
SPEED = "6000x"
"""A round in 0.15 s."""
EVERY = 16
FIRST = EVERY + 1
"""Records under the first checkpoint: the header and so many rounds."""
HELD = "--checkpoint held.txt --key operator.pub --witness witness.pub"
TRADED = re.compile(r"^ *(\d+)  [1-9]\d* of \d+ offers accepted, bought (\S+) kWh electricity")
TITLE = """\
# A walk-through: a market that nobody has to trust

<!-- Written by examples/walkthrough.py --write; tests/examples holds it against the script. -->

An operator runs a street's market over MQTT. Two participants trade in it, an observer listens, a
neighbour is the witness. Then the operator cheats in three ways, and each is caught by something
else. What is shown here was printed by

    python examples/walkthrough.py

which runs every command, in half a minute, with a real mosquitto (`apt-get install mosquitto`,
`pip install 'decent-gym[mqtt,trust]'`) and ends with exit code 0 only if every fraud was caught.
Long hashes are cut short. What the parts are is told in [trust.md](trust.md) and
[live.md](live.md)."""

SUMMARY = """\
| fraud | caught by | not seen by |
|---|---|---|
| a trade is edited | the record's own hash | |
| ... and all is hashed and signed anew | \
a held checkpoint, a proof, the witness, clearing again | hashes and signatures |
| the ledger is rolled back and goes on otherwise | a held checkpoint, the witness, a listener | \
clearing again |
| the market is cleared wrongly from the start | clearing again | \
hashes, signatures, the witness |"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="a new one, kept; else one that is removed")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="also write this as Markdown")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(spare) if args.folder is None else args.folder
        folder.mkdir(parents=True, exist_ok=args.folder is None)
        with Narrator(folder) as narrator:
            keys(narrator)
            broker(narrator)
            begin(narrator)
            number = trade(narrator)
            check(narrator, number)
            edited_trade(narrator)
            rolled_back(narrator)
            wrong_clearing(narrator)
            narrator.heading("9. What caught what")
            narrator.say(SUMMARY)
            narrator.say(f"All three frauds were caught, by {len(narrator.caught)} checks.")
            if args.write is not None:
                narrator.write(args.write, TITLE)
    return 0


def keys(walk: Narrator) -> None:
    walk.heading("1. Keys")
    walk.say("The operator and the witness make a key each; everybody gets the two `.pub` files.")
    walk.run("decent-gym keygen --name district.example/rural --out operator")
    walk.run("decent-gym keygen --name neighbour.example/witness --witness --out witness")
    walk.say(
        "The two buildings make one each, too, with which they sign what they offer, and give the "
        "operator the public ones."
    )
    (walk.folder / MEMBERS).mkdir()
    for name in PARTICIPANTS:
        walk.run(f"decent-gym keygen --name rural/{name} --out {MEMBERS}/{name}")


def broker(walk: Narrator) -> None:
    walk.heading("2. A broker on which everybody can do only what is theirs")
    names = " ".join(PARTICIPANTS)
    walk.variables["PORT"] = free_port()
    walk.say(
        "TLS, a password for each user, an access list: a participant writes its own offers and "
        "reads its own receipts, only the operator publishes rounds."
    )
    walk.run(
        f"decent-gym broker-config --out broker --organizations {names} --observers anna "
        "--port $PORT"
    )
    walk.say(
        "Each user is handed its password from `broker/users.json`; below, `$OPERATOR`, `$ANNA`, "
        "`$BUILDING_03` and `$BUILDING_05` stand for them."
    )
    users = json.loads((walk.folder / "broker/users.json").read_text())
    walk.variables |= {name.upper(): password for name, password in users.items()}
    if os.geteuid() == 0:  # else it gives up being root and cannot read its files
        with (walk.folder / "broker/mosquitto.conf").open("a") as file:
            file.write("user root\n")
    walk.start("mosquitto", "mosquitto -c broker/mosquitto.conf")
    walk.wait(lambda: answers(walk.variables["PORT"]), "mosquitto")


def begin(walk: Narrator) -> None:
    walk.heading("3. Witness, observer, participants")
    walk.variables["WITNESS"] = free_port()
    walk.say("The neighbour's witness keeps the last checkpoint that it has cosigned.")
    walk.start(
        "witness",
        "decent-gym witness serve --state seen --key witness --log operator.pub --port $WITNESS",
        until="listening",
    )
    walk.say("Anna hears every round, fetches its record, clears it again, compares and keeps it.")
    walk.start(
        "anna",
        f"decent-gym subscribe --broker {url('anna')} --ca broker/tls/ca.crt --reclear --keep anna",
    )
    walk.say("Two buildings trade for themselves. Nothing is open yet, so they wait.")
    for name, trader in PARTICIPANTS.items():
        walk.start(
            name,
            f"python -m agents.participant --trader {trader} --organization {name} "
            f"--broker {url(name)} --ca broker/tls/ca.crt --key {MEMBERS}/{name} --rounds {ROUNDS}",
        )


def trade(walk: Narrator) -> int:
    """Run the market; returns a round in which building_03 traded electricity."""
    walk.heading("4. The market runs, and signs what it does")
    walk.say(
        f"A round in 0.15 s, and every {EVERY} rounds a signed checkpoint of the ledger. The "
        "ledger keeps what the participants signed: the operator cannot invent an offer of "
        "theirs, nor can they deny one."
    )
    walk.start("serve", serve("market", f"--speed {SPEED}"), until="serving")
    first = walk.folder / f"market/checkpoint-{FIRST:09d}.txt"
    walk.wait(first.exists, "serve")
    walk.say(
        "While it runs, the operator has a checkpoint cosigned and hands it out. The participants "
        "keep it."
    )
    walk.run(cosign("market", "early.txt"), words="cosigned")
    walk.say(f"After {ROUNDS} rounds the participants leave.")
    for name in PARTICIPANTS:
        walk.end(name)
    walk.say("Ctrl-C ends the market between two rounds, with a last checkpoint.")
    walk.end("serve", number=signal.SIGINT)
    walk.say(
        "The witness cosigns that one, too, but not before it is proven that it continues the one "
        "it has seen."
    )
    walk.run(cosign("market", "held.txt"), words="cosigned")
    found = [TRADED.match(line) for line in walk.said("building_03").splitlines()]
    numbers = [int(match[1]) for match in found if match and float(match[2])]
    if not numbers:
        sys.exit("walk-through: building_03 traded no electricity; is this machine too busy?")
    return numbers[-1]


def check(walk: Narrator, number: int) -> None:
    walk.heading("5. Everybody can check")
    walk.say("Whoever has a copy of the ledger clears every round again.")
    walk.run(f"decent-gym verify market {HELD}", words="signatures of offers")
    walk.variables["ROUND"] = str(number)
    walk.say(
        "building_03 wants to know whether what it was told of a round stands there, say of the "
        "last one in which it traded electricity (`$ROUND`). It needs no ledger, only what it "
        "holds and a proof of some kilobytes."
    )
    walk.run(
        "decent-gym prove market --round $ROUND --organization building_03 --from early.txt "
        "--out mine.proof"
    )
    walk.run(f"decent-gym verify --proof mine.proof {HELD}", words="signed by building_03: message")
    (copy,) = (walk.folder / "anna").iterdir()
    walk.variables["COPY"] = f"anna/{copy.name}"
    walk.say(
        "Anna needs nobody's ledger: the copy that she has made of what she heard leads to the "
        "same checkpoint, and to the same proof."
    )
    walk.run(f"decent-gym verify $COPY {HELD}", words="signatures of offers")
    walk.run(
        "decent-gym prove $COPY --round $ROUND --organization building_03 --checkpoint held.txt "
        "--out hers.proof"
    )
    walk.run(f"decent-gym verify --proof hers.proof {HELD}", words="ok, this is proven")


def edited_trade(walk: Narrator) -> None:
    walk.heading("6. First fraud: an edited trade")
    walk.say("The operator lets building_03 pay a euro more. The record's hash tells.")
    trade = "--round $ROUND --organization building_03"
    walk.run(f"python -m examples.cheat edit market edited {trade}")
    walk.catch("decent-gym verify edited", "does not have the hash that it states")
    walk.say(
        "So it hashes everything after it again and signs new checkpoints. Now every hash and "
        "every signature is right."
    )
    walk.run(f"python -m examples.cheat edit market rewritten {trade} --key operator")
    walk.run("decent-gym verify rewritten --no-reclear", words="hashed again")
    walk.say("But it is not the ledger of which building_03 holds a checkpoint.")
    walk.catch(
        "decent-gym verify rewritten --no-reclear --checkpoint held.txt",
        "its past was written anew",
    )
    walk.say("A proof made from it does not lead to that checkpoint either.")
    walk.run(f"decent-gym prove rewritten {trade} --out false.proof")
    walk.catch(f"decent-gym verify --proof false.proof {HELD}", "one was written anew")
    walk.say("Nor does the witness cosign it. It keeps both checkpoints: the fraud is proven.")
    walk.catch(cosign("rewritten", "new.txt"), "FORK")
    if not list((walk.folder / "seen").glob("*.forked.txt")):
        sys.exit("walk-through: the witness has kept no evidence of the fork")
    walk.say("And whoever clears again sees it without holding anything.")
    walk.catch("decent-gym verify rewritten", "clearing again gives")


def rolled_back(walk: Narrator) -> None:
    walk.heading("7. Second fraud: a rolled-back ledger")
    walk.say(
        f"The operator did not like what happened after round {FIRST - 1}. It cuts the ledger off "
        "there. What is left is a whole ledger, rightly signed."
    )
    walk.run(f"python -m examples.cheat cut market again --records {FIRST}")
    walk.run("decent-gym verify again", words="rounds cleared again")
    walk.catch("decent-gym verify again --checkpoint held.txt", "rolled back")
    walk.catch(cosign("again", "new.txt"), "ROLLBACK")
    walk.say(
        "It goes on from there with another history, in which the buildings offer nothing. Every "
        "round is cleared by the rules, so the ledger alone looks good."
    )
    rounds = Checkpoint.read(walk.folder / "held.txt").size - 1
    walk.variables["AS_MANY"] = str(rounds)
    walk.run(serve("again", "--rounds $AS_MANY --speed 90000x --quiet"))
    walk.run("decent-gym verify again", words="rounds cleared again")
    walk.catch("decent-gym verify again --checkpoint held.txt", "its past was written anew")
    walk.catch(cosign("again", "new.txt"), "FORK")
    walk.say("Anna has heard two histories from one operator, and leaves.")
    walk.end("anna", code=1, words="verify the ledger")


def wrong_clearing(walk: Narrator) -> None:
    walk.heading("8. Third fraud: wrong clearing")
    walk.say(
        "In another ledger the operator cheats from the first round: electricity trades a cent "
        "dearer than the rules say. Accounts add up, hashes and signatures are right, nothing is "
        "ever rewritten, so the witness has no reason to refuse."
    )
    walk.run(
        "python -m examples.cheat favour market favoured --key operator "
        "--origin district.example/rural/2"
    )
    walk.run(cosign("favoured", "favoured.txt"), words="cosigned")
    held = "--checkpoint favoured.txt --key operator.pub --witness witness.pub"
    walk.run(f"decent-gym verify favoured --no-reclear {held}", words="hashed again")
    walk.say("The rules stand in the header. Whoever clears again finds the first wrong round.")
    walk.catch(f"decent-gym verify favoured {held}", "electricity price is")


def serve(ledger: str, how: str) -> str:
    names = " ".join(PARTICIPANTS)
    return (
        f"decent-gym serve --scenario rural --start 2016-04-15T10:00 --external {names} "
        f"--broker {url('operator')} --ca broker/tls/ca.crt --ledger {ledger} {how} "
        f"--keys {MEMBERS} --key operator --checkpoint-every {EVERY}"
    )


def cosign(ledger: str, out: str) -> str:
    return (
        f"decent-gym cosign {ledger} --url http://127.0.0.1:$WITNESS --witness witness.pub "
        f"--out {out}"
    )


def url(user: str) -> str:
    return f"mqtts://{user}:${user.upper()}@localhost:$PORT"


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def answers(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


if __name__ == "__main__":
    sys.exit(main())
