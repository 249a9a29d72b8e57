"""Names are looked up, never guessed, and never taken twice."""

import pytest

from decent_gym.errors import InputError, UnknownNameError
from decent_gym.registry import Registry, unknown_name


@pytest.fixture
def fruit() -> Registry[int]:
    registry: Registry[int] = Registry("fruit")
    for number, name in enumerate(("apple", "pear", "plum")):
        assert registry.add(name, number) == number
    return registry


def test_a_mapping(fruit):
    assert dict(fruit) == {"apple": 0, "pear": 1, "plum": 2}
    assert list(fruit) == ["apple", "pear", "plum"] and len(fruit) == 3
    assert "pear" in fruit and "nut" not in fruit
    assert fruit.get("nut", 9) == 9
    assert repr(fruit) == "<fruit registry: apple, pear, plum>"
    with pytest.raises(TypeError):
        fruit["nut"] = 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("aple", "unknown fruit 'aple'; did you mean 'apple'?"),
        ("PLUM", "unknown fruit 'PLUM'; known: apple, pear, plum"),
        ("plums", "unknown fruit 'plums'; did you mean 'plum'?"),
        ("", "unknown fruit ''; known: apple, pear, plum"),
        (None, "unknown fruit None; known: apple, pear, plum"),
        (3, "unknown fruit 3; known: apple, pear, plum"),
        (["plum"], "unknown fruit ['plum']; did you mean 'plum'?"),
    ],
)
def test_the_nearest_name(fruit, name, text):
    with pytest.raises(UnknownNameError) as caught:
        fruit[name]
    assert str(caught.value) == text
    assert isinstance(caught.value, KeyError) and isinstance(caught.value, InputError)


def test_nothing_is_known():
    assert str(unknown_name("fruit", "plum", [])) == "unknown fruit 'plum'; known: none"


def test_a_name_is_taken_once(fruit):
    with pytest.raises(InputError, match="fruit 'plum' is registered already; choose another"):
        fruit.add("plum", 7)
    assert fruit["plum"] == 2
