"""One tree; every error says what it is to whoever catches it, also in another process."""

import copy
import inspect
import pickle

import pytest

from decent_gym import errors
from decent_gym.errors import (
    DataError,
    DecentGymError,
    InputError,
    MissingExtraError,
    NotAuthorizedError,
    OfferError,
    UnknownNameError,
)

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, Exception) and cls.__module__ == errors.__name__
]
BUILTINS = {
    "InputError": ValueError,
    "UnknownNameError": KeyError,
    "NotAuthorizedError": PermissionError,
    "MissingExtraError": ImportError,
}


def made(cls):
    if cls is OfferError:
        return OfferError("energy 0 is too little", field="energy", value=0)
    if cls is MissingExtraError:
        return MissingExtraError("matplotlib", "plot", "drawing")
    return cls("what, where, remedy")


def test_the_drawn_tree_is_the_tree():
    drawn = {}
    path = []
    for line in errors.__doc__.split("::", 1)[1].splitlines():
        name = next(
            (w for w in line.replace("|--", " ").replace("`--", " ").split() if w != "|"), ""
        )
        if not name.endswith("Error"):
            continue
        depth = line.index(name) // 4 - 1
        path = [*path[:depth], name]
        drawn[name] = path[-2] if depth else None
    real = {
        cls.__name__: None if cls is DecentGymError else cls.__bases__[0].__name__
        for cls in CLASSES
    }
    assert drawn == real and len(real) >= 11


@pytest.mark.parametrize("cls", CLASSES)
def test_one_root_and_the_builtin_that_people_catch(cls):
    assert issubclass(cls, DecentGymError)
    assert cls.__doc__
    if cls.__name__ in BUILTINS:
        assert issubclass(cls, BUILTINS[cls.__name__])


def test_whose_fault_it_is():
    for kind in (InputError, NotAuthorizedError, DataError):
        others = {InputError, NotAuthorizedError, DataError} - {kind}
        assert not any(issubclass(kind, other) for other in others)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_errors_cross_processes(cls, again):
    error = made(cls)
    error.add_note("seen in worker 3")
    other = again(error)
    assert type(other) is cls and str(other) == str(error) and other.args == error.args
    for name in ("field", "value", "package", "extra"):
        assert getattr(other, name, None) == getattr(error, name, None)
    assert other.__notes__ == ["seen in worker 3"]


def test_what_they_say():
    assert str(UnknownNameError("unknown fruit")) == "unknown fruit"
    assert str(UnknownNameError()) == ""
    assert str(made(MissingExtraError)) == (
        "drawing needs matplotlib: pip install 'decent-gym[plot]'"
    )
    error = made(OfferError)
    assert (error.field, error.value) == ("energy", 0)
    with pytest.raises(TypeError):
        OfferError("without its field")
