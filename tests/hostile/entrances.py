"""Every entrance with its cases.  A new entrance is a table of cases and one line here."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import gymnasium
import numpy as np
from hostile import cases_answers as answers
from hostile import cases_clearing as clearing
from hostile import cases_command_line as command_line
from hostile import cases_environment as environment
from hostile import cases_ledger as ledger
from hostile import cases_market as market
from hostile import cases_mqtt as mqtt
from hostile import cases_offers as offers
from hostile import cases_policy as policy
from hostile import cases_tables as tables
from hostile import folders, wires
from hostile.items import Case
from hostile.stands import Stand, SubmitStand, Town, state_of
from market.random_orders import MEMBERS
from market.snapshots import snapshot

from decent_gym.clearing import Rules, clear, clear_blocks, clear_coupled
from decent_gym.envs import TraderEnv
from decent_gym.ledger import Checkpoint, LedgerHeader, VerifierKey
from decent_gym.ledger.member_keys import MemberKeys
from decent_gym.live.answers import read_answer
from decent_gym.live.reading import read_request
from decent_gym.market import Capability, MarketController, Tariffs
from decent_gym.models import ConversionOffer, Organization
from decent_gym.replay import read_recording
from decent_gym.views.mqtt_link import Address
from decent_gym.views.mqtt_payload import RoundFeed, Topics

TOWN: Final = Town()
"""Stands open beside every entrance."""

TARIFF: Final = {"retail": 300_000, "feed_in": 80_000, "short": 400_000, "long": 40_000}
PUMP: Final = {"organization": "pump", "electricity": -1000, "heat": 3000, "cost": 0, "max": 3}
TWO: Final = {"side": [1, 0], "price": [9, 4], "energy": [10, 6]}
ONE_BLOCK: Final = {"side": [0, 1], "price": [5, 9], "energy": [10, 4]}


def call(function: Callable[..., object], **good: Any) -> Callable[[Path], Stand]:
    """A function with some keywords other than good ones."""
    return lambda place: Stand(lambda made: function(**{**good, **made}))


def one(function: Callable[[Any], object]) -> Callable[[Path], Stand]:
    """A function of one thing."""
    return lambda place: Stand(function)


def steps_stand(place: Path) -> Stand:
    """A step of the round, by the operator after the clearing or before it, or by somebody else."""
    key = Capability()
    controller = MarketController(MEMBERS, key)
    operator = controller.operator
    metered = np.zeros_like(operator.metered)
    orders = folders.no_orders()
    acts: dict[str, Callable[[Any], object]] = {
        "submit": lambda key: operator.submit(orders, key),
        "clear": operator.clear,
        "complete": lambda key: operator.complete(metered, key),
        "withdraw": lambda key: operator.withdraw(0, 0, 0, key),
        "reset": lambda key: operator.reset(np.zeros(1, np.int64), key),
        "close": controller.close_round,
    }

    class Steps(Stand):
        def prepare(self, made: Any) -> None:
            """Clear first, where a case is about that."""
            _, who = self.made = made
            if isinstance(who, bool):
                operator.reset(np.zeros(1, np.int64), key)
                if who:
                    operator.clear(key)

    def act(made: tuple[str, Any]) -> object:
        step, who = made
        shown = {"another": Capability()}.get(who, who) if isinstance(who, str) else who
        return acts[step](key if isinstance(who, bool) else shown)

    return Steps(act, lambda: snapshot(controller))


def conversion_stand(place: Path) -> Stand:
    rules = Rules(utility=None, clearing="coupled")
    controller = MarketController([Organization("pump")], Capability(), rules=rules)
    return Stand(
        lambda made: controller.submit_conversion(ConversionOffer(**{**PUMP, **made})),
        lambda: snapshot(controller),
    )


def reset_stand(place: Path) -> Stand:
    env = played()
    return Stand(lambda made: env.reset(seed=made[0], options=made[1]), lambda: state_of(env))


def step_stand(place: Path) -> Stand:
    env = played()
    return Stand(env.step, lambda: state_of(env))


def played() -> TraderEnv:
    """An environment in its second round, with a ledger."""
    env = TraderEnv(**environment.SMALL, ledger="memory")
    env.reset(seed=2)
    env.step(np.ones(2))
    return env


def round_stand(place: Path) -> Stand:
    feed = RoundFeed()
    feed.feed(mqtt.text(**mqtt.FIRST))
    return Stand(feed.feed, lambda: dict(vars(feed)))


class Entrance(NamedTuple):
    """Where input comes in."""

    stand: Callable[[Path], Stand]
    """Makes it ready, in an empty folder."""
    cases: Sequence[tuple[Any, ...]]
    """As :class:`Case`."""


ENTRANCES: Final[dict[str, Entrance]] = {
    "MarketController.submit": Entrance(lambda place: SubmitStand(TOWN), market.SUBMIT),
    "MarketController.withdraw": Entrance(
        one(lambda made: TOWN.market.withdraw(*made)), market.WITHDRAW
    ),
    "MarketController's questions": Entrance(one(lambda ask: ask(TOWN.market)), market.ASK),
    "MarketController.submit_conversion": Entrance(conversion_stand, market.CONVERSION),
    "GridOperator, by whom": Entrance(steps_stand, market.STEP_BY),
    "GridOperator, when": Entrance(steps_stand, market.STEP_WHEN),
    "Tariffs": Entrance(call(Tariffs, **TARIFF), market.TARIFFS),
    "clear": Entrance(call(clear, **TWO), clearing.CLEAR),
    "clear, wishes": Entrance(call(clear, **TWO, mechanism="preference"), clearing.WISHES),
    "clear_blocks": Entrance(call(clear_blocks, **ONE_BLOCK), clearing.BLOCKS),
    "clear_coupled": Entrance(
        one(lambda made: clear_coupled([0, 1], [0, 1], [5, 9], [1, 1], made[0], **made[1])),
        clearing.COUPLED,
    ),
    "Rules": Entrance(call(Rules), clearing.RULES),
    "gymnasium.make": Entrance(
        one(lambda made: gymnasium.make("decent_gym/Trader-v0", **made)), environment.MAKE
    ),
    "env.reset": Entrance(reset_stand, environment.RESET),
    "env.step": Entrance(step_stand, environment.STEP),
    "MQTT payload of a round": Entrance(round_stand, mqtt.ROUND),
    "broker's address": Entrance(one(Address.parse), mqtt.ADDRESS),
    "district in topics": Entrance(one(Topics), mqtt.DISTRICT),
    "offers over MQTT": Entrance(wires.unsigned_stand, offers.OFFERS),
    "signed offers over MQTT": Entrance(wires.signed_stand, offers.SIGNED),
    "request for records over MQTT": Entrance(one(read_request), offers.REQUEST),
    "rounds and records, as followed": Entrance(wires.FollowStand, answers.FOLLOW),
    "opening, to a participant": Entrance(wires.opening_stand, answers.OPENINGS),
    "receipt, to a participant": Entrance(one(read_answer), answers.RECEIPTS),
    "settlement, to a participant": Entrance(one(read_answer), answers.SETTLEMENTS),
    "keys of organizations": Entrance(wires.members_stand, offers.MEMBERS),
    "keys in a ledger's header": Entrance(
        call(lambda **made: MemberKeys.of(LedgerHeader(**ledger.GOOD_HEADER | made))),
        offers.HEADER_KEYS,
    ),
    "ledger's header": Entrance(call(LedgerHeader, **ledger.GOOD_HEADER), ledger.HEADERS),
    "Ledger.on_round": Entrance(folders.append_stand, ledger.APPEND),
    "ledger, verify": Entrance(folders.of_ledger(folders.checked), ledger.VERIFY),
    "ledger, Ledger.resume": Entrance(folders.of_ledger(folders.resumed), ledger.RESUME),
    "ledger, published": Entrance(folders.of_ledger(folders.payloads), ledger.TAIL),
    "meta.json": Entrance(folders.of_ledger(read_recording), ledger.RECORDING),
    "checkpoint": Entrance(one(folders.read_checkpoint), ledger.CHECKPOINT),
    "public key": Entrance(one(VerifierKey.parse), ledger.VERIFIER),
    "private key": Entrance(folders.key_stand, ledger.PRIVATE),
    "proof": Entrance(folders.ProofStand, ledger.PROOF),
    "request to a witness": Entrance(folders.request_stand, ledger.REQUEST),
    "witness, its port": Entrance(wires.http_stand, answers.HTTP),
    "witness, its answers": Entrance(wires.cosign_stand, answers.COSIGN),
    "node, its answers": Entrance(wires.node_stand, answers.NODE),
    "witness, its address": Entrance(
        wires.cosign_at_stand, [(*case, "a witness is at") for case in answers.URL]
    ),
    "node, its address": Entrance(
        wires.node_at_stand, [(*case, "a node is at http://") for case in answers.URL]
    ),
    "scenario, TOML": Entrance(folders.toml_stand, tables.TOML_TEXT),
    "profiles, CSV": Entrance(folders.csv_stand, tables.CSV_CELL),
    "profiles, npz": Entrance(folders.npz_stand, tables.NPZ),
    "profiles, Parquet": Entrance(folders.profiles_stand, tables.PROFILES),
    "episodes, Parquet": Entrance(folders.episodes_stand, tables.EPISODES),
    "exported ledger, Parquet": Entrance(folders.tables_stand, tables.TABLES),
    "policy": Entrance(folders.policy_stand, policy.POLICY),
    "command line": Entrance(folders.command_stand, command_line.COMMAND),
}

GOOD: Final[dict[str, Any]] = {
    "MarketController.submit": {"organization": "c"},
    "MarketController.withdraw": ("b", 1),
    "MarketController's questions": lambda controller: controller.balance("a"),
    "GridOperator, by whom": ("clear", False),
    "GridOperator, when": ("clear", False),
    "clear_coupled": ([clearing.ROW], {}),
    "gymnasium.make": environment.SMALL,
    "env.reset": (3, {"start": 0}),
    "env.step": [0.5, -0.5],
    "MQTT payload of a round": mqtt.text(),
    "offers over MQTT": (offers.MINE, offers.text()),
    "signed offers over MQTT": lambda market: market.message(offers.BUY),
    "request for records over MQTT": json.dumps(offers.RIGHT).encode(),
    "rounds and records, as followed": lambda payloads, records: ("record", records[5]),
    "receipt, to a participant": answers.other(answers.RECEIPT),
    "settlement, to a participant": answers.other(answers.SETTLEMENT),
    "keys in a ledger's header": offers.header_keys(),
    "witness, its port": answers.http(
        answers.POST, f"Content-Length: {len(answers.SAME)}", body=answers.SAME
    ),
    "witness, its answers": [],
    "witness, its address": "http://witness.example:1/path",
    "node, its address": "http://node.example:1/path?key",
    "broker's address": "mqtts://user:secret@h.example:8883",
    "district in topics": "rural",
    "Ledger.on_round": ledger.RECORDS[2],
    "checkpoint": ledger.GOOD_NOTE,
    "public key": ledger.PUBLIC,
    "proof": lambda value: None,
    "request to a witness": b"old 3\n\n"
    + Checkpoint.of(ledger.KEY.name, 3, bytes(32)).signed(ledger.KEY).to_bytes(),
    "scenario, TOML": ("fuel = 0.1", "fuel = 0.2"),
    "profiles, CSV": (50, ",48,", ",47,"),
    "command line": ["verify", "ledger"],
}
"""What each entrance takes; where nothing stands here, no change to the good one."""

CASES: Final = [
    (entrance, Case(*case)) for entrance, (_, cases) in ENTRANCES.items() for case in cases
]
