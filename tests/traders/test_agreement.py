"""Kernels against the slow oracle, batches against single worlds, compiled against interpreted."""

import hashlib
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from oracles import traders as oracle
from oracles.trader_views import part_of, random_view

from decent_gym.errors import InputError
from decent_gym.models import Commodity, Tariff
from decent_gym.registry import Registry
from decent_gym.traders import LEARNER, NOBODY, TRADERS, Decisions, decide_all, traders_of

ALL = frozenset(range(-2, 5))
NAMES = [field.name for field in fields(Decisions)]


def decided(view, codes=ALL):
    worlds, organizations = view.policy.shape
    decisions = Decisions.empty(worlds, organizations)
    decide_all(view, decisions, traders_of(codes), 0, worlds)
    return decisions


def as_array(decisions):
    return np.stack(decisions.columns())


def digest_of_many(views=25):
    sha = hashlib.sha256()
    for seed in range(views):
        sha.update(as_array(decided(random_view(seed, 2, 7))).tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize("block", range(8))
def test_equals_the_oracle(block):
    for seed in range(25 * block, 25 * block + 25):
        view = random_view(seed)
        decisions = decided(view)
        for w, n in np.ndindex(view.policy.shape):
            expected = oracle.decide(oracle.organization(view, w, n))
            got = {name: int(getattr(decisions, name)[w, n]) for name in NAMES}
            assert got == expected, (seed, w, n, view.policy[w, n])


def test_random_views_exercise_every_block_of_every_trader():
    seen = {code: dict.fromkeys(NAMES, False) for code in range(-1, 5)}
    for seed in range(60):
        view = random_view(seed)
        decisions = decided(view)
        for code, blocks in seen.items():
            for name in blocks:
                blocks[name] |= bool((getattr(decisions, name)[view.policy == code] != 0).any())
    idle = {"charge", "discharge", "pump_flex", "chp", "heat_buy", "heat_sell"}
    for code, blocks in seen.items():
        unused = {name for name, used in blocks.items() if not used}
        assert unused == (idle if code in (-1, 4) else {"pump_flex"} if code == 2 else set())


def test_a_world_is_the_same_alone_and_in_any_shard():
    for seed in range(20):
        view = random_view(seed, worlds=5)
        whole = as_array(decided(view))
        for w in range(5):
            alone = as_array(decided(part_of(view, slice(w, w + 1))))
            assert (alone == whole[:, w : w + 1]).all()
        sharded = Decisions.empty(*view.policy.shape)
        for first, last in ((3, 5), (0, 1), (1, 3)):
            decide_all(view, sharded, traders_of(ALL), first, last)
        assert (as_array(sharded) == whole).all()


def test_worlds_outside_the_range_stay_untouched():
    view = random_view(3, worlds=5)
    decisions = Decisions.empty(*view.policy.shape)
    for column in decisions.columns():
        column[:] = -77
    decide_all(view, decisions, traders_of(ALL), 1, 3)
    outside = as_array(decisions)[:, [0, 3, 4]]
    assert (outside == -77).all()
    assert (as_array(decisions)[:, 1:3] != -77).all()


@pytest.mark.parametrize("name", TRADERS)
def test_a_trader_touches_its_own_organizations_only(name):
    trader = TRADERS[name]
    changed = 0
    for seed in range(20):
        view = random_view(seed)
        decisions = Decisions.empty(*view.policy.shape)
        for column in decisions.columns():
            column[:] = -77
        trader.decide(view, decisions, 0, len(view.policy))
        others = view.policy != trader.code
        assert (as_array(decisions)[:, others] == -77).all()
        changed += int((as_array(decisions)[:, ~others] != -77).sum())
    assert changed > 0


def test_permuted_organizations_permute_the_result():
    for seed in range(20):
        view = random_view(seed)
        view.policy[view.policy == TRADERS["zero_intelligence"].code] = 0  # draws go by index
        order = np.random.default_rng(seed).permutation(view.policy.shape[1])
        permuted = decided(part_of(view, slice(None), order))
        assert (as_array(permuted) == as_array(decided(view))[:, :, order]).all()


def test_nothing_depends_on_what_the_arrays_held_before():
    for seed in range(10):
        view = random_view(seed)
        dirty = Decisions.empty(*view.policy.shape)
        for column in dirty.columns():
            column[:] = 123_456
        decide_all(view, dirty, traders_of(ALL), 0, len(view.policy))
        assert (as_array(dirty) == as_array(decided(view))).all()


def test_the_view_is_not_written_to():
    view, same = random_view(11), random_view(11)
    decided(view)
    for field in fields(view):
        assert np.array_equal(getattr(view, field.name), getattr(same, field.name))


def test_learners_and_the_utility_live_by_the_baseline():
    view = random_view(5)
    everybody = decided(view, frozenset())
    mixed = decided(view)
    nobody = (view.policy == LEARNER) | (view.policy == NOBODY)
    assert nobody.any()
    assert (as_array(mixed)[:, nobody] == as_array(everybody)[:, nobody]).all()


def test_a_trader_that_is_not_in_use_is_not_asked():
    view = random_view(5)
    nobody = random_view(5)
    nobody.policy[:] = LEARNER
    baseline = as_array(decided(nobody))
    assert (as_array(decided(view, frozenset())) == baseline).all()
    assert (as_array(decided(view, (-1, 4))) == baseline).all()
    assert (as_array(decided(view, [0])) != baseline).any()


def test_interpreted_kernels_agree_with_compiled_ones():
    here = Path(__file__).resolve()
    code = (
        f"import sys; sys.path[:0] = {[str(here.parents[2]), str(here.parents[1])]!r}\n"
        f"sys.path.insert(0, {str(here.parent)!r})\n"
        "import test_agreement; print(test_agreement.digest_of_many())"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == digest_of_many()


def test_registry_and_codes():
    assert isinstance(TRADERS, Registry)
    assert {t.code: t.name for t in TRADERS.values()} == oracle.NAMES
    assert all(TRADERS[name].name == name for name in TRADERS)
    with pytest.raises(InputError, match="did you mean 'truthful'"):
        TRADERS["truthfull"]


def test_an_unknown_code_is_refused():
    with pytest.raises(InputError, match="policy code 9 belongs to no trader; known: 0 truthful"):
        traders_of((0, 9))


def test_the_kernels_literal_columns_are_those_of_the_enums():
    assert (Commodity.ELECTRICITY, Commodity.HEAT) == (0, 1)
    assert (Tariff.RETAIL, Tariff.FEED_IN) == (0, 1)
