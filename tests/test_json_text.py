"""Reading JSON that may be anybody's: limits before parsing, one strict form."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.json_text import DEPTH_CAP, deepest, load_json

CAP = 2**22
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
noise = st.text(alphabet='[]{}",:\\a1 \n', max_size=60)


def depth_of(value: object) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, list | dict)) + max(map(depth_of, parts), default=0)


def slow_depth(text: str) -> int:
    """How deep the parser can have gone: character by character."""
    depth = most = 0
    characters = iter(text)
    for character in characters:
        if character == '"':
            for inner in characters:
                if inner == "\\":
                    next(characters, None)
                elif inner == '"':
                    break
        depth += (character in "[{") - (character in "]}")
        most = max(most, depth)
    return most


@given(values)
def test_what_json_writes_is_read(value: object) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        if "\\ud" not in json.dumps(value):  # halves of characters are no UTF-8
            assert load_json(text, CAP) == value
    text = json.dumps(value)
    depth = depth_of(value)
    assert load_json(text.encode(), CAP, depth=depth) == value
    if depth:
        with pytest.raises(ValueError, match=f"nested deeper than {depth - 1}"):
            load_json(text, CAP, depth=depth - 1)


@given(noise, st.integers(0, 4))
def test_depth_is_counted_as_the_parser_would_go(text: str, depth: int) -> None:
    """Also of what is no JSON, since the parser comes as far as its first error."""
    is_deep = slow_depth(text) > depth
    try:
        value = load_json(text, CAP, depth=depth)
    except ValueError as error:
        assert ("nested deeper" in str(error)) is is_deep
    else:
        assert depth_of(value) <= depth
        assert not is_deep


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "Expecting value"),
        (b"[1]" + b" " * CAP, f"JSON of {CAP + 3} bytes is longer than {CAP}"),
        (b"[" * CAP, f"nested deeper than {DEPTH_CAP}"),
        (b'{"a":' * 2_000, "nested deeper"),
        (b'"' + b'\\"' * (CAP // 2 - 1), "Unterminated string"),  # hours, if each was a beginning
        (b'["[",' * (CAP // 5), "nested deeper"),
        (b'{"a":1,"a":1}', "a key stands twice"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e400]", "1e400 is no finite number"),
        (b"[123456789012345678901]", "more than 20 characters"),
        (b'"\xff"', "can't decode byte 0xff"),
        (b"\xef\xbb\xbf[]", "BOM"),
        ("[]".encode("utf-16"), "can't decode byte 0xff"),
        ("\ud800", "surrogates not allowed"),
    ],
)
def test_all_else_is_refused(text: bytes | str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load_json(text, CAP)


@pytest.mark.parametrize("text", ["1.0", "1e2", "-0.0", "NaN", "9007199254740992", "9" * 5_000])
def test_whole_numbers_are_those_that_every_reader_agrees_on(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an integer|is beyond 2\^53 - 1"):
        load_json(text, CAP, whole=True)
    assert load_json("9007199254740991", CAP, whole=True) == 2**53 - 1


def test_brackets_are_counted_wherever_they_stand() -> None:
    assert deepest(b"]][{}{[") == 1 and deepest(b"") == 0 and deepest(b"{[{") == 3


def test_the_limit_of_recursion_is_not_leaned_on() -> None:
    """Without our own limit this would end with a signal on Python 3.11."""
    code = (
        "import sys; from decent_gym.json_text import load_json; sys.setrecursionlimit(10**8)\n"
        "for text in (b'[' * 10**6, b'{\"a\":' * 10**6):\n"
        "    try: load_json(text, 10**8)\n"
        "    except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("nested deeper than 32")) == (0, 2), done.stderr
