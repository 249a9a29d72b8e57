"""Who a member is: names become topics and file names, so few characters will do."""

import re

import pytest

from decent_gym.errors import InputError
from decent_gym.models import Organization


@pytest.mark.parametrize("name", ["a", "Building_03", "heat-plant", "7", "x" * 64, "_", "-"])
def test_good_names(name):
    assert Organization(name, district=name).name == name


BAD_NAMES = [
    *("", " ", "a b", "a/b", "..", ".", "a.b", "a\\b", "a\n", "\0", "+", "#", "a\x7f", "$SYS"),
    *("käse", "²", "٣", "\uff41", "x" * 65, 3, None, True, b"a", ["a"]),
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
@pytest.mark.parametrize("what", ["name", "district"])
def test_bad_names(what, name):
    with pytest.raises(InputError, match=f"organization {what} must be 1 to 64") as caught:
        Organization(**{"name": "a", what: name})
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"priority": 2}, "organization 'a': priority must be in [0, 1], got 2"),
        ({"priority": -1}, "must be in [0, 1], got -1"),
        ({"priority": True}, "priority must be an integer, got the bool True"),
        ({"priority": 1.0}, "priority must be an integer, got float 1.0"),
        ({"priority": None}, "priority must be an integer, got NoneType None"),
        ({"enabled": "no"}, "organization 'a': enabled must be True or False, got 'no'"),
        ({"enabled": 1}, "enabled must be True or False, got 1"),
        ({"enabled": None}, "enabled must be True or False, got None"),
    ],
)
def test_bad_fields(fields, text):
    with pytest.raises(InputError, match=re.escape(text)):
        Organization("a", **fields)


def test_a_record():
    member = Organization("a")
    assert (member.district, member.priority, member.enabled) == ("district", 0, True)
    assert member == Organization("a") != Organization("a", priority=1)
    with pytest.raises(AttributeError):
        member.name = "b"
