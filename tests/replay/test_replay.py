"""A recorded episode, stepped again: the same head, or the first round that differs."""

import json
from fractions import Fraction

import gymnasium
import numpy as np
import pytest
from oracles import forger

from decent_gym.errors import DataError, InputError, LedgerError, UnknownNameError
from decent_gym.ledger.segments import META
from decent_gym.models import Round
from decent_gym.replay import difference, read_recording, replay
from decent_gym.scenarios import scenario
from decent_gym.simulation import Episodes

ROUNDS = 12
LEARNERS = ["building_02", "building_03"]
OPTIONS = {"price_rule": "1/3", "tariff": "time_of_use"}


@pytest.fixture
def recorded(tmp_path):
    """An episode in which two learners act at random."""
    folder = tmp_path / "episode"
    episodes = Episodes(scenario("rural", **OPTIONS), LEARNERS, rounds=ROUNDS, split="test")
    episodes.reset([42])
    ledger = episodes.record(folder, scenario="rural", options=OPTIONS)
    random = np.random.default_rng(1)
    for _ in range(ROUNDS):
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, random.uniform(-1, 1, len(levers)))
        episodes.step()
    head = ledger.head
    episodes.close()
    return folder, head


def change_meta(folder, **changes):
    path = folder / META
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_same_head(recorded):
    folder, head = recorded
    seen = []
    result = replay(folder, on_round=seen.append)
    assert result
    assert (result.rounds, result.head, result.recorded_head) == (ROUNDS, head, head)
    assert result.first_different is result.reason is None
    assert seen == list(range(1, ROUNDS + 1))


def test_recording_says_what_was_run(recorded):
    folder, _ = recorded
    recording = read_recording(folder)
    assert recording.learners == tuple(LEARNERS)
    assert recording.header.seed == 42
    assert recording.rounds == ROUNDS
    assert recording.rebuild().digest == scenario("rural", **OPTIONS).digest


def test_rules_come_from_the_header_where_options_are_missing(tmp_path):
    episodes = Episodes(scenario("rural", price_rule=1), [], rounds=2)
    episodes.reset([5])
    ledger = episodes.record(tmp_path / "x", scenario="rural")
    episodes.step()
    episodes.step()
    head = ledger.head
    episodes.close()
    assert replay(tmp_path / "x").head == head


@pytest.mark.parametrize("at", [0, 5])
def test_edited_action_is_found_in_its_round(recorded, at):
    folder, _ = recorded
    header, rounds = forger.read(folder)
    actions = rounds[at].actions.copy()
    actions[0] = -actions[0] // 2
    rounds[at] = forger.edited(rounds[at], actions=actions)
    forger.write(folder, header, rounds)
    result = replay(folder)
    assert not result
    assert result.first_different == rounds[at].number
    assert result.rounds == at
    assert f"round {rounds[at].number}: " in result.reason
    assert result.head != result.recorded_head


def test_edited_price_is_found(recorded):
    folder, _ = recorded
    header, rounds = forger.read(folder)
    book = rounds[3].electricity
    rounds[3] = forger.edited(rounds[3], electricity={"price": book.price + 1})
    forger.write(folder, header, rounds)
    result = replay(folder)
    assert result.first_different == rounds[3].number
    assert "price of the electricity book" in result.reason
    assert f"{book.price + 1} recorded, {book.price} on replay" in result.reason


def test_other_traders_do_not_give_the_same(recorded):
    folder, _ = recorded
    change_meta(folder, traders="no_flexibility")
    result = replay(folder)
    assert not result
    assert result.first_different is not None


def test_learners_left_out_of_meta(recorded):
    folder, _ = recorded
    change_meta(folder, learners=LEARNERS[:1])
    with pytest.raises(DataError, match="holds 20 action entries; 1 learners"):
        replay(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 41}, "'seed' is 41, but the ledger says 42"),
        ({"start": 0}, "'start' is 0, but the ledger says"),
        ({"learners": "building_02"}, "'learners' has the wrong type"),
        ({"learners": [1]}, "must be names"),
        ({"options": []}, "'options' has the wrong type"),
        ({"rounds": True}, "'rounds' has the wrong type"),
        ({"options": {}}, "has the digest .* was recorded under"),
    ],
)
def test_changed_meta(recorded, changes, message):
    folder, _ = recorded
    change_meta(folder, **changes)
    with pytest.raises(DataError, match=message):
        replay(folder)


def test_misspelt_names_in_meta(recorded):
    folder, _ = recorded
    change_meta(folder, scenario="rurall")
    with pytest.raises(UnknownNameError, match="did you mean 'rural'"):
        replay(folder)
    change_meta(folder, scenario="gone.toml")
    with pytest.raises(InputError, match=r"gone\.toml .* is not there"):
        replay(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_meta_that_says_nothing(recorded, text):
    folder, _ = recorded
    (folder / META).write_text(text)
    with pytest.raises(DataError, match=r"meta\.json"):
        replay(folder)


def test_without_meta(recorded):
    folder, _ = recorded
    (folder / META).unlink()
    with pytest.raises(DataError, match="a replay needs it, verify does not"):
        replay(folder)


def test_torn_and_flipped_ledgers(recorded):
    folder, _ = recorded
    segment = folder / forger.SEGMENT
    data = segment.read_bytes()
    segment.write_bytes(data[:-1])
    result = replay(folder)
    assert not result
    assert result.rounds == ROUNDS - 1
    assert "incomplete record" in result.reason
    segment.write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
    assert not replay(folder)


def test_wild_action_is_refused(recorded):
    folder, _ = recorded
    header, rounds = forger.read(folder)
    actions = rounds[1].actions.copy()
    actions[0] = -(2**63)
    rounds[1] = forger.edited(rounds[1], actions=actions)
    forger.write(folder, header, rounds)
    with pytest.raises(DataError, match=r"beyond \+-1000000"):
        replay(folder)


def test_round_that_does_not_follow(recorded):
    folder, _ = recorded
    header, rounds = forger.read(folder)
    forger.write(folder, header, [rounds[0], rounds[2]])
    with pytest.raises(LedgerError, match=f"stands where {rounds[1].number} is due"):
        replay(folder)


def test_no_ledger(tmp_path):
    with pytest.raises(InputError, match="there is no ledger"):
        replay(tmp_path / "nowhere")


def test_header_alone(recorded):
    folder, _ = recorded
    header, _ = forger.read(folder)
    forger.write(folder, header, [])
    with pytest.raises(DataError, match="no whole round"):
        replay(folder)


def test_difference_of_equals(recorded):
    _, rounds = forger.read(recorded[0])
    assert isinstance(rounds[0], Round)
    assert "rounds before differ" in difference(rounds[0], rounds[0])
    shorter = forger.edited(rounds[0], actions=rounds[0].actions[:3])
    assert difference(shorter, rounds[0]) == "actions: 3 recorded, 20 on replay"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tariff": "time_of_use", "price_rule": Fraction(1, 3), "utility": "residual"},
        {"traders": "price_threshold"},
        {"traders": {"building_04": "zero_intelligence"}, "tie_rule": "random"},
    ],
)
def test_an_episode_recorded_by_the_environment_replays(tmp_path, options):
    env = gymnasium.make(
        "decent_gym/Trader-v0", rounds=ROUNDS, ledger=tmp_path, **options
    ).unwrapped
    env.action_space.seed(5)
    env.reset(seed=42)
    for _ in range(ROUNDS):
        env.step(env.action_space.sample())
    head = env.head
    env.close()
    again = replay(tmp_path / "episode-000000")
    assert again.ok, again.reason
    assert again.head == head
