"""Kernels repeat the few numbers they need; here they are compared with what they stand for."""

import ast
import importlib
from pathlib import Path

import pytest

import decent_gym
from decent_gym.clearing import order_admission, order_faults
from decent_gym.market import accounts, meters, operator
from decent_gym.market.tariffs import _PRICE_CAP
from decent_gym.models import NO_DEVICE, Money, Reason, Side, Tariff
from decent_gym.units import ENERGY_CAP, JSON_INTEGER_CAP, PRICE_CAP, PRODUCT_CAP

ROOT = Path(decent_gym.__file__).parent
MEANING = {
    "_SELL": Side.SELL,
    "_BUY": Side.BUY,
    "_NO_DEVICE": NO_DEVICE,
    "_ENERGY_CAP": ENERGY_CAP,
    "_PRICE_CAP": PRICE_CAP,
    "_RETAIL": Tariff.RETAIL,
    "_FEED_IN": Tariff.FEED_IN,
    "_SHORT": Tariff.SHORT,
    "_LONG": Tariff.LONG,
    "_FUEL": Money.FUEL,
    "_TRADE": Money.TRADE,
    **{f"_{reason.name}": reason for reason in Reason},
    "_NUMBER_CAP": JSON_INTEGER_CAP,
}


def kernel_files():
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text()
        if "@njit" in text:
            yield path.relative_to(ROOT.parent).with_suffix("").as_posix().replace("/", "."), text


@pytest.mark.parametrize(("module", "text"), list(kernel_files()), ids=lambda value: value[:40])
def test_repeated_numbers_are_what_they_stand_for(module, text):
    assigned = {
        name.id
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    }
    holder = importlib.import_module(module)
    for name in assigned & MEANING.keys():
        assert getattr(holder, name) == MEANING[name], f"{module}.{name}"


def test_the_test_above_sees_the_kernels():
    found = dict(kernel_files())
    assert {"decent_gym.clearing.order_admission", "decent_gym.market.departures"} <= found.keys()
    assert len(found) > 15


def test_numbers_of_the_market():
    assert order_admission._NO_ID == -1
    assert order_faults._ACCOUNT_CAP == order_admission._ACCOUNT_CAP
    assert order_admission._ACCOUNT_CAP * 4 == PRODUCT_CAP == order_admission._NEVER
    assert _PRICE_CAP == PRICE_CAP
    assert (accounts.FUEL, accounts.NETWORK, accounts.OPERATOR) == (0, 1, 2)
    assert accounts.SPECIAL_ACCOUNTS == 3
    assert operator.HORIZON == 7 * 24 * 4
    assert 2 * meters.IMBALANCE_CAP * PRICE_CAP <= PRODUCT_CAP
    assert meters.METER_CAP > meters.IMBALANCE_CAP


def test_a_record_that_the_operator_takes_the_audit_takes_too():
    from decent_gym.audit import recount

    assert meters.METER_CAP <= recount._METER_CAP
    assert meters.IMBALANCE_CAP <= recount._IMBALANCE_CAP
